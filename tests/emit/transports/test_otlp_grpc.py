"""OTLP over gRPC against a real server: what counts as delivered, what is tried again, and when."""

from concurrent import futures
from contextlib import contextmanager

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceServicer, add_LogsServiceServicer_to_server
from tests.emit.spool.conftest import record

from otel_mlsec.emit.transport import Answer
from otel_mlsec.emit.transports.otlp_grpc import OtlpGrpc

RECORDS = [record(number) for number in range(5)]


class Service(LogsServiceServicer):
    def __init__(self, answer):
        self.answer, self.taken, self.metadata = answer, [], {}

    def Export(self, request, context):
        self.metadata = dict(context.invocation_metadata())
        self.taken += [log for r in request.resource_logs for s in r.scope_logs for log in s.log_records]
        return self.answer(context)


@contextmanager
def served(answer):
    server = grpc.server(futures.ThreadPoolExecutor(2))
    service = Service(answer)
    add_LogsServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield service, f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()


def sent(answer, **settings):
    with served(answer) as (service, target):
        transport = OtlpGrpc(target=target, insecure=True, timeout=5.0, **settings)
        try:
            return transport.send(RECORDS), service
        finally:
            transport.close()


def abort(code):
    return lambda context: context.abort(code, "a text that may quote what was sent")


def test_all_of_it_with_headers_and_compression():
    answer, service = sent(lambda _: ExportLogsServiceResponse(), headers={"Authorization": "Bearer x"}, gzip=True)

    assert answer == Answer(taken=5)
    assert [log.attributes[-1].value.string_value for log in service.taken] == [f"id-{number}" for number in range(5)]
    assert service.metadata["authorization"] == "Bearer x"


@pytest.mark.parametrize("name", ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "UNAUTHENTICATED", "UNIMPLEMENTED", "INTERNAL"])
def test_what_may_be_better_another_time_is_kept(name):
    assert sent(abort(grpc.StatusCode[name]))[0] == Answer(taken=0, why=f"gRPC {name}")


def test_what_the_server_cannot_read_is_refused():
    assert sent(abort(grpc.StatusCode.INVALID_ARGUMENT))[0] == Answer(taken=0, refused=True, why="gRPC INVALID_ARGUMENT")


def test_a_server_that_says_how_long_to_wait():
    def throttles(context):
        detail = AnyMessage()
        info = RetryInfo()
        info.retry_delay.seconds = 7
        detail.Pack(info)
        status = Status(code=14, details=[detail])
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(grpc.StatusCode.UNAVAILABLE, "")

    assert sent(throttles)[0].wait == 7.0


def test_a_partial_success_is_none():
    def rejects(_context):
        response = ExportLogsServiceResponse()
        response.partial_success.rejected_log_records = 2
        return response

    assert sent(rejects)[0] == Answer(taken=0, refused=True, why="2 of 5 rejected")


def test_nobody_there_and_nobody_who_answers():
    with served(lambda context: context.abort(grpc.StatusCode.UNAVAILABLE, "")) as (_, target):
        pass
    gone = OtlpGrpc(target=target, insecure=True, timeout=0.5)

    assert gone.send(RECORDS).taken == 0
    gone.close()
