"""Prompts of one model, or its answers: what is usual is learned or known, then every text is held against it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.detector import State
from otel_mlsec.detectors.drift.change import BLOCK, Change, Changes
from otel_mlsec.detectors.drift.settings import budget, is_off
from otel_mlsec.finding import Status
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.reference import Reference
from otel_mlsec.reference.texts import Learning, Texts, learned, text_columns
from otel_mlsec.settings import ModelSettings
from otel_mlsec.text.properties import ECHOES, NAMES

FOR_WORDS, FOR_ROWS = 500, 1000  # texts that say which words there are, and then what is usual
MAX_SHARE, PATIENCE = 0.5, 5  # of one principal in the latter, unless five times as many texts have come
MAX_PRINCIPALS = 1024


@dataclass(slots=True)
class TextSide:
    """State: while it learns 16 KiB of bits, 4,096 counts and at most 1,000 rows of numbers, then that of `Changes`; no text.

    Args:
        side: 0 of prompts, 1 of answers.
        reference: one of texts; None: one is learned from the first 1,500 texts, and findings say so.
    """

    side: int
    settings: ModelSettings
    reference: Reference | None = None
    _texts: Texts | None = None
    _learning: Learning = field(default_factory=Learning)
    _n: int = 0  # texts that `_learning` has
    _offered: int = 0
    _rows: list[Floats] = field(default_factory=list[Floats])  # of a reference in the making, then of an open block
    _times: list[float] = field(default_factory=list[float])  # of the latter
    _given: Counter[str] = field(default_factory=Counter[str])
    _watched: tuple[int, ...] = ()  # properties that are not off
    changes: Changes | None = None

    def __post_init__(self) -> None:
        if self.reference is not None and self.reference.texts is not None:
            self._texts = self.reference.texts
            self._judge_by(self.reference.outputs if self.side else self.reference.inputs)

    def add(self, text: str, who: str, time: float) -> list[Change]:
        """`time` in s since the epoch; rows of changes are those of the block that they were found with."""
        if self._texts is None:
            self._learn(text)
            return []
        if self.changes is None and self.reference is not None and not self.reference.provisional:
            return []  # it knows nothing of this side
        if self.changes is None:
            self._gather(text, who, time)
            return []
        self._rows.append(self._texts.measured(text, self.side))
        self._times.append(time)
        if len(self._rows) < BLOCK:
            return []
        rows, times = np.stack(self._rows)[:, self._watched], np.array(self._times)
        self._rows, self._times = [], []
        return self.changes.update(rows, times)

    def echo(self, change: Change) -> bool:
        """Nothing but what every change of texts changes, too, while one of them is open."""
        if self.changes is None or change.status is Status.RESOLVED:
            return False
        others = self.changes.open.copy()
        others[list(change.columns)] = False
        named = (self.changes.columns[i].name.partition(" ")[2] for i in change.columns)
        return bool(others.any()) and all(name in ECHOES for name in named)

    def _learn(self, text: str) -> None:
        self._learning.add(text)
        self._n += 1
        if self._n >= FOR_WORDS:
            self._texts = learned([self._learning, self._learning])

    def _gather(self, text: str, who: str, time: float) -> None:
        assert self._texts is not None
        who = who if who in self._given or len(self._given) < MAX_PRINCIPALS else "others"
        self._offered += 1
        if who and self._given[who] >= FOR_ROWS * MAX_SHARE and self._offered < PATIENCE * FOR_ROWS:
            return
        self._given[who] += 1
        self._rows.append(self._texts.measured(text, self.side))
        if len(self._rows) >= FOR_ROWS:
            self._provisional(np.stack(self._rows), time)

    def _provisional(self, rows: Floats, time: float) -> None:
        columns = text_columns(rows, self.side)
        self.reference = Reference(
            n_rows=len(rows), created=time, inputs=columns, provisional=True, principals=len(self._given),
            largest_share=max(self._given.values(), default=0) / len(rows),
        )  # fmt: skip
        self._learned_from, self._rows = rows, list[Floats]()
        self._judge_by(columns)

    _learned_from: Floats = field(default_factory=lambda: np.empty((0, len(NAMES))))

    def _judge_by(self, columns: tuple[Column, ...]) -> None:
        self._watched = tuple(i for i, c in enumerate(columns) if not is_off(c.name, self.settings))
        kept = [columns[i] for i in self._watched]
        if kept and self.reference is not None:
            tolerances, weights, threshold = budget([c.name for c in kept], self.settings, provisional=self.reference.provisional)
            self.changes = Changes(kept, tolerances, weights, threshold=2 * threshold, seed=self.side)  # half of the budget

    def snapshot(self) -> State:
        state: State = {
            "words": self._learning.words.copy(), "counts": self._learning.counts.copy(), "n": np.array([self._n, self._offered]),
            "rows": np.array(self._rows, np.float64).reshape(-1, len(NAMES)), "times": np.array(self._times, np.float64),
            "who": np.array(list(self._given), np.str_), "given": np.array(list(self._given.values()), np.int64),
            "learned_from": self._learned_from.copy(),
        }  # fmt: skip
        if self.changes is not None:
            state |= {f"changes.{name}": part for name, part in self.changes.snapshot().items()}
        return state

    def restore(self, state: State) -> None:
        """Of a side as new, with the same settings and the same reference."""
        self._learning = Learning(np.array(state["words"], np.int64), np.array(state["counts"], np.float64))
        self._n, self._offered = (int(n) for n in state["n"])
        self._given = Counter(dict(zip(map(str, state["who"]), map(int, state["given"]), strict=True)))
        if self._texts is None and self._n >= FOR_WORDS:
            self._texts = learned([self._learning, self._learning])
        if len(state["learned_from"]):
            self._provisional(np.array(state["learned_from"], np.float64), 0.0)
        self._rows, self._times = list(np.array(state["rows"], np.float64)), [float(t) for t in state["times"]]
        if self.changes is not None:
            marked = "changes."
            self.changes.restore({name.removeprefix(marked): part for name, part in state.items() if name.startswith(marked)})
