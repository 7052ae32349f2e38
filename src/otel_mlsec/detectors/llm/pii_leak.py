"""Personal data in an answer that the user did not bring along."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar

from otel_mlsec.detector import State
from otel_mlsec.detectors.llm.passages import Passage, passages, said
from otel_mlsec.detectors.llm.personal_data import Datum, personal_data
from otel_mlsec.detectors.llm.tell import tell
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Origin
from otel_mlsec.text.turn import Turn

CONTACTS = frozenset(("email", "phone", "ipv4"))  # what an operator writes into a prompt to have it given out
FEW = 3  # of them are the answer to a question for somebody


@dataclass(frozen=True, slots=True)
class Given:
    datum: Datum = field(repr=False)
    passage: Passage = field(repr=False)


@dataclass(slots=True, kw_only=True)
class PiiLeak:
    """Personal data that is given out, one finding a call; the score is how many different values, and one is enough.

    E-mail addresses of people, payment cards, IBANs, US social security numbers, phones (international, US), public
    IPv4 addresses, each with its check digits or rules.  What the user of this call wrote does not count, nor contact
    details that the operator's prompt holds.  HIGH from `many` values on, LOW for
    a few contact details alone, MEDIUM else.

    Does not see: names, postal addresses, national ids of other countries, spelled-out numbers.
    """

    name: ClassVar[str] = "llm/pii_leak"
    many: int = 10  # different values in one call
    most: int = 256  # different values of one call that are counted

    def update(self, turn: Turn, /) -> list[Finding]:
        if not turn.answered:
            return []
        found: dict[str, Given] = {}
        for passage in passages(turn):
            for datum in personal_data(passage.data):
                if passage.arguments and datum.kind in CONTACTS:
                    continue  # a tool that writes or calls is told where to; `llm/tool_misuse` asks who said so
                if len(found) < self.most:
                    found.setdefault(datum.same, Given(datum, passage))
        if not found:
            return []
        own, operators = _plain(said(turn, Origin.USER)), _plain(said(turn, Origin.OPERATOR))
        given = [
            given
            for given in found.values()
            if not _in(given.datum, own) and not (given.datum.kind in CONTACTS and _in(given.datum, operators))
        ]
        return [self._finding(turn, given)] if given else []

    def _finding(self, turn: Turn, given: list[Given]) -> Finding:
        counts = Counter(g.datum.kind for g in given)
        about, layer = given[0].passage.about, given[0].passage.layer
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items()))
        return tell(
            turn,
            self.name,
            kind="llm.pii_leak",
            title="Personal data in an answer",
            summary=f"{kinds} that the user of this call did not give",
            severity=self._severity(counts),
            score=float(len(given)),
            threshold=1.0,
            about=about,
            subject=tuple(sorted(counts)),
            evidence={"kinds": tuple(sorted(counts)), "n_values": len(given), **counts, **({"layer": layer} if layer else {})},
        )

    def _severity(self, counts: Counter[str]) -> Severity:
        if counts.total() >= self.many:
            return Severity.HIGH
        return Severity.LOW if counts.keys() <= CONTACTS and counts.total() < FEW else Severity.MEDIUM

    def snapshot(self) -> State:
        return {}

    def restore(self, state: State, /) -> None:
        pass


def _plain(text: str) -> tuple[str, str]:
    """As it stands in lower case, and without what stands between digits."""
    lower = text.lower()
    return lower, lower.translate(SEPARATORS)


def _in(datum: Datum, text: tuple[str, str]) -> bool:
    lower, joined = text
    return datum.value.lower() in lower or datum.same.lower() in joined


SEPARATORS = str.maketrans("", "", " -.()+")
