"""What was seen, in numbers, for the last line."""

import collections

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, NumberDataPoint, Sum

from otel_mlsec.cli.record import Record
from otel_mlsec.emit.names import FINDING_SEVERITY, FINDING_STATUS, MODEL_PREDICTIONS
from otel_mlsec.finding import Severity, Status

MAX_SERIES = 10_000  # of one counter; further ones are not counted


class Tally:
    """Counts of what arrived.  Not locked: the receiver hands over one request at a time."""

    def __init__(self) -> None:
        self.spans = 0
        self.others = 0  # log records that are no findings
        self.resolved = 0
        self.findings: collections.Counter[str] = collections.Counter()  # by the word of the severity
        self._added = 0.0  # predictions reported as deltas
        self._latest: dict[bytes, float] = {}  # predictions reported as running sums, one a series

    @property
    def predictions(self) -> int:
        return round(self._added + sum(self._latest.values()))

    def finding(self, record: Record) -> None:
        if record.text(FINDING_STATUS) == Status.RESOLVED:
            self.resolved += 1
            return
        word = record.text(FINDING_SEVERITY)
        self.findings[word if word in Severity.__members__ else "other"] += 1

    def traces(self, request: ExportTraceServiceRequest) -> None:
        self.spans += sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)

    def metrics(self, request: ExportMetricsServiceRequest) -> None:
        for of_resource in request.resource_metrics:
            process = of_resource.resource.SerializeToString(deterministic=True)
            for of_scope in of_resource.scope_metrics:
                for metric in of_scope.metrics:
                    if metric.name == MODEL_PREDICTIONS:
                        self._sum(process, metric.sum)

    def _sum(self, process: bytes, counter: Sum) -> None:
        for point in counter.data_points:
            if counter.aggregation_temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA:
                self._added += _number(point)
            else:
                series = b"%b %d " % (process, point.start_time_unix_nano)  # a restart begins a new series
                series += b"".join(sorted(pair.SerializeToString(deterministic=True) for pair in point.attributes))
                if series in self._latest or len(self._latest) < MAX_SERIES:
                    self._latest[series] = _number(point)

    def line(self) -> str:
        """One line a person reads at the end."""
        if not (self.predictions or self.spans or self.others or self.findings or self.resolved):
            return "nothing was received"
        by_severity = [f"{self.findings[word]} {word.lower()}" for word in reversed(Severity.__members__) if self.findings[word]]
        if self.findings["other"]:
            by_severity.append(f"{self.findings['other']} of no known severity")
        findings = _count(self.findings.total(), "finding") + (f" ({', '.join(by_severity)})" if by_severity else "")
        resolved = f", {self.resolved:,} resolved" if self.resolved else ""
        return f"{_count(self.predictions, 'prediction')}, {findings}{resolved}; {_count(self.spans, 'span')} received"


def _number(point: NumberDataPoint) -> float:
    return point.as_double if point.WhichOneof("value") == "as_double" else float(point.as_int)


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
