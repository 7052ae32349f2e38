"""How much of a model its most active clients could have learned: a gauge whose series come and go with them."""

import math
import os
from collections.abc import Iterable, Sequence

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from otel_mlsec.emit import names
from otel_mlsec.emit.clean import text
from otel_mlsec.errors import contained
from otel_mlsec.observation import Model

DETECTOR = "extraction/account"  # whose scores they are, by principal
MOST = 100  # series, those of the largest values
NOBODY = "nobody"  # calls that came with no principal, as the detector calls them
NAME = 256  # bytes of a value

_shown: Sequence[Observation] = ()  # of this moment: an SDK keeps the first callback of an instrument, whoever registers the next


class Exposure:
    """Observed, so that a principal who is no longer followed is a series that ends, and not one that stands still for ever."""

    def __init__(self, meter: Meter, *, series: int) -> None:
        self._most = min(series, MOST)
        self.set(())
        meter.create_observable_gauge(
            names.EXTRACTION_EXPOSURE, [_observed], "1", "How well a copy made of a principal's answers would agree, kappa 0 to 1"
        )

    def set(self, scores: Iterable[tuple[Model, str, float]]) -> None:
        """Model, principal and kappa of all that are followed now."""
        global _shown
        finite = [each for each in scores if math.isfinite(each[2])]
        largest = sorted(finite, key=lambda each: -each[2])[: self._most]
        _shown = tuple(Observation(float(value), _attributes(model, principal)) for model, principal, value in largest)


def _observed(_: CallbackOptions) -> Iterable[Observation]:
    with contained("emit.metrics"):
        return _shown
    return ()


def _attributes(model: Model, principal: str) -> dict[str, str]:
    told = (
        (names.MODEL_NAME, model.name), (names.MODEL_VERSION, model.version), (names.RULE_NAME, DETECTOR),
        (names.USER_HASH, principal if principal != NOBODY else ""),
    )  # fmt: skip
    return {name: text(value, NAME) for name, value in told if value}


def _forked() -> None:
    global _shown
    _shown = ()  # of the parent's detectors


os.register_at_fork(after_in_child=_forked)
