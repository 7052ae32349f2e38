"""OTLP over gRPC, with the same idea of delivery as over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import (  # pyright: ignore[reportMissingTypeStubs]
    LogsServiceStub,
)

from otel_mlsec.emit.otlp_proto import request
from otel_mlsec.emit.record import Record
from otel_mlsec.emit.transport import Answer
from otel_mlsec.emit.transports.otlp_http import partial

DETAILS = "grpc-status-details-bin"


@dataclass(slots=True, kw_only=True)
class OtlpGrpc:
    """Sends to one target.

    Attributes:
        target: `collector:4317`.
        insecure: without TLS.
        timeout: s.
        certificate: file of the authorities that the server is verified by; "": gRPC's own.
        client: files of certificate and key, for who asks for one.
    """

    target: str
    insecure: bool = False
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    timeout: float = 10.0
    gzip: bool = False
    certificate: str = ""
    client: tuple[str, str] | None = None
    _channel: Any = None

    def send(self, records: Sequence[Record], /) -> Answer:
        metadata = tuple((name.lower(), value) for name, value in self.headers.items())
        try:
            self._channel = self._channel or self._connected()
            stub: Any = LogsServiceStub(self._channel)
            return partial(stub.Export(request(records), timeout=self.timeout, metadata=metadata), len(records))
        except grpc.RpcError as error:
            return _answer(error)
        except (OSError, ValueError, TypeError) as error:  # a certificate that cannot be read, a header that is none
            return Answer(taken=0, why=type(error).__name__)

    def _connected(self) -> Any:
        compression = grpc.Compression.Gzip if self.gzip else grpc.Compression.NoCompression
        if self.insecure:
            return grpc.insecure_channel(self.target, compression=compression)
        authorities = Path(self.certificate).read_bytes() if self.certificate else None
        certificate, key = (Path(path).read_bytes() for path in self.client) if self.client else (None, None)
        credentials = grpc.ssl_channel_credentials(authorities, key, certificate)
        return grpc.secure_channel(self.target, credentials, compression=compression)

    def close(self) -> None:
        """Only let go: in the child of a fork, closing what is the parent's may hang."""
        self._channel = None


def _answer(error: Any) -> Answer:
    code: grpc.StatusCode = error.code()
    refused = code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.OUT_OF_RANGE)
    return Answer(taken=0, refused=refused, wait=_wait(error), why=f"gRPC {code.name}")


def _wait(error: Any) -> float:
    metadata: dict[str, object] = dict(error.trailing_metadata() or ())
    details = metadata.get(DETAILS)
    if not isinstance(details, bytes):
        return 0.0
    status, wait = Status(), RetryInfo()
    try:
        status.ParseFromString(details)
        for detail in status.details:
            if detail.Unpack(wait):
                return wait.retry_delay.seconds + wait.retry_delay.nanos / 1e9
    except DecodeError:
        pass
    return 0.0
