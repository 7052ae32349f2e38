"""Tail sampling keeps every trace with a finding, however little of the others."""

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from tests.collector.running import wait_until
from tests.collector.sending import pairs

pytestmark = pytest.mark.collector

N = 40


def trace(kind: int, number: int) -> bytes:
    return kind.to_bytes(8) + (number + 1).to_bytes(8)


def spans(identifier: bytes) -> tuple[Span, Span]:
    root = Span(name="POST /score", trace_id=identifier, span_id=b"r" * 8)
    return root, Span(name="predict", trace_id=identifier, span_id=b"c" * 8, parent_span_id=root.span_id)


def request(*of_one_trace: Span) -> ExportTraceServiceRequest:
    made = ExportTraceServiceRequest()
    made.resource_spans.add().scope_spans.add().spans.extend(of_one_trace)
    return made


def test_every_trace_with_a_finding_is_kept_whole_and_none_without(gateway, backend):
    sender = gateway.sender()
    expected = set()
    for number in range(N):
        marked, by_event, failed, plain = (spans(trace(kind, number)) for kind in range(1, 5))
        severity = ("LOW", "MEDIUM", "HIGH", "CRITICAL")[number % 4]
        marked[0].attributes.extend(pairs({"mlsec.finding.max_severity": severity}))
        by_event[1].events.add(name="mlsec.finding")
        failed[1].status.code = Status.STATUS_CODE_ERROR
        expected |= {pair[0].trace_id.hex() for pair in (marked, by_event, failed)}
        for pair in (marked, by_event, failed, plain):
            for span in reversed(pair):  # the child comes first, in a request of its own
                assert sender.post("/v1/traces", request(span)) == 200
    wait_until(lambda: expected <= backend.traces() and len(backend.spans()) >= 2 * len(expected), "the traces")
    wait_until(lambda: gateway.metric("otelcol_processor_tail_sampling_global_count_traces_sampled") >= 4 * N, "all decisions")

    assert backend.traces() == expected
    assert len(backend.spans()) == 2 * len(expected)
