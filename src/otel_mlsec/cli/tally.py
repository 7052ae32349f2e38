"""What was seen, in numbers, for the last line."""

import collections

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_mlsec.cli.running_sum import RunningSum
from otel_mlsec.emit.names import (
    AGENT_ERRORS,
    DETECTION_PROCESSED,
    ERROR_TYPE,
    FINDING_SEVERITY,
    FINDING_STATUS,
    MODEL_PREDICTIONS,
    OPERATION_DURATION,
)
from otel_mlsec.emit.record import Record
from otel_mlsec.finding import Severity, Status


class Tally:
    """Counts of what arrived.  Not locked: the receiver hands over one request at a time."""

    def __init__(self) -> None:
        self.spans = 0
        self.others = 0  # log records that are no findings
        self.resolved = 0
        self.findings: collections.Counter[str] = collections.Counter()  # by the word of the severity
        self.predictions = RunningSum()
        self.calls = RunningSum()  # of language models
        self.unseen = RunningSum()  # calls that the agent dropped
        self.errors = RunningSum()  # of the agent: silence is no good news then

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
                        self.predictions.take(process, metric.sum)
                    elif metric.name == OPERATION_DURATION:
                        self.calls.take(process, metric.histogram)
                    elif metric.name == AGENT_ERRORS:
                        self.errors.take(process, metric.sum)
                    elif metric.name == DETECTION_PROCESSED:
                        self.unseen.take(process, metric.sum, having=ERROR_TYPE)

    def line(self) -> str:
        """One line a person reads at the end."""
        predictions, calls, findings = self.predictions.total, self.calls.total, self.findings.total()
        if not (predictions or calls or self.spans or self.others or findings or self.resolved):
            return "nothing was received"
        words = [f"{self.findings[word]} {word.lower()}" for word in reversed(Severity.__members__) if self.findings[word]]
        if self.findings["other"]:
            words.append(f"{self.findings['other']} of no known severity")
        said = [_count(predictions, "prediction")] if predictions or not calls else []
        if calls:
            said.append(_count(calls, "call") + " of language models")
        said.append(_count(findings, "finding") + (f" ({', '.join(words)})" if words else ""))
        if self.resolved:
            said.append(f"{self.resolved:,} resolved")
        said.append(_count(self.spans, "span"))
        if self.unseen.total:
            said.append(f"{_count(self.unseen.total, 'call')} that detection did not see")
        if self.errors.total:
            said.append(f"{_count(self.errors.total, 'error')} of the agent itself")
        return ", ".join(said)


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
