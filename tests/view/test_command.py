"""`otel-mlsec view` as somebody starts it in a terminal."""

import http.client
import re
import signal
import subprocess
import sys

import pytest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_where_the_page_is_and_what_an_application_needs_and_goes_when_told(number):
    command = [sys.executable, "-c", "from otel_mlsec.cli import main; raise SystemExit(main())", "view"]
    with subprocess.Popen([*command, "--port", "0", "--page-port", "0"], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        address = re.fullmatch(r"otel-mlsec view: http://127\.0\.0\.1:(\d+)(/\?token=\S+)\n", process.stderr.readline())
        assert address is not None
        assert process.stderr.readline() == "Start the application with\n"
        assert process.stderr.readline() == "  OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n"
        assert re.fullmatch(r"  OTEL_EXPORTER_OTLP_ENDPOINT=http://127\.0\.0\.1:\d+\n", process.stderr.readline())
        connection = http.client.HTTPConnection("127.0.0.1", int(address[1]), timeout=30)
        connection.request("GET", address[2])
        answer = connection.getresponse()
        answer.read()
        connection.request("GET", "/api/changes", headers={"cookie": answer.headers["set-cookie"].partition(";")[0]})
        following = connection.getresponse()
        following.readline()
        process.send_signal(number)  # with a page open
        assert process.wait(30) == 0
        assert process.stderr.read() == ""
        following.close()
        connection.close()
