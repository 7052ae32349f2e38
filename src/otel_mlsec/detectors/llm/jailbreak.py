"""Roles, games and promises under which the model's rules are not to hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from otel_mlsec.detector import State
from otel_mlsec.detectors.llm.suspects import Suspects, untrusted
from otel_mlsec.finding import Finding
from otel_mlsec.text.turn import Judged, Turn


@dataclass(slots=True, kw_only=True)
class Jailbreak:
    """Jailbreaks in users' messages (ATLAS AML.T0054); scored as `llm/injection` is, and told apart by what decided: rules of
    the family, or a known template, which the finding names."""

    name: ClassVar[str] = "llm/jailbreak"
    threshold: float = 3.0  # digits: one benign text in 10**threshold
    adaptive: bool = True  # to the application's own traffic; a corpus of attacks is no traffic
    _suspects: Suspects = field(init=False)

    def __post_init__(self) -> None:
        self._suspects = Suspects(detector=self.name, threshold=self.threshold, concerns=_concerns, adaptive=self.adaptive)

    def update(self, turn: Turn, /) -> list[Finding]:
        return self._suspects.update(turn, _kind, _title)

    def snapshot(self) -> State:
        return self._suspects.snapshot()

    def restore(self, state: State, /) -> None:
        self._suspects.restore(state)


def _concerns(judged: Judged) -> bool:
    return judged.verdict.jailbreak and not untrusted(judged)


def _kind(_: Judged) -> str:
    return "llm.jailbreak"


def _title(judged: Judged) -> str:
    return f"Jailbreak template ({judged.verdict.template})" if judged.verdict.template else "Jailbreak"
