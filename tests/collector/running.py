"""Programs that a test starts on this machine's loopback, and waits for."""

import os
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVERS = ROOT / "build/servers"
PATIENCE = 60.0  # s


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def wait_until(true: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, f"waited {patience} s for {what}"
        time.sleep(0.05)


def listening(port: int) -> bool:
    with socket.socket() as each:
        each.settimeout(1)
        return each.connect_ex(("127.0.0.1", port)) == 0


def call(url: str, body: bytes | None = None, *, method: str | None = None, kind: str = "application/json") -> tuple[int, bytes]:
    """Status and body of a request to this machine, whatever proxies the environment names; status 0 where nobody answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, data=body, method=method, headers={"content-type": kind})
    try:
        with opener.open(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read()
    except (OSError, ssl.SSLError):
        return 0, b""


@contextmanager
def running(
    *command: object, log: Path, ready: Callable[[], object], environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as out:
        process = subprocess.Popen(
            [str(part) for part in command], env={**os.environ, **(environment or {})}, stdout=out, stderr=out
        )
    try:
        wait_until(lambda: process.poll() is not None or ready(), f"{command[0]} to be ready, see {log}")
        assert process.poll() is None, log.read_text(errors="replace")[-5000:]
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def missing(what: str, remedy: str) -> None:
    """Skips by name; where the Collector's tests are asked for, fails."""
    if os.environ.get("REQUIRE_COLLECTOR") == "1":
        pytest.fail(f"{what} is missing: {remedy}")
    pytest.skip(f"{what} is missing: {remedy}")
