"""Drift of what a language model is asked and answers: the law of the texts' properties."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar

import numpy as np

from otel_mlsec.detector import State
from otel_mlsec.detectors.drift.change import Change
from otel_mlsec.detectors.drift.effect import Effect
from otel_mlsec.detectors.drift.property import words_of
from otel_mlsec.detectors.drift.tell import told
from otel_mlsec.detectors.drift.text_side import TextSide
from otel_mlsec.finding import Finding
from otel_mlsec.observation import Batch, Form, Meaning, Origin, Role
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.reference import Reference
from otel_mlsec.reference.texts import SIDES
from otel_mlsec.settings import ModelSettings
from otel_mlsec.text.properties import ECHOES
from otel_mlsec.text.turn import Turn

MAX_MODELS = 16  # of more, the one that was silent for the longest is forgotten
LATEST = 1e12  # s since the epoch


def _nothing(model: str) -> Reference | None:
    del model
    return None


def _usual(model: str) -> ModelSettings:
    del model
    return ModelSettings()


@dataclass(slots=True, kw_only=True)
class TextDrift:
    """Change of length, script, language, vocabulary or letters of the prompts or the answers of a model; named by property.

    What users say for the first time, and what the model answers, becomes some forty numbers (`text.properties`), which are
    judged as the columns of a table (`drift/data`), prompts and answers with half of the budget of false alarms each.  Without
    a reference one is learned from the first 1,500 texts.

    It does not see: another meaning in the old words; texts of tools and documents; streams of less than some hundred texts.
    """

    name: ClassVar[str] = "drift/text"
    known: Callable[[str], Reference | None] = field(default=_nothing, repr=False)  # by name of the model
    models: Callable[[str], ModelSettings] = field(default=_usual, repr=False)
    adaptive: bool = True
    _sides: OrderedDict[str, tuple[TextSide, TextSide]] = field(
        default_factory=OrderedDict[str, tuple[TextSide, TextSide]], init=False, repr=False
    )

    def update(self, turn: Turn, /) -> list[Finding]:
        if not self.adaptive or not 0 <= turn.completion.time < LATEST:  # also what is no number
            return []
        if turn.answered:
            texts = [reading.text.text for reading in turn.outputs if reading.text.form is Form.TEXT]
        else:
            said = [judged.reading.text for judged in turn.inputs if judged.fresh]
            texts = [t.text for t in said if t.role is Role.USER and t.origin is Origin.USER and t.form is Form.TEXT]
        if not texts:
            return []
        side, completion = self._of(turn.completion.model.name)[turn.answered], turn.completion
        return [
            self._finding(turn, side, change)
            for text in texts
            if text
            for change in side.add(text, completion.principal, completion.time)
            if not side.echo(change)
        ]

    def _of(self, model: str) -> tuple[TextSide, TextSide]:
        sides = self._sides.get(model)
        if sides is None:
            settings, reference = self.models(model), self.known(model)
            sides = self._sides[model] = (TextSide(0, settings, reference), TextSide(1, settings, reference))
            if len(self._sides) > MAX_MODELS:
                self._sides.popitem(last=False)
        self._sides.move_to_end(model)
        return sides

    def _finding(self, turn: Turn, side: TextSide, change: Change) -> Finding:
        assert side.changes is not None
        assert side.reference is not None
        columns = side.changes.columns
        batch = Batch(
            model=turn.completion.model, meaning=Meaning.RAW, features=(), inputs=None, outputs=None, principals=("",),
            times=np.full(change.row + 1, turn.completion.time), calls=np.zeros(change.row + 1, np.int64),
        )  # fmt: skip
        first = sorted(change.effects, key=lambda effect: (effect.column.partition(" ")[2] in ECHOES, -effect.distance))
        ordered = replace(change, effects=tuple(first))
        return told(
            batch, ordered, kind="drift.text", detector=self.name, title="Text drift", columns=columns,
            threshold=side.changes.threshold, reference=side.reference, words=partial(_words, columns),
        )  # fmt: skip

    def snapshot(self) -> State:
        state: State = {"models": np.array(list(self._sides), np.str_)} if self._sides else {}
        for i, sides in enumerate(self._sides.values()):
            for of, side in zip(SIDES, sides, strict=True):
                state |= {f"{i}.{of}.{name}": part for name, part in side.snapshot().items()}
        return state

    def restore(self, state: State, /) -> None:
        self._sides.clear()
        for i, model in enumerate(map(str, state.get("models", ()))):
            for of, side in zip(SIDES, self._of(model), strict=True):
                marked = f"{i}.{of}."
                side.restore({name.removeprefix(marked): part for name, part in state.items() if name.startswith(marked)})


def _words(columns: Sequence[Column], effect: Effect) -> str:
    side, _, name = effect.column.partition(" ")
    return words_of(effect, f"{side}s", name, columns)
