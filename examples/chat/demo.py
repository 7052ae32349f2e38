"""`make demo-llm`: a language model on this machine, a help desk in front of it under the agent, and what the agent finds.

Everything runs on 127.0.0.1 on free ports and is stopped at the end, however it ends.  The exit code is 1 where a finding
that was expected did not come, or one came that was not.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from rich.console import Console
from rich.text import Text
from traffic import STORY, Act, ask, client_of

from otel_mlsec.cli.receiver import Receiver
from otel_mlsec.cli.record import records
from otel_mlsec.cli.tail import Tail
from otel_mlsec.cli.wire import Request
from otel_mlsec.emit.names import FINDING_EVENT, FINDING_TYPE
from otel_mlsec.text.canary import mint

HERE = Path(__file__).parent
BUILD = HERE / "build"
BINARIES = Path(sys.executable).parent
PATIENCE = 60.0  # s for a process to answer, and to go
SETTLES = 0.3  # s in which a finding has come through
KEY = "of this demo, and no secret"
SETTINGS = {
    "OTEL_SERVICE_NAME": "helpdesk",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_METRIC_EXPORT_INTERVAL": "5000",  # ms
    "OTEL_BLRP_SCHEDULE_DELAY": "100",  # ms; the answers are short
    "OTEL_MLSEC_KEY": KEY,
    "HELPDESK_CANARY": mint(KEY.encode(), nonce=1),  # the same in every run: at temperature 0, so are the answers
    "OPENAI_API_KEY": "none",
    "NO_PROXY": "127.0.0.1",
}


class Kinds:
    """What `otel-mlsec tail` prints, and which kinds came in which act."""

    def __init__(self, console: Console) -> None:
        self.tail = Tail(console)
        self.act = ""
        self.of: dict[str, set[str]] = defaultdict(set)  # title of an act -> kinds

    def take(self, request: Request) -> None:
        if isinstance(request, ExportLogsServiceRequest):
            kinds = (record.text(FINDING_TYPE) for record in records(request) if record.event == FINDING_EVENT)
            self.of[self.act].update(kinds)
        self.tail.take(request)

    def amiss(self, story: Sequence[Act]) -> list[str]:
        """What is not as expected, in words."""
        wrong: list[str] = []
        for act in story:
            missing = sorted(act.expected - self.of[act.title])
            extra = sorted(self.of[act.title]) if not act.expected else []
            wrong += [f"{act.title}: no {kind}" for kind in missing]
            wrong += [f"{act.title}: {kind}, and nothing was to be found" for kind in extra]
        return wrong


def main() -> int:
    console = Console(highlight=False)
    began = time.monotonic()
    BUILD.mkdir(exist_ok=True)
    kinds = Kinds(console)
    console.print("Loading a model of 135 million parameters …", style="dim")
    port = free_port()
    # The receiver outlives the service, whose last words are its counts.
    with Receiver(kinds.take, port=0) as receiver, running("model", [sys.executable, str(HERE / "model.py"), str(port)], port):
        model = f"http://127.0.0.1:{port}"
        with service(model, receiver.url) as url, client_of(url) as client:
            console.print(f"Serving at {url}, its model at {model}, telemetry to {receiver.url}\n", style="dim")
            for act in STORY:
                kinds.act = act.title
                play(client, act, console)
    amiss = kinds.amiss(STORY)
    console.print(f"Seen in {time.monotonic() - began:.0f} s: {kinds.tail.tally.line()}", style="bold", soft_wrap=True)
    for each in amiss:
        console.print(f"Not as expected: {each}", style="bold red", markup=False, soft_wrap=True)
    return 1 if amiss else 0


def play(client: httpx.Client, act: Act, console: Console) -> None:
    console.print(f"[reverse] {act.title} [/]\n")
    for who, text in act.asked:
        console.print(Text.assemble((f"{who}: ", "bold"), shown(text)), no_wrap=True, overflow="ellipsis")
        console.print(Text(f"  {shown(ask(client, who, text))}\n", "dim"), no_wrap=True, overflow="ellipsis")
        time.sleep(SETTLES)


def shown(text: str) -> str:
    """On one line; what no screen shows as its number."""
    return "".join(each if each.isprintable() else f"<{ord(each):X}>" for each in " ".join(text.split()))


@contextmanager
def service(model: str, collector: str) -> Generator[str]:
    """The application, unchanged, under `opentelemetry-instrument`."""
    port = free_port()
    command = [str(BINARIES / "opentelemetry-instrument"), str(BINARIES / "uvicorn"), "--app-dir", str(HERE), "app:app"]
    settings = {**SETTINGS, "OPENAI_BASE_URL": f"{model}/v1", "OTEL_EXPORTER_OTLP_ENDPOINT": collector}
    with running("app", [*command, "--port", str(port), "--no-access-log"], port, settings):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def running(name: str, command: Sequence[str], port: int, settings: Mapping[str, str] | None = None) -> Generator[None]:
    """A process that listens on `port` when the block begins, and is gone when it ends; its output goes to build/NAME.log."""
    with (BUILD / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            command,
            env={**os.environ, **(settings or {}), "PATH": f"{BINARIES}{os.pathsep}{os.environ['PATH']}"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(name, port, process)
        yield
    finally:
        process.send_signal(signal.SIGINT)  # uvicorn dies of SIGTERM without running what was registered for the exit
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(name: str, port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"the {name} did not start; see {BUILD / f'{name}.log'}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all is stopped then, too
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except httpx.HTTPError as error:
        sys.exit(f"no answer ({error}); see {BUILD / 'app.log'} and {BUILD / 'model.log'}")
