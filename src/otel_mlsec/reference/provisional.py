"""A reference learned from the first live rows, for models that came with none.

It says for ever how many rows it rests on and from how many principals, and one principal alone may give at most half of it,
as long as there are others: whoever comes first must not decide alone what is normal.
"""

from __future__ import annotations

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.observation import Batch
from otel_mlsec.reference.fit import MAX_FEATURES, answer_columns
from otel_mlsec.reference.reference import Reference

ROWS = 2000
MAX_SHARE = 0.5
PATIENCE = 5  # times ROWS offered: then one principal may have given all of it, and the finding says so
MAX_BYTES = 4 << 20
MAX_PRINCIPALS = 4096  # counted one by one; those beyond count as one


class Provisional:
    """State: at most 2,000 rows, 4 MiB."""

    def __init__(self) -> None:
        self._rows: list[Floats] = []
        self._answers: list[Floats] = []
        self._given: dict[str, int] = {}
        self._kept = self._offered = 0
        self._features: tuple[str, ...] | None = None

    def learn(self, batch: Batch) -> Reference | None:
        """Take in the rows of a batch; the reference as soon as there are enough."""
        if batch.inputs is None or batch.inputs.ndim != 2:
            return None
        features = batch.features or tuple(f"x{i}" for i in range(batch.inputs.shape[1]))
        if self._features is None:
            self._features = features
        if features != self._features:
            return None
        self._offered += batch.n_rows
        chosen = self._allowed(batch)
        inputs = batch.inputs[chosen, :MAX_FEATURES].copy()
        self._rows.append(inputs)
        self._answers.append(batch.outputs[chosen].copy() if batch.outputs is not None else np.empty((0, 0)))
        self._kept += len(inputs)
        wanted = min(ROWS, max(100, MAX_BYTES // (8 * max(inputs.shape[1], 1))))
        return self._reference(batch, wanted) if self._kept >= wanted else None

    def _allowed(self, batch: Batch) -> list[int]:
        """Rows whose principal has not given its share yet."""
        limit = ROWS * (MAX_SHARE if self._offered < PATIENCE * ROWS else 1.0)
        rows: list[int] = []
        for row, call in enumerate(batch.calls.tolist()):
            who = batch.principals[call] if call < len(batch.principals) else ""
            who = who if who in self._given or len(self._given) < MAX_PRINCIPALS else "others"
            if self._given.get(who, 0) < limit or not who:
                self._given[who] = self._given.get(who, 0) + 1
                rows.append(row)
        return rows

    def _reference(self, batch: Batch, wanted: int) -> Reference:
        matrix = np.concatenate(self._rows)[:wanted]
        answers = [a for a in self._answers if len(a)]
        same = answers and sum(map(len, answers)) >= wanted and len({a.shape[1:] for a in answers}) == 1
        known = [(batch.meaning, np.concatenate(answers)[:wanted])] if same else []
        return Reference.of_matrix(
            matrix,
            self._features or (),
            None,
            model=batch.model,
            created=float(batch.times[-1]),
            outputs=answer_columns(known, batch.classes, None),
            classes=batch.classes,
            provisional=True,
            principals=len(self._given),
            largest_share=max(self._given.values()) / max(sum(self._given.values()), 1),
        )
