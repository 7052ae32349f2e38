"""rsyslog, that takes RFC 5425 from clients whose certificate says `client`, and writes what it understood as JSON."""

import json
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from tests.collector.certificates import Certificates
from tests.collector.running import free_ports, listening, missing, running


class Rsyslog:
    def __init__(self, directory: Path, certificates: Certificates) -> None:
        self._program = shutil.which("rsyslogd", path="/usr/sbin:/sbin:/usr/bin")
        if self._program is None or not list(Path("/usr/lib").glob("*/rsyslog/lmnsd_gtls.so")):
            missing("rsyslog with rsyslog-gnutls", "`make servers`")
        directory.mkdir()
        self._directory = directory
        [self.port] = free_ports(1)
        said = subprocess.run([str(self._program), "-v"], capture_output=True, text=True, check=True).stdout
        self.version = f"rsyslog {said.split()[1]}, RFC 5424 over mutual TLS"
        (directory / "rsyslog.conf").write_text(f"""
global(workDirectory="{directory}" maxMessageSize="64k"
  defaultNetstreamDriverCAFile="{certificates.path("ca.crt")}"
  defaultNetstreamDriverCertFile="{certificates.path("server.crt")}"
  defaultNetstreamDriverKeyFile="{certificates.path("server.key")}")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/name" permittedPeer=["client"])
module(load="mmpstrucdata")
template(name="line" type="list") {{ property(name="jsonmesg") constant(value="\\n") }}
input(type="imtcp" address="127.0.0.1" port="{self.port}" ruleset="all")
ruleset(name="all") {{
  action(type="mmpstrucdata")
  action(type="omfile" file="{directory}/messages.jsonl" template="line")
}}
""")

    @contextmanager
    def running(self) -> Iterator[Self]:
        command = (self._program, "-n", "-f", self._directory / "rsyslog.conf", "-i", self._directory / "pid")
        with running(*command, log=self._directory / "log", ready=lambda: listening(self.port)):
            yield self

    @contextmanager
    def client(self, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
        """A connection of somebody else."""
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
        ):
            yield secured

    def messages(self) -> list[dict[str, Any]]:
        path = self._directory / "messages.jsonl"
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def identifiers(self) -> set[str]:
        """Of the findings that came."""
        return {message["$!"]["rfc5424-sd"]["mlsec@32473"]["id"] for message in self.messages()}
