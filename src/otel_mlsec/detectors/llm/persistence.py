"""Attempts that say little one by one: evidence of a principal's messages adds up."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from math import log10
from typing import ClassVar

import numpy as np

from otel_mlsec.detector import State
from otel_mlsec.detectors.llm.identity import identity
from otel_mlsec.detectors.llm.tell import tell
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Origin
from otel_mlsec.text.turn import Turn

CALIBRATORS = (0.1, 0.25, 0.5)
CAP = 50.0  # of one message's evidence: one alone never alarms here, that is what `llm/injection` does
MOST = 16_384  # conversations and principals remembered; of more, the one with the least evidence among the oldest goes
OLDEST = 16


@dataclass(slots=True, kw_only=True)
class Persistence:
    """Shiryaev–Roberts sum over users' messages, by conversation and by principal; the score is in messages.

    A message's share p of benign texts becomes evidence e = mean of k p**(k - 1) over k (calibrators of p-values, Vovk and
    Wang 2021), at most 50, and R ← (1 + R) e.  While all is benign, the mean number of messages between findings is at least
    `messages_per_false_alarm`, since a sum of e-processes is one (Shin, Ramdas and Rinaldo 2022).
    """

    name: ClassVar[str] = "llm/persistence"
    messages_per_false_alarm: float = 20_000.0
    _evidence: OrderedDict[int, tuple[float, int]] = field(default_factory=OrderedDict[int, tuple[float, int]], init=False)

    def update(self, turn: Turn, /) -> list[Finding]:
        if turn.answered:
            return []
        completion = turn.completion
        names = (("conversation", completion.conversation), ("principal", completion.principal))
        keys = [(by, identity(f"{by}:{name}")) for by, name in names if name]
        found: list[Finding] = []
        for judged in turn.inputs:
            if not judged.fresh or judged.reading.text.origin is not Origin.USER:
                continue
            e = evidence(judged.verdict.score)
            for by, key in keys:
                total, n = self._evidence.pop(key, (0.0, 0))
                total, n = (1.0 + total) * e, n + 1
                if total >= self.messages_per_false_alarm and n > 1:
                    if not found:  # the other sum tells the same
                        found.append(self._finding(turn, by, total, n))
                    total, n = 0.0, 0
                self._keep(key, total, n)
        return found

    def _keep(self, key: int, total: float, n: int) -> None:
        self._evidence[key] = total, n
        if len(self._evidence) > MOST:
            oldest = [key for key, _ in zip(self._evidence, range(OLDEST), strict=False)]
            del self._evidence[min(oldest, key=lambda key: self._evidence[key][0])]

    def _finding(self, turn: Turn, by: str, total: float, n: int) -> Finding:
        return tell(
            turn,
            self.name,
            kind="llm.persistence",
            title="Repeated attempts",
            summary=f"{n} messages of one {by} are suspicious together; benign ones are so once in {total:,.0f}",
            severity=Severity.HIGH if total >= 10 * self.messages_per_false_alarm else Severity.MEDIUM,
            score=log10(total),
            threshold=log10(self.messages_per_false_alarm),
            evidence={"messages": n, "by": by},
        )

    def snapshot(self) -> State:
        return {
            "keys": np.array(list(self._evidence), np.int64),
            "evidence": np.array([total for total, _ in self._evidence.values()], np.float64),
            "messages": np.array([n for _, n in self._evidence.values()], np.int64),
        }

    def restore(self, state: State, /) -> None:
        keys, totals, counts = (state[key].tolist() for key in ("keys", "evidence", "messages"))
        self._evidence = OrderedDict(
            (int(key), (float(total), int(n))) for key, total, n in zip(keys, totals, counts, strict=True)
        )


def evidence(score: float) -> float:
    """E-value of a message, of the digits by which it is rare."""
    p = 10.0**-score
    return min(CAP, sum(k * p ** (k - 1.0) for k in CALIBRATORS) / len(CALIBRATORS))
