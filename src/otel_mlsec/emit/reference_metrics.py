"""What models are judged by: how old it is, how much has been judged by it since, and what was refused."""

from collections.abc import Iterable

from opentelemetry.context import Context
from opentelemetry.metrics import Meter

from otel_mlsec.emit import names
from otel_mlsec.emit.clean import text
from otel_mlsec.observation import Model

MAX_MODELS = 250  # with gauges of their own: a gauge that was set stands until the process ends
NAME = 256  # bytes of a value
OTHERS = "other"


class ReferenceMetrics:
    def __init__(self, meter: Meter) -> None:
        self._age = meter.create_gauge(names.REFERENCE_AGE, "s", "Since the last row that a model's reference was fitted to")
        self._rows = meter.create_gauge(names.REFERENCE_ROWS_SINCE, "{row}", "Rows judged by a model's reference so far")
        self._refused = meter.create_counter(names.REFERENCE_REFUSED, "{reference}", "References that could not be used, by why")
        self._models: set[Model] = set()
        self._names: set[str] = set()

    def set(self, staleness: Iterable[tuple[Model, float, int]]) -> None:
        """Model, age in s and rows of all that are watched."""
        for model, age, rows in staleness:
            if model in self._models or len(self._models) < MAX_MODELS:
                self._models.add(model)
                told = ((names.MODEL_NAME, model.name), (names.MODEL_VERSION, model.version))
                attributes = {name: text(value, NAME) for name, value in told if value}
                self._age.set(age, attributes, Context())
                self._rows.set(rows, attributes, Context())

    def refused(self, model: str, why: str) -> None:
        if model not in self._names and len(self._names) >= MAX_MODELS:
            model = OTHERS
        self._names.add(model)
        self._refused.add(1, {names.MODEL_NAME: text(model, NAME), names.ERROR_TYPE: why}, Context())
