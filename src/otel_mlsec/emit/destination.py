"""Where the standard variables of OpenTelemetry send logs: findings on a way of their own go to the same place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from opentelemetry.util.re import parse_env_headers

from otel_mlsec.emit.transport import Transport

OTLP = "OTEL_EXPORTER_OTLP_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """What `OTEL_EXPORTER_OTLP_[LOGS_]…` say, with the defaults of the SDK for Python."""

    grpc: bool
    url: str  # in full for HTTP; for gRPC whatever it takes: http://host:port, host:port, unix:///socket, dns:///name:port
    headers: Mapping[str, str] = field(repr=False)
    timeout: float  # s
    gzip: bool
    certificate: str
    client: tuple[str, str] | None
    insecure: bool

    @property
    def shown(self) -> str:
        """The URL without what may be a secret: user, password, query."""
        parts = urlsplit(self.url)
        if not parts.netloc:
            return self.url
        return f"{parts.scheme or 'http'}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def transport(self) -> Transport:
        """Imported only now: a process without findings needs neither library."""
        if self.grpc:
            from otel_mlsec.emit.transports.otlp_grpc import OtlpGrpc  # noqa: PLC0415 - 10 MiB that most processes need not load

            return OtlpGrpc(
                target=urlsplit(self.url).netloc or self.url, insecure=self.insecure, headers=self.headers, timeout=self.timeout,
                gzip=self.gzip, certificate=self.certificate, client=self.client,
            )  # fmt: skip
        from otel_mlsec.emit.transports.http import Http  # noqa: PLC0415 - likewise
        from otel_mlsec.emit.transports.otlp_http import OtlpHttp  # noqa: PLC0415 - likewise

        http = Http(url=self.url, timeout=self.timeout, certificate=self.certificate, client=self.client)
        return OtlpHttp(http=http, headers=self.headers, gzip=self.gzip)


def destination(environ: Mapping[str, str], *, asked: bool = False) -> Destination | None:
    """None where logs are not sent by OTLP: no exporter of that name is asked for, and no endpoint is given.

    `asked`: the SDK's default endpoint will do, unless other exporters are asked for.
    """
    exporters = [name.strip() for name in environ.get("OTEL_LOGS_EXPORTER", "").split(",") if name.strip()]
    named = any(name.startswith("otlp") for name in exporters)
    given = asked or any(environ.get(f"{OTLP}{part}ENDPOINT") for part in ("", "LOGS_"))
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or not (named or (given and not exporters)):
        return None
    protocol = _of(environ, "PROTOCOL") or "grpc"
    grpc = not ("otlp_proto_http" in exporters or (protocol.startswith("http") and "otlp_proto_grpc" not in exporters))
    url = _grpc_url(environ) if grpc else _http_url(environ)
    certificate, key = _of(environ, "CLIENT_CERTIFICATE"), _of(environ, "CLIENT_KEY")
    return Destination(
        grpc=grpc,
        url=url,
        headers=parse_env_headers(_of(environ, "HEADERS"), liberal=True),
        timeout=_seconds(_of(environ, "TIMEOUT")),
        gzip=_of(environ, "COMPRESSION").lower() == "gzip",
        certificate=_of(environ, "CERTIFICATE"),
        client=(certificate, key) if certificate and key else None,
        insecure=_of(environ, "INSECURE").lower() == "true"
        if not url.startswith(("http:", "https:"))
        else url.startswith("http:"),
    )


def _of(environ: Mapping[str, str], name: str) -> str:
    return (environ.get(f"{OTLP}LOGS_{name}") or environ.get(f"{OTLP}{name}") or "").strip()


def _http_url(environ: Mapping[str, str]) -> str:
    own = environ.get(f"{OTLP}LOGS_ENDPOINT")
    base = environ.get(f"{OTLP}ENDPOINT") or "http://localhost:4318"
    return own.strip() if own else f"{base.strip().rstrip('/')}/v1/logs"


def _grpc_url(environ: Mapping[str, str]) -> str:
    url = _of(environ, "ENDPOINT") or "http://localhost:4317"
    return url


def _seconds(text: str) -> float:
    try:
        return min(max(float(text), 0.1), 600.0)
    except ValueError:
        return 10.0
