"""A reference learned from the first live rows, for models that came with none.

It says for ever how many rows it rests on and from how many principals, and one principal alone may give at most half of it,
as long as there are others: whoever comes first must not decide alone what is normal.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.observation import Batch, Meaning
from otel_mlsec.reference.fit import MAX_FEATURES
from otel_mlsec.reference.outputs import MAX_OUTPUTS
from otel_mlsec.reference.reference import Reference

ROWS = 2000
LEAST = 100  # rows, of a table so wide that 2,000 do not fit
MAX_SHARE = 0.5
PATIENCE = 5  # times the wanted rows offered: then one principal may have given all of it, and the finding says so
MAX_BYTES = 4 << 20
MAX_PRINCIPALS = 4096  # counted one by one; those beyond count as one


class Provisional:
    """State: at most 2,000 rows of inputs, 4 MiB, and as many answers of each kind."""

    def __init__(self) -> None:
        self._start(())

    def _start(self, features: tuple[str, ...]) -> None:
        self._features = features
        self._wanted = min(ROWS, max(LEAST, MAX_BYTES // (8 * max(min(len(features), MAX_FEATURES), 1))))
        self._rows: list[Floats] = []
        self._answers: dict[Meaning, list[Floats]] = {}
        self._given = Counter[str]()
        self._kept = self._offered = self._others = 0

    def learn(self, batch: Batch) -> Reference | None:
        """Take in the rows of a batch; the reference as soon as there are enough."""
        if batch.inputs is None or batch.inputs.ndim != 2 or not batch.inputs.size:
            return None
        features = batch.features or tuple(f"x{i}" for i in range(batch.inputs.shape[1]))
        if features != self._features:
            self._others += batch.n_rows
            if self._others <= self._kept:
                return None
            self._start(features)  # what came first, a trial call perhaps, must not keep the model's real traffic out for ever
        chosen = self._allowed(batch)
        self._rows.append(batch.inputs[chosen, :MAX_FEATURES])
        self._kept += len(chosen)
        if batch.outputs is not None and batch.outputs.reshape(len(batch.outputs), -1).shape[1] <= MAX_OUTPUTS:
            self._answers.setdefault(batch.meaning, []).append(batch.outputs[chosen])
        return self._reference(batch) if self._kept >= self._wanted else None

    def _allowed(self, batch: Batch) -> Ints:
        """Rows whose principal has not given its share yet, at most as many as are still wanted."""
        self._offered += batch.n_rows
        limit = self._wanted * (MAX_SHARE if self._offered < PATIENCE * self._wanted else 1.0)
        rows: list[int] = []
        for row in range(batch.n_rows):
            call = int(batch.calls[row])
            who = batch.principals[call] if call < len(batch.principals) else ""
            who = who if who in self._given or len(self._given) < MAX_PRINCIPALS else "others"
            if (self._given[who] < limit or not who) and self._kept + len(rows) < self._wanted:
                self._given[who] += 1
                rows.append(row)
        return np.array(rows, np.int64)

    def _reference(self, batch: Batch) -> Reference:
        return Reference.of_matrix(
            np.concatenate(self._rows),
            self._features,
            None,
            model=batch.model,
            created=float(batch.times[-1]),
            answers=self._enough_answers(),
            classes=batch.classes,
            provisional=True,
            principals=sum(count > 0 for count in self._given.values()),
            largest_share=max(self._given.values()) / self._kept,
        )

    def _enough_answers(self) -> list[tuple[Meaning, Floats]]:
        """By what they mean: labels and margins of the same shape are not one column."""
        enough: list[tuple[Meaning, Floats]] = []
        for meaning, parts in self._answers.items():
            if sum(map(len, parts)) >= self._wanted / 2 and len({part.shape[1:] for part in parts}) == 1:
                enough.append((meaning, np.concatenate(parts)))
        return enough
