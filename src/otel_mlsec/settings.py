"""Settings of one model, one feature, and language models; and within which bounds all settings are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, cast


class ConfigError(ValueError):
    """A setting that cannot be used; the message names the key, what is allowed, and the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSettings:
    """Of one feature or output column; None: as the model's."""

    off: bool = False
    tolerance: float | None = None  # change of any score, in its sd, that is nobody's business; in [0, 10]
    false_alarms_per_million: float | None = None  # rows; in (0, 1e5]
    importance: float | None = None  # to the model, where all have 1; below 0.1 its drift is one step less severe


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """Of one model."""

    off: bool = False
    tolerance: float = 0.0
    false_alarms_per_million: float = 1.0  # of all its features together
    anomaly: tuple[str, ...] = ("range", "mahalanobis", "class", "nearest")  # how anomaly/input compares a row; or () for not
    slices: tuple[str, ...] = ()  # features within whose values drift/concept looks at errors, too; at most 8
    concept: str = "e-detector"  # how drift/concept compares errors; or "page-hinkley", "adwin"
    features: Mapping[str, FeatureSettings] = field(default_factory=dict[str, FeatureSettings])


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmSettings:
    """Of calls of language models."""

    off: bool = False  # calls are spans, and nobody judges them
    false_alarms_per_million: float = 1000.0  # texts; in (0, 1e5]
    allowed_hosts: tuple[str, ...] = ()  # links to them carry nothing away; `example.org` stands for its subdomains, too


ANOMALY = ("range", "mahalanobis", "class", "nearest", "zscore", "forest")  # the last needs `Reference.fit(…, forest=True)`
CONCEPT = ("e-detector", "page-hinkley", "adwin")
MAX_SLICES = 8
RANGES: dict[str, tuple[float, float]] = {
    "tolerance": (0.0, 10.0),
    "false_alarms_per_million": (1e-6, 1e5),
    "importance": (0.0, 1e6),
    "queue_items": (1, 1 << 20),
    "queue_bytes": (1 << 16, 1 << 30),
    "gauge_series": (0, 100_000),
    "span_hold": (0.0, 60.0),
    "spool_bytes": (1 << 20, 1 << 40),
    "label_horizon": (1.0, 366 * 86400.0),
    "label_bytes": (1 << 20, 1 << 34),
}


def check_ranges(settings: Any, where: str) -> None:
    """Of a dataclass of settings, nested ones included.

    Raises:
        ConfigError: a value is out of its range; the message names the key, the range and the value.
    """
    for each in fields(settings):
        value = getattr(settings, each.name)
        if isinstance(value, ModelSettings | FeatureSettings | LlmSettings):
            check_ranges(value, f"{where}{each.name}.")
        elif isinstance(value, Mapping):
            for name, inner in cast("Mapping[str, Any]", value).items():
                if isinstance(inner, ModelSettings | FeatureSettings):
                    check_ranges(inner, f"{where}{each.name}.{name}.")
        elif each.name == "anomaly":
            if unknown := set(value) - set(ANOMALY):
                raise ConfigError(f"{where}anomaly must be of {', '.join(ANOMALY)}, got {sorted(unknown)[0]!r}")
        elif each.name == "concept" and value not in CONCEPT:
            raise ConfigError(f"{where}concept must be one of {', '.join(CONCEPT)}, got {value!r}")
        elif each.name == "slices" and len(value) > MAX_SLICES:
            raise ConfigError(f"{where}slices must name at most {MAX_SLICES} features, got {len(value)}")
        elif each.name in RANGES and value is not None:
            low, high = RANGES[each.name]
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise ConfigError(f"{where}{each.name} must be in [{low:.12g}, {high:.12g}], got {value!r}")
