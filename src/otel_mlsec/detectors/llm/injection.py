"""Instructions that are not the application's: from users, or inside documents and tools' results."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from otel_mlsec.detector import State
from otel_mlsec.detectors.llm.suspects import Suspects, untrusted
from otel_mlsec.finding import Finding
from otel_mlsec.text.turn import Judged, Turn


@dataclass(slots=True, kw_only=True)
class Injection:
    """Prompt injection, direct (OWASP LLM01, ATLAS AML.T0051.000) and indirect (.001); the score is in decimal digits.

    Rules, a small model, known templates and what hides are fused into how rare a text is among benign ones of its origin
    (`fusion`); after 2,000 texts, among the application's own (`own_traffic`).  What the application itself says is never
    judged.  Jailbreaks in users' messages are `llm/jailbreak`'s; inside a document everything is an indirect injection.
    """

    name: ClassVar[str] = "llm/injection"
    threshold: float = 3.0  # digits: one benign text in 10**threshold
    _suspects: Suspects = field(init=False)

    def __post_init__(self) -> None:
        self._suspects = Suspects(detector=self.name, threshold=self.threshold, concerns=_concerns)

    def update(self, turn: Turn, /) -> list[Finding]:
        return self._suspects.update(turn, _kind, _title)

    def snapshot(self) -> State:
        return self._suspects.snapshot()

    def restore(self, state: State, /) -> None:
        self._suspects.restore(state)


def _concerns(judged: Judged) -> bool:
    return untrusted(judged) or not judged.verdict.jailbreak


def _kind(judged: Judged) -> str:
    return "llm.injection.indirect" if untrusted(judged) else "llm.injection.direct"


def _title(judged: Judged) -> str:
    return "Indirect prompt injection" if untrusted(judged) else "Prompt injection"
