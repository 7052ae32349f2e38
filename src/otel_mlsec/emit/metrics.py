"""Counters and gauges.  Attributes are of few values only: which model, which detector, how bad; never which trace.

Who asked is an attribute of one gauge only (`exposure`), of few series at a time.
"""

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Meter, Observation

from otel_mlsec.emit import names
from otel_mlsec.emit.caller import caller
from otel_mlsec.emit.clean import text
from otel_mlsec.emit.exposure import DETECTOR, Exposure
from otel_mlsec.emit.kinds import kinds
from otel_mlsec.errors import contained
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Model, Prediction

MAX_MODELS = 250  # that findings are counted of by name: behind a gateway who asks chooses it
MAX_ZEROS = 1000  # series made before they count anything; the SDK holds 2000 of an instrument, and the rest is for real ones
NAME = 256  # bytes of a value: each is held for ever
BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # s
OTHERS = Model(name="other")
_log = logging.getLogger("otel_mlsec")


class Metrics:
    """The instruments of one process.

    Args:
        meter: makes them.
        series: bound on a gauge's series, which are one a feature, or one a principal of at most 100.
        queue: how many calls wait now, and how many may.
        errors: contained errors of ours so far, by site.
    """

    def __init__(
        self,
        meter: Meter,
        *,
        series: int = 1000,
        queue: Callable[[], tuple[int, int]],
        errors: Callable[[], Mapping[str, int]],
    ) -> None:
        self._max_series = series
        self._series: dict[tuple[Model, str, str], dict[str, str]] = {}
        self._overflowed = False
        self._models: set[Model] = set()
        self._withheld_of: set[str] = set()  # models, by name
        self._zeros: set[tuple[Model, str, str, Status]] = set()
        self._findings = meter.create_counter(names.FINDINGS, "{finding}", "Findings")
        self._predictions = meter.create_counter(names.MODEL_PREDICTIONS, "{prediction}", "Rows that models were asked about")
        self._duration = meter.create_histogram(
            names.MODEL_DURATION, "s", "Duration of calls of models", explicit_bucket_boundaries_advisory=BUCKETS
        )
        self._detection = meter.create_histogram(
            names.DETECTION_DURATION,
            "s",
            "Duration of detection, a batch of calls",
            explicit_bucket_boundaries_advisory=BUCKETS,
        )
        self._processed = meter.create_counter(
            names.DETECTION_PROCESSED, "{detection}", "Calls that detection saw or, with error.type, dropped"
        )
        self._score = meter.create_gauge(names.DRIFT_SCORE, "1", "Distance of a feature from the reference, 0 to 1")
        self._exposure = Exposure(meter, series=series)
        self._evicted = meter.create_counter(
            names.PRINCIPALS_EVICTED, "{principal}", "Principals that were forgotten, since there were too many"
        )
        self._withheld = meter.create_counter(
            names.FINDINGS_WITHHELD, "{finding}", "Findings that were counted and not told, by reason"
        )
        _observe(meter, queue, errors)

    def model_seen(self, model: Model, detectors: Sequence[str]) -> None:
        """Make the counters of what the detectors may find in a model, so that the first finding is an increase."""
        for detector in detectors:
            for kind in kinds(detector):
                self._zero(model, detector, kind, Status.NEW)

    def calls(self, predictions: Iterable[Prediction]) -> None:
        for call in predictions:
            attributes = _model(call.model) | {names.MODEL_OPERATION: text(call.method, NAME)}
            if call.error:
                attributes[names.ERROR_TYPE] = text(call.error, NAME)
            where = caller(call)
            self._predictions.add(call.n_rows, attributes, where)
            if call.model.framework:  # a new mapping: older SDKs keep the one they are given
                attributes = attributes | {names.MODEL_FRAMEWORK: text(call.model.framework, NAME)}
            self._duration.record(max(0, call.end_ns - call.start_ns) / 1e9, attributes, where)

    def found(self, finding: Finding, context: Context) -> None:
        """Count a finding; `context` links it to a trace by an exemplar."""
        model = finding.model
        if model in self._models or len(self._models) < MAX_MODELS:
            self._models.add(model)
        else:
            model = OTHERS
        for status in Status:  # what becomes of this finding is counted from zero, too
            if status is not finding.status:
                self._zero(model, finding.detector, finding.kind, status)
        attributes = _finding(model, finding.detector, finding.kind, finding.severity, finding.status)
        self._findings.add(1, attributes, context)

    def detected(self, seconds: float) -> None:
        self._detection.record(seconds, {}, Context())

    def processed(self, n: int, error_type: str = "") -> None:
        self._processed.add(n, {names.ERROR_TYPE: text(error_type, NAME)} if error_type else {}, Context())

    def evicted(self, detector: str, principals: int) -> None:
        self._evicted.add(principals, {names.RULE_NAME: text(detector, NAME)}, Context())

    def withheld(self, kind: str, severity: Severity, model: str, reason: str, findings: int) -> None:
        if model not in self._withheld_of and len(self._withheld_of) >= MAX_MODELS:
            model = OTHERS.name
        self._withheld_of.add(model)
        attributes = {
            names.FINDING_TYPE: text(kind, NAME),
            names.FINDING_SEVERITY: severity.name,
            names.MODEL_NAME: text(model, NAME),
            names.WITHHELD_REASON: reason,
        }
        self._withheld.add(findings, attributes, Context())

    def scores(self, scores: Iterable[tuple[Model, str, str, float]]) -> None:
        """Set the gauges: model, detector, feature or principal, value, of all there are.

        The first `series` features are kept, later ones never shown.
        """
        exposed: list[tuple[Model, str, float]] = []
        for model, detector, feature, value in scores:
            if detector == DETECTOR:
                exposed.append((model, feature, value))
                continue
            attributes = self._attributes_of(model, detector, feature)
            if attributes is not None and math.isfinite(value):
                self._score.set(float(value), attributes, Context())
        self._exposure.set(exposed)

    def _attributes_of(self, model: Model, detector: str, feature: str) -> dict[str, str] | None:
        series = (model, detector, feature)
        if series not in self._series:
            if len(self._series) >= self._max_series:
                self._overflow()
                return None
            self._series[series] = _model(model) | {
                names.RULE_NAME: text(detector, NAME),
                names.FEATURE_NAME: text(feature, NAME),
            }
        return self._series[series]

    def _overflow(self) -> None:
        if not self._overflowed:
            self._overflowed = True
            _log.warning("%s is kept for the first %d features only", names.DRIFT_SCORE, self._max_series)

    def _zero(self, model: Model, detector: str, kind: str, status: Status) -> None:
        made = (model, detector, kind, status)
        if made in self._zeros or (len(self._zeros) + 1) * len(Severity) > MAX_ZEROS:
            return
        self._zeros.add(made)
        for severity in Severity:
            self._findings.add(0, _finding(model, detector, kind, severity, status), Context())


