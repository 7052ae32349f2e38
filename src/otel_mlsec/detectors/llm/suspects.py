"""From verdicts to findings, for whichever kind of attack: thresholds, the application's own traffic, and words for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf, log10

from otel_mlsec.detector import State
from otel_mlsec.detectors.llm.own_traffic import OwnTraffic
from otel_mlsec.detectors.llm.tell import tell
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Origin
from otel_mlsec.text.turn import UNTRUSTED, Judged, Turn

MOST_SAID = 6.0  # digits: beyond one in a million nothing was counted
WORSE = 1.0  # digits above the threshold from which a finding is HIGH
FROM = {
    Origin.USER: "user's message",
    Origin.TOOL: "tool's result",
    Origin.RETRIEVED: "document",
    Origin.TOOL_DESCRIPTION: "tool's description",
}


@dataclass(slots=True, kw_only=True)
class Suspects:
    """Findings about new inputs whose verdict reaches the threshold, in digits.

    State: what is usual here, of users' and of other texts.
    """

    detector: str
    threshold: float
    concerns: Callable[[Judged], bool]  # is this verdict one of the detector's?
    adaptive: bool = True
    _users: OwnTraffic = field(default_factory=OwnTraffic)
    _others: OwnTraffic = field(default_factory=OwnTraffic)

    def update(self, turn: Turn, kind: Callable[[Judged], str], title: Callable[[Judged], str]) -> list[Finding]:
        if turn.answered:
            return []
        worst: dict[str, tuple[float, Judged]] = {}  # one of a kind in a call
        counts: dict[str, int] = {}
        for judged in turn.inputs:
            origin = judged.reading.text.origin
            if not judged.fresh or origin not in FROM:
                continue
            own = self._users if origin is Origin.USER else self._others
            score = judged.verdict.score + (own.shift() if self.adaptive else 0.0)
            own.note(judged.verdict.score, turn.completion.principal)
            if score < self.threshold or not self.concerns(judged):
                continue
            name = kind(judged)
            counts[name] = counts.get(name, 0) + 1
            if score > worst.get(name, (-inf, judged))[0]:
                worst[name] = score, judged
        return [self._finding(turn, name, title(judged), score, judged, counts[name]) for name, (score, judged) in worst.items()]

    def _finding(self, turn: Turn, kind: str, title: str, score: float, judged: Judged, n: int) -> Finding:
        text, verdict = judged.reading.text, judged.verdict
        one_in = round_number(10.0 ** min(score, MOST_SAID))
        said = ", ".join(verdict.families) or "wording"
        through = f", read through {verdict.layer.replace('_', ' ')}" if verdict.layer else ""
        evidence: dict[str, str | bool | int | float | tuple[str, ...]] = {"one_in": one_in, "texts": n}
        if verdict.families:
            evidence["rules"] = verdict.families
        if verdict.layer:
            evidence["layer"] = verdict.layer
        if verdict.template:
            evidence["template"] = verdict.template
        if signs := tuple(sorted(judged.reading.seen.signs)):
            evidence["hidden"] = signs
        return tell(
            turn,
            self.detector,
            kind=kind,
            title=title,
            summary=f"{FROM[text.origin]} {text.message}: {said}{through}; 1 in {one_in:,} benign texts looks like this",
            severity=Severity.HIGH if score >= self.threshold + WORSE else Severity.MEDIUM,
            score=score,
            threshold=self.threshold,
            about=text,
            evidence=evidence,
        )

    def snapshot(self) -> State:
        return {
            f"{name}.{key}": array
            for name, own in (("users", self._users), ("others", self._others))
            for key, array in own.snapshot().items()
        }

    def restore(self, state: State, /) -> None:
        for name, own in (("users", self._users), ("others", self._others)):
            own.restore({key.partition(".")[2]: array for key, array in state.items() if key.startswith(f"{name}.")})


def round_number(x: float) -> int:
    """To one digit and a half: more would say that it is known.

    >>> round_number(106_940.0), round_number(1_162.0)
    (100000, 1000)
    """
    power = 10 ** int(log10(max(x, 1.0)))
    return int(power * min((1, 2, 3, 5, 10), key=lambda digit: abs(digit - x / power)))


def untrusted(judged: Judged) -> bool:
    return judged.reading.text.origin in UNTRUSTED
