"""The agent's spool and the Collector: its lines are OTLP to the Collector's parser, and what it kept arrives when there is one.

The contrib receiver of such files (collector/contrib/spool.yaml) hands each line to the parser that OTLP/HTTP's JSON goes to.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from tests.collector.application import run_application
from tests.collector.backend import identifiers
from tests.collector.built import Collector
from tests.collector.running import call, wait_until
from tests.collector.sending import RESOURCE, finding, pairs
from tests.collector.shapes import SHAPES

from otel_mlsec.cli.record import records
from otel_mlsec.emit.record import Record
from otel_mlsec.emit.spool.home import Home, path_of
from otel_mlsec.emit.spool.spool import Spool
from otel_mlsec.emit.transports.http import Http
from otel_mlsec.emit.transports.otlp_http import OtlpHttp

pytestmark = pytest.mark.collector


@pytest.fixture
def collector(state, backend) -> Collector:
    return Collector(state / "collector", "agent.yaml", MLSEC_BACKEND=backend.receiver.url)


def spooled(directory: Path, kept: list[Record]) -> Iterator[bytes]:
    """Lines of the segments that a spool whose receiver is away has written."""
    away = OtlpHttp(http=Http(url="http://127.0.0.1:1/v1/logs", timeout=1.0))
    home = Home(path_of(directory, "otlp", "http://127.0.0.1:1"), "otlp", "http://127.0.0.1:1")
    spool = Spool("otlp", lambda: away, home, quiet=nullcontext)
    for record in kept:
        spool.put(record)
    spool.close(0.1)
    for segment in directory.glob("*/*/*.jsonl"):  # as contrib/spool.yaml includes them
        yield from segment.read_bytes().splitlines()


def test_every_line_of_a_segment_is_the_same_finding_to_the_collector(state, collector):
    request = ExportLogsServiceRequest()
    of_resource = request.resource_logs.add()
    of_resource.resource.attributes.extend(pairs(RESOURCE))
    scope = of_resource.scope_logs.add()
    scope.scope.name, scope.scope.version = "otel_mlsec", "0.1.0"
    scope.log_records.extend(
        [finding("plain"), finding("low", mlsec__finding__severity="LOW"), SHAPES["hostile"], SHAPES["large"]]
    )
    kept = list(records(request))
    lines = list(spooled(state / "spool", kept))
    with collector.running():
        answers = {call(f"{collector.url}/v1/logs", line)[0] for line in lines}
        wait_until(lambda: len(collector.findings()) == len(kept), "the findings")

    assert answers == {200}
    assert all(b'"mlsec":{"seq":' in line for line in lines)  # checksum and chain are there, and in nobody's way
    name = "mlsec.finding.id"
    come = {record.text(name): record for record in collector.findings()}
    assert come == {record.text(name): record for record in kept}


def test_what_was_found_while_the_collector_was_away_arrives_with_the_next_send(state, collector, backend):
    spool = state / "spool"
    run_application(collector.url, state, OTEL_MLSEC_SPOOL=str(spool))
    kept = sum(len(path.read_bytes().splitlines()) for path in spool.glob("*/*/*.jsonl"))
    assert kept

    with collector.running():
        done = subprocess.run(
            [Path(sys.executable).with_name("otel-mlsec"), "spool", "send", "--directory", spool],
            env={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        wait_until(lambda: len(set(identifiers(backend.findings()))) == kept, "all of them at the backend")

    assert sorted(identifiers(collector.findings())) == sorted(set(identifiers(backend.findings())))
    assert list(spool.glob("*/*/*.jsonl")) == []
