"""Where OpenTelemetry's variables say that logs go is where findings go."""

import pytest

from otel_mlsec.emit.destination import destination

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.mark.parametrize(
    ("environ", "url", "grpc"),
    [
        ({ENDPOINT: "http://collector:4317"}, "http://collector:4317", True),
        ({"OTEL_LOGS_EXPORTER": "otlp"}, "http://localhost:4317", True),
        ({"OTEL_LOGS_EXPORTER": "console,otlp"}, "http://localhost:4317", True),
        (
            {ENDPOINT: "https://c:4318/", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
            "https://c:4318/v1/logs",
            False,
        ),
        (
            {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://c/own", "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/protobuf"},
            "http://c/own",
            False,
        ),
        ({"OTEL_LOGS_EXPORTER": "otlp_proto_http"}, "http://localhost:4318/v1/logs", False),
        ({ENDPOINT: "collector:4317"}, "collector:4317", True),
        ({ENDPOINT: "unix:///run/otel.sock"}, "unix:///run/otel.sock", True),
    ],
)
def test_the_same_place_as_the_sdks_exporter(environ, url, grpc):
    found = destination(environ)

    assert found is not None
    assert (found.url, found.grpc) == (url, grpc)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_LOGS_EXPORTER": "none", ENDPOINT: "http://c"},
        {"OTEL_LOGS_EXPORTER": "console", ENDPOINT: "http://c"},
        {"OTEL_SDK_DISABLED": "true", ENDPOINT: "http://c"},
    ],
)
def test_nowhere_where_logs_do_not_go_by_otlp(environ):
    assert destination(environ) is None


def test_who_asks_for_a_spool_gets_the_default_endpoint_unless_he_sends_logs_elsewhere():
    assert destination({}, asked=True) is not None
    assert destination({"OTEL_LOGS_EXPORTER": "console"}, asked=True) is None


def test_what_may_be_a_secret_is_not_shown():
    found = destination(
        {ENDPOINT: "https://user:password@c:4318?token=1", "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20s"}
    )

    assert found is not None
    assert found.shown == "https://c:4318"
    assert "Bearer" not in repr(found)
    assert found.headers == {"authorization": "Bearer s"}


@pytest.mark.parametrize("target", ["unix:///run/otel.sock", "dns:///collector:4317", "collector:4317", "unix:/run/otel.sock"])
def test_what_grpc_knows_to_resolve_is_left_to_it(target):
    found = destination({ENDPOINT: target})

    assert found is not None
    assert found.transport().target == target
    assert found.shown == target
