"""How good a model's answers are by now, as detectors estimate it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from opentelemetry.context import Context
from opentelemetry.metrics import Meter

from otel_mlsec.emit import names
from otel_mlsec.emit.clean import text
from otel_mlsec.observation import Model

MAX_SERIES = 1000  # a gauge that was set stands until the process ends; of later models none is made
NAME = 256  # bytes of a value


class PerformanceMetrics:
    def __init__(self, meter: Meter) -> None:
        self._estimate = meter.create_gauge(
            names.PERFORMANCE_ESTIMATE, "1", "Accuracy and the like of a model's last rows: expected of its scores, or of labels"
        )
        self._series: dict[tuple[Model, str, str], dict[str, str]] = {}

    def set(self, estimates: Iterable[tuple[Model, str, str, float]]) -> None:
        """Model, detector, measure and value."""
        for model, detector, measure, value in estimates:
            series = model, detector, measure
            if series not in self._series and len(self._series) < MAX_SERIES:
                told = (
                    (names.MODEL_NAME, model.name), (names.MODEL_VERSION, model.version), (names.RULE_NAME, detector),
                    (names.PERFORMANCE_MEASURE, measure),
                )  # fmt: skip
                self._series[series] = {name: text(each, NAME) for name, each in told if each}
            if series in self._series and math.isfinite(value):
                self._estimate.set(float(value), self._series[series], Context())
