"""`make demo-soc`: the flights demo with a SOC behind it: findings by a real Collector to VictoriaLogs, metrics to Prometheus.

Everything runs on 127.0.0.1 on free ports.  On a terminal the pages stay until Ctrl-C.  The exit code is 1 where a finding that
was printed is not in VictoriaLogs, or not counted in Prometheus.
"""

import argparse
import signal
import sys
import time

import httpx
import traffic
import train
from demo import service
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from rich.console import Console

from otel_mlsec.cli.receiver import Receiver
from otel_mlsec.cli.record import records
from otel_mlsec.cli.tail import Tail, stopped
from otel_mlsec.cli.wire import Request
from otel_mlsec.emit.names import FINDING_EVENT, FINDING_ID
from soc import Soc, Unavailable, build, soc

PATIENCE = 30.0  # s for what was sent to be found


class Seen:
    """What `otel-mlsec tail` prints, and the ids of the findings."""

    def __init__(self, console: Console) -> None:
        self.tail = Tail(console)
        self.ids: set[str] = set()

    def take(self, request: Request) -> None:
        if isinstance(request, ExportLogsServiceRequest):
            self.ids |= {record.text(FINDING_ID) for record in records(request) if record.event == FINDING_EVENT}
        self.tail.take(request)


def main() -> int:
    parser = argparse.ArgumentParser(description="A served model, a year of flights, and what a SOC sees of it.")
    parser.add_argument("--faults", action="store_true", help="only January again and what is broken in it: half a minute")
    options = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    build(lambda text: console.print(text))
    began = time.monotonic()
    console.print("Training on January and February …", style="dim")
    train.main()
    seen = Seen(console)
    with Receiver(seen.take, port=0) as receiver, soc(receiver.url) as here:
        show(here, console)
        with service(here.collector, console) as url, traffic.bar(console) as progress:
            traffic.drive(url, traffic.story()[options.faults :], progress)
        amiss = differences(here, seen)
        console.print(f"Seen in {time.monotonic() - began:.0f} s: {seen.tail.tally.line()}", style="bold")
        console.print(f"In VictoriaLogs: {len(here.findings())} records of findings")
        if here.prometheus:
            counts = [f"{count:.0f} {kind}" for kind, count in sorted(here.counts().items())]
            console.print(f"In Prometheus: {', '.join(counts) or 'nothing'}")
            console.print(f"Alerts: {', '.join(sorted(here.alerts())) or 'none'}")
        for each in amiss:
            console.print(f"Not as expected: {each}", style="bold red", markup=False)
        show(here, console)
        if sys.stdout.isatty():
            console.print("They stay until Ctrl-C.", style="dim")
            with stopped() as stop:
                stop.wait()
    return 1 if amiss else 0


def show(here: Soc, console: Console) -> None:
    console.print()
    for what, url in here.pages.items():
        console.print(f"{what}: {url}", markup=False)
    if not here.prometheus:
        console.print("Prometheus is not installed (the package `prometheus` of Debian and Homebrew), so there are no series.")
    console.print()


def differences(here: Soc, seen: Seen) -> list[str]:
    """What is not as expected after a while, in words."""
    deadline = time.monotonic() + PATIENCE
    while (wrong := _differences(here, seen)) and time.monotonic() < deadline:
        time.sleep(0.5)
    return wrong


def _differences(here: Soc, seen: Seen) -> list[str]:
    stored = here.findings()
    wrong = [f"{len(seen.ids ^ stored)} findings are here or in VictoriaLogs only"] if seen.ids != stored else []
    if not seen.ids:
        wrong.append("no findings")
    if here.prometheus and (counted := sum(here.counts().values())) != len(seen.ids):
        wrong.append(f"{counted:.0f} findings are counted in Prometheus, and {len(seen.ids)} are here")
    if here.prometheus and seen.tail.tally.findings["CRITICAL"] and not here.alerts():
        wrong.append("critical findings, and no alert")
    return wrong


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is stopped then, too
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except Unavailable as reason:
        sys.exit(str(reason))
    except httpx.HTTPError as error:
        sys.exit(f"the service did not answer ({error}); see {train.BUILD / 'app.log'}")
