"""`make demo`: train, serve under the agent, send a year of traffic, and print what the agent finds.

Everything runs on 127.0.0.1 on free ports and is stopped at the end, however it ends.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import page
import traffic
import train
from rich.console import Console

from otel_mlsec.cli.tail import Tail
from otel_mlsec.cli.view.command import viewing

HERE = Path(__file__).parent
PATIENCE = 60.0  # s for the service to answer, and to go


def main() -> int:
    parser = argparse.ArgumentParser(description="A served model, a year of flights, and what its agent finds.")
    parser.add_argument(
        "--faults", action="store_true", help="only January again and what is broken in it: a quarter of a minute"
    )
    options = parser.parse_args()
    console = Console(highlight=False)
    began = time.monotonic()
    console.print("Training on January and February …", style="dim")
    train.main()
    acts = traffic.story()[options.faults :]  # the first act is the ten months
    tail = Tail(console)
    # The view outlives the service, whose last words are its counts.
    with viewing(also=tail.take) as view:
        page.show(view, console)
        with service(view.receiver.url, console) as url, traffic.bar(console) as progress:
            traffic.drive(url, acts, progress)
        console.print(f"Seen in {time.monotonic() - began:.0f} s: {tail.tally.line()}", style="bold", soft_wrap=True)
        page.stay(view, console)
    return 0


@contextmanager
def service(collector: str, console: Console, more: Mapping[str, str] | None = None) -> Generator[str]:
    """The application, unchanged, under `opentelemetry-instrument`; its output goes to build/app.log.

    `more`: environment variables beside those that are set here.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "OTEL_SERVICE_NAME": "flights",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_METRIC_EXPORT_INTERVAL": "5000",  # ms
        "OTEL_MLSEC_SPOOL": str(train.BUILD / "spool"),
        "NO_PROXY": "127.0.0.1",
        **(more or {}),
    }
    binaries = Path(sys.executable).parent
    command = [binaries / "opentelemetry-instrument", binaries / "uvicorn", "--app-dir", HERE, "app:app"]
    with (train.BUILD / "app.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--no-access-log"],
            env={**os.environ, **settings, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    console.print(f"Serving at http://127.0.0.1:{port}, telemetry to {collector}\n", style="dim")
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)  # uvicorn dies of SIGTERM without running what was registered for the exit
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"the service did not start; see {train.BUILD / 'app.log'}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the service is stopped then, too
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except httpx.HTTPError as error:
        sys.exit(f"the service did not answer ({error}); see {train.BUILD / 'app.log'}")
