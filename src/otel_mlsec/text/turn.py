"""What detectors of text are given: one call of a language model, before its answer and again after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from otel_mlsec.detector import State
from otel_mlsec.finding import Finding
from otel_mlsec.observation import Completion, Origin
from otel_mlsec.text.reading import Reading

UNTRUSTED = frozenset({Origin.TOOL, Origin.RETRIEVED, Origin.TOOL_DESCRIPTION})  # whose words nobody vouches for
SUSPECTED = 2.0  # score of a text above which what follows it may be its doing


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How much a text that the model is given looks like an attack."""

    score: float = 0.0  # -log10 of the share of benign texts of this origin that look at least as much so; 3: one in a thousand
    families: tuple[str, ...] = ()  # of rules that fired, the weightiest first: "override", "jailbreak" …
    layer: str = ""  # of the view that decided
    jailbreak: bool = False  # rather this than an injection
    template: str = ""  # family of a known template, "" for none


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One text that the model is given."""

    reading: Reading
    verdict: Verdict
    fresh: bool  # first seen with this call; the history of a conversation is sent again with every turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One call.  Detectors of inputs look while it is not answered, detectors of outputs when it is."""

    completion: Completion
    inputs: tuple[Judged, ...]  # all of them, in order, system texts too (their verdict is 0)
    outputs: tuple[Reading, ...] = ()
    answered: bool = False

    @property
    def suspected(self) -> Judged | None:
        """The input that looks most like an attack; None where all are 0."""
        worst = max(self.inputs, key=lambda judged: judged.verdict.score, default=None)
        return worst if worst is not None and worst.verdict.score > 0 else None


class TextDetector(Protocol):
    """Says what it found in one call of a language model.

    Pure: reads no clock, environment or global, and its state has a stated bound.
    """

    name: ClassVar[str]

    def update(self, turn: Turn, /) -> list[Finding]: ...

    def snapshot(self) -> State:
        """A copy of the state, which later updates do not touch; {} where there is none."""
        ...

    def restore(self, state: State, /) -> None: ...