def _observe(meter: Meter, queue: Callable[[], tuple[int, int]], errors: Callable[[], Mapping[str, int]]) -> None:
    """What is read when the SDK asks for it, in the SDK's thread."""

    def size(_: CallbackOptions) -> Iterable[Observation]:
        with contained("emit.metrics"):
            return [Observation(queue()[0])]
        return []

    def capacity(_: CallbackOptions) -> Iterable[Observation]:
        with contained("emit.metrics"):
            return [Observation(queue()[1])]
        return []

    def sites(_: CallbackOptions) -> Iterable[Observation]:
        with contained("emit.metrics"):
            return [Observation(count, {names.AGENT_SITE: site}) for site, count in errors().items()]
        return []

    meter.create_observable_up_down_counter(names.QUEUE_SIZE, [size], "{call}", "Calls that wait for detection")
    meter.create_observable_up_down_counter(names.QUEUE_CAPACITY, [capacity], "{call}", "Calls that may wait for detection")
    meter.create_observable_counter(names.AGENT_ERRORS, [sites], "{error}", "Errors of the agent itself, contained")


def _model(model: Model) -> dict[str, str]:
    attributes = {names.MODEL_NAME: text(model.name, NAME)}
    if model.version:
        attributes[names.MODEL_VERSION] = text(model.version, NAME)
    return attributes


def _finding(model: Model, detector: str, kind: str, severity: Severity, status: Status) -> dict[str, str]:
    return {
        names.FINDING_TYPE: text(kind, NAME),
        names.FINDING_SEVERITY: severity.name,
        names.FINDING_STATUS: status.value,
        names.RULE_NAME: text(detector, NAME),
        **_model(model),
    }
