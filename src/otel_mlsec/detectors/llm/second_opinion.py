"""What a classifier of the operator's choice says of a text, in the false alarms of this application."""

from __future__ import annotations

import collections
import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.detector import State
from otel_mlsec.detectors.llm.tell import tell
from otel_mlsec.finding import Evidence, Finding, Severity
from otel_mlsec.observation import Origin
from otel_mlsec.text.turn import UNTRUSTED, Judged, Turn

WARM_UP = 2000  # texts of the application's own
UNCALIBRATED = 0.99  # probability that counts until then
LEAST = 0.5  # however rare here: what the classifier itself takes for benign is no finding
OF_ONE = 20  # texts of one principal that count before others have, and
SHARE_OF_ONE = 0.02  # of all that count, afterwards
PRINCIPALS = 4096  # whose texts are counted apart
BINS, WIDTH, LIMIT = 1024, 1 / 32, 16.0  # of log odds, from -LIMIT: a bin is 3 % of the odds


@dataclass(slots=True, kw_only=True)
class SecondOpinion:
    """Scores are -log10 of the share of the application's own texts of which the classifier said as much.

    The empirical tail with one added to both counts (a conformal p-value: Vovk, Gammerman and Shafer 2005), so the score never
    says more than the number of texts allows.  It is learned from a uniform sample that the small model does not suspect; of one
    principal at most every fiftieth text counts, so that nobody raises the threshold alone.  Until `WARM_UP` texts, and as
    many as the wanted rate needs, are known, a probability of `UNCALIBRATED` is a finding of low severity.

    It does not see what the small model lets pass, but for a sample; and an application whose benign texts the classifier takes
    for attacks as often as `false_alarms_per_million` says gets no findings, which is what calibration means.
    """

    name: ClassVar[str] = "llm/second_opinion"
    classifier: str  # name of the file
    digest: str  # first hex digits of its SHA-256
    false_alarms_per_million: float = 1000.0
    _counts: Floats = field(default_factory=lambda: np.zeros(BINS), init=False)  # (BINS,) texts by log odds
    _seen: int = field(default=0, init=False)
    _by_principal: collections.Counter[str] = field(default_factory=collections.Counter[str], init=False)

    def __post_init__(self) -> None:
        if not 0 < self.false_alarms_per_million <= 1e5:
            raise ValueError(f"false_alarms_per_million must be in (0, 100000], got {self.false_alarms_per_million}")

    @property
    def threshold(self) -> float:
        """In digits, of calibrated scores and of what the small model says."""
        return 6.0 - math.log10(self.false_alarms_per_million)

    @property
    def calibrated(self) -> bool:
        return self._seen >= WARM_UP and math.log10(self._seen + 1) >= self.threshold

    @staticmethod
    def concerns(judged: Judged) -> bool:
        """Is the text somebody's that the model should not obey?"""
        return judged.fresh and judged.reading.text.origin not in (Origin.OPERATOR, Origin.MODEL)

    def judge(self, turn: Turn, judged: Judged, probability: float, evidence: Evidence, /, *, uniform: bool) -> list[Finding]:
        """`probability` in [0, 1] that the text is an attack; `uniform`: it was drawn whatever the small model says of it."""
        if not 0 <= probability <= 1:  # also what is no number
            return []
        at = _bin(probability)
        score, threshold = (self._tail(at), self.threshold) if self.calibrated else (probability, UNCALIBRATED)
        calibrated = self.calibrated
        if uniform and judged.verdict.score < self.threshold:
            self._learn(at, turn.completion.principal)
        if score < threshold or probability < LEAST:
            return []
        return [self._finding(turn, judged, score, threshold, calibrated, {**evidence, "probability": round(probability, 4)})]

    def _tail(self, at: int) -> float:
        return math.log10((self._seen + 1) / (float(self._counts[at:].sum()) + 1))

    def _learn(self, at: int, principal: str) -> None:
        if principal:
            if self._by_principal[principal] >= max(OF_ONE, SHARE_OF_ONE * self._seen):
                return
            if principal in self._by_principal or len(self._by_principal) < PRINCIPALS:
                self._by_principal[principal] += 1
            else:  # a crowd: nobody in it counts for much
                del self._by_principal[min(self._by_principal, key=self._by_principal.__getitem__)]
                self._by_principal[principal] = 1
        self._counts[at] += 1
        self._seen += 1

    def _finding(
        self, turn: Turn, judged: Judged, score: float, threshold: float, calibrated: bool, evidence: Evidence
    ) -> Finding:
        both = judged.verdict.score >= self.threshold
        foreign = judged.reading.text.origin in UNTRUSTED
        jailbreak = judged.verdict.jailbreak and not foreign
        what = "indirect injection" if foreign else "jailbreak" if jailbreak else "injection"
        rare = f"1 in {10**score:,.0f} texts here looks so" if calibrated else "not calibrated yet"
        return tell(
            turn,
            self.name,
            kind="llm.jailbreak" if jailbreak else f"llm.injection.{'indirect' if foreign else 'direct'}",
            title=f"Suspected {what}",
            summary=f"classifier {self.classifier[:40]} says {evidence['probability']:.2f}, {rare}; "
            f"the rules and the small model {'say so, too' if both else 'do not'}",
            severity=Severity.LOW if not calibrated else Severity.HIGH if both else Severity.MEDIUM,
            score=score,
            threshold=threshold,
            about=judged.reading.text,
            evidence={
                "classifier": self.classifier,
                "classifier_sha256": self.digest,
                "calibrated": calibrated,
                "calibrated_on": self._seen,
                "first_score": round(judged.verdict.score, 2),
                **evidence,
            },
        )

    def snapshot(self) -> State:
        """Without the principals: after a restart each may speak again."""
        return {"counts": self._counts.copy(), "seen": np.array(self._seen)}

    def restore(self, state: State, /) -> None:
        self._counts = state["counts"].astype(np.float64)
        self._seen = int(state["seen"])


def _bin(probability: float) -> int:
    odds = probability / (1 - probability) if probability < 1 else math.inf
    position = (math.log(odds) + LIMIT) / WIDTH if 0 < odds < math.inf else math.copysign(math.inf, odds - 1)
    return int(min(max(position, 0), BINS - 1))
