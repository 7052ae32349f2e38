"""What became of labels that the application told, and how many predictions have one."""

from __future__ import annotations

import math
from collections.abc import Iterable

from opentelemetry.context import Context
from opentelemetry.metrics import Meter

from otel_mlsec.emit import names
from otel_mlsec.emit.clean import text
from otel_mlsec.observation import Model

NAME = 256  # bytes of a value
MAX_MODELS = 64  # by name, which are held for ever; later ones are counted together


class FeedbackMetrics:
    def __init__(self, meter: Meter) -> None:
        self._labels = meter.create_counter(
            names.FEEDBACK_LABELS, "{label}", "Labels of predictions, by what became of them"
        )  # fmt: skip
        self._coverage = meter.create_gauge(
            names.FEEDBACK_COVERAGE, "1", "Share of the predictions of the days that are remembered whose label is known"
        )
        self._forgotten = meter.create_counter(
            names.FEEDBACK_FORGOTTEN, "{prediction}", "Predictions that were forgotten before their label came, by reason"
        )
        self._models: set[tuple[str, str]] = set()

    def labels(self, model: Model, outcome: str, labels: int) -> None:
        self._labels.add(labels, self._of(model) | {names.FEEDBACK_OUTCOME: outcome}, Context())

    def coverage(self, coverage: Iterable[tuple[Model, float]]) -> None:
        for model, share in coverage:
            if math.isfinite(share):
                self._coverage.set(share, self._of(model), Context())

    def forgotten(self, model: Model, reason: str, predictions: int) -> None:
        self._forgotten.add(predictions, self._of(model) | {names.FORGOTTEN_REASON: reason}, Context())

    def _of(self, model: Model) -> dict[str, str]:
        """Which model; nothing where nobody knows whose label it is."""
        if not model.name:
            return {}
        key = model.name, model.version
        if key not in self._models and len(self._models) >= MAX_MODELS:
            return {names.MODEL_NAME: "other"}
        self._models.add(key)
        of = {names.MODEL_NAME: text(model.name, NAME), names.MODEL_VERSION: text(model.version, NAME)}
        return {name: value for name, value in of.items() if value}
