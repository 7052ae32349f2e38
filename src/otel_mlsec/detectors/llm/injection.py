"""Instructions that are not the application's: from users, or inside documents and tools' results."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar

from otel_mlsec.detector import State
from otel_mlsec.detectors.llm.suspects import Suspects, untrusted
from otel_mlsec.detectors.llm.tell import tell
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Origin
from otel_mlsec.text.turn import Judged, Turn

SHORT = 400  # characters
# Bounded counts and an anchor: linear.
_CANCELS = re.compile(
    r"\A\W{0,8}(?:(?:please|now|ok|okay|hey|so|first)\W{1,3}){0,2}(?:ignore|disregard|forget|override)\W{1,3}(?:\w{1,16}\W{1,3}){0,3}"
    r"(?:previous|prior|above|earlier|preceding|all|every|any)\W{1,3}(?:\w{1,16}\W{1,3}){0,3}(?:instructions?|prompts?|rules|directions|guidelines)",
    re.IGNORECASE,
)


@dataclass(slots=True, kw_only=True)
class Injection:
    """Prompt injection, direct (OWASP LLM01, ATLAS AML.T0051.000) and indirect (.001); the score is in decimal digits.

    Rules, a small model, known templates and what hides are fused into how rare a text is among benign ones of its origin
    (`fusion`); after 2,000 texts, among the application's own (`own_traffic`).  What the application itself says is never
    judged.  Jailbreaks in users' messages are `llm/jailbreak`'s; inside a document everything is an indirect injection.
    """

    name: ClassVar[str] = "llm/injection"
    threshold: float = 3.0  # digits: one benign text in 10**threshold
    adaptive: bool = True  # to the application's own traffic; a corpus of attacks is no traffic
    _suspects: Suspects = field(init=False)

    def __post_init__(self) -> None:
        self._suspects = Suspects(detector=self.name, threshold=self.threshold, concerns=_concerns, adaptive=self.adaptive)

    def update(self, turn: Turn, /) -> list[Finding]:
        return [*self._suspects.update(turn, _kind, _title), *self._planted(turn)]

    def _planted(self, turn: Turn) -> list[Finding]:
        """An operator's text that begins by cancelling the operator's texts is somebody else's: users' words that an
        application puts into `instructions`.  Otherwise what the application says is never judged.
        """
        for judged in () if turn.answered else turn.inputs:
            text = judged.reading.text
            if judged.fresh and text.origin is Origin.OPERATOR and len(text.text) <= SHORT and _CANCELS.search(text.text):
                return [
                    tell(
                        turn,
                        self.name,
                        kind="llm.injection.direct",
                        title="Prompt injection",
                        summary=f"system text {text.message} begins by cancelling earlier instructions: not the operator's words",
                        severity=Severity.MEDIUM,
                        score=self.threshold,
                        threshold=self.threshold,
                        about=text,
                    )
                ]
        return []

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
