"""`make demo-attack`: the service of `make demo` with many clients, of which one copies the model and one cheats it.

Everything runs on 127.0.0.1 on free ports and is stopped at the end, however it ends.  The exit code is 1 where the two were
not found, or anybody else was accused.
"""

import signal
import sys
import time
from collections import Counter

import clients
import httpx
import page
import pandas as pd
import train
import xgboost
from data import CATEGORIES, FEATURES, WEATHER, flights
from demo import service
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from rich.console import Console
from traffic import JSON

from otel_mlsec.capture import identity
from otel_mlsec.cli.record import records
from otel_mlsec.cli.tail import Tail
from otel_mlsec.cli.view.command import viewing
from otel_mlsec.cli.wire import Request
from otel_mlsec.emit import names
from otel_mlsec.emit.record import Record, Value
from otel_mlsec.finding import Status

KEY = "of this demo, and no secret"
SETTINGS = {
    "OTEL_MLSEC_KEY": KEY,  # so that pseudonyms are the same on every run, and can be told apart below
    "OTEL_MLSEC_PRINCIPAL_HEADER": clients.USER,
    "OTEL_MLSEC_FORWARDED_HEADER": clients.FORWARDED,
}
DAY = 86_400.0  # s
BEFORE, GAP, AFTER = 300, 2, 100  # questions of others before the first attack, between two of the cheat's, and after the last
EDGE = 0.52  # probability of being late, of the cheat's flight at most
FLIGHT = 23  # of 231 such flights, chosen because its search is found: of eleven tried, seven never were (README.md)
SETTLES = 1.0  # s in which a finding has come through
ANYTHING = "anomaly/input"  # that rows are strange is no accusation; of whom they are is checked
WANTED = {clients.COPYCAT: "extraction/", clients.CHEAT: "evasion/"}  # principal -> detectors of which one finding is expected


class Accusations:
    """What `otel-mlsec tail` prints, and whom it accuses of what."""

    def __init__(self, console: Console) -> None:
        self.tail = Tail(console)
        self.new = Counter[tuple[str, str]]()  # (detector, principal as a pseudonym)

    def take(self, request: Request) -> None:
        if isinstance(request, ExportLogsServiceRequest):
            for record in records(request):
                if record.event == names.FINDING_EVENT and record.text(names.FINDING_STATUS) == Status.NEW:
                    self._accused(record)
        self.tail.take(request)

    def _accused(self, record: Record) -> None:
        detector = record.text(names.RULE_NAME)
        if not detector.startswith("drift/"):
            told = record.attributes.get(f"{names.EVIDENCE}principals")
            for who in {record.text(names.USER_HASH), *_texts(told)} - {""}:
                self.new[detector, who] += 1

    def amiss(self) -> list[str]:
        """What is not as expected, in words."""
        wrong: list[str] = []
        for who, detectors in WANTED.items():
            n = sum(
                count for (detector, by), count in self.new.items() if by == pseudonym(who) and detector.startswith(detectors)
            )
            if n != 1:
                wrong.append(f"{who} {pseudonym(who)}: {n} findings of {detectors}, not one")
        guilty = {pseudonym(who): (detectors, ANYTHING) for who, detectors in WANTED.items()}
        return wrong + [
            f"{by}: {detector}" for detector, by in sorted(self.new) if not detector.startswith(guilty.get(by, "(nobody)"))
        ]


def _texts(value: Value) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def pseudonym(who: str) -> str:
    return identity.pseudonym(identity.Asked("header", who))


def main() -> int:
    console = Console(highlight=False)
    identity.set_key(KEY.encode())
    began = time.monotonic()
    console.print("Training on January and February …", style="dim")
    train.main()
    seen = Accusations(console)
    # The view outlives the service, whose last words are its counts.
    with viewing(also=seen.take) as view:
        page.show(view, console)
        with service(view.receiver.url, console, SETTINGS) as url:
            play(url, console)
        for who in (*WANTED, clients.PLANNER):
            told = ", ".join(detector for detector, by in sorted(seen.new) if by == pseudonym(who))
            console.print(f"{who} is {pseudonym(who)}: {told or 'nothing was found'}", soft_wrap=True)
        console.print(f"Seen in {time.monotonic() - began:.0f} s: {seen.tail.tally.line()}", style="bold", soft_wrap=True)
        amiss = seen.amiss()
        for each in amiss:
            console.print(f"Not as expected: {each}", style="bold red", markup=False, soft_wrap=True)
        page.stay(view, console)
    return 1 if amiss else 0


def play(url: str, console: Console) -> None:
    known = flights().query("month <= 2")
    late = on_the_edge(known)
    with httpx.Client(base_url=url, trust_env=False, timeout=30, headers=JSON) as client:
        served = clients.Service(client, float(known["time"].max()) + DAY)
        public = clients.Public(served, known)
        console.print(f"[reverse] {clients.TRAVELLERS} travellers and a planner ask [/]\n")
        public.go_on(BEFORE)
        time.sleep(SETTLES)
        console.print("[reverse] among them one copies the model [/]\n")
        clients.copy(served, public, known, gap=5 * GAP)
        time.sleep(SETTLES)
        console.print("[reverse] and one looks for the weather that makes his late flight punctual [/]\n")
        moved = clients.cheat(served, public, late, known[WEATHER].std().to_numpy(), gap=GAP)
        time.sleep(SETTLES)
        console.print(f"He needs {moved:.2f} standard deviations.\n", style="dim")
        console.print("[reverse] the others go on [/]\n")
        public.go_on(AFTER)


def on_the_edge(known: pd.DataFrame) -> pd.DataFrame:
    """One flight that the model just calls late, in weather of which all is known."""
    model = xgboost.XGBClassifier(n_jobs=1)
    model.load_model(train.BUILD / "model.ubj")
    measured = known.dropna(subset=WEATHER)
    chance = model.predict_proba(measured[FEATURES].astype(dict.fromkeys(CATEGORIES, "category")))[:, 1]
    return measured[(chance > 0.5) & (chance < EDGE)].iloc[[FLIGHT]]


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the service is stopped then, too
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except httpx.HTTPError as error:
        sys.exit(f"the service did not answer ({error}); see {train.BUILD / 'app.log'}")
