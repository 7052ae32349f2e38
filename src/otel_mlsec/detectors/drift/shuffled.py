"""A reference that came without times, and in no order: found out by live rows that have one, said once, and allowed for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otel_mlsec.arrays import Ints
from otel_mlsec.detector import State
from otel_mlsec.detectors.drift.change import Change
from otel_mlsec.detectors.drift.live_order import LiveOrder
from otel_mlsec.detectors.drift.tell import LISTED, about
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Batch
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.reference import Reference

LEAST, SHARE = 3, 0.2  # columns that depend on the row before them where the reference's did not
NAMED = 5
SHUFFLED = "shuffled"  # in `Batch.derived`, made by drift/data: true once that was found out


class Shuffled:
    """State: that of `LiveOrder`, which columns were ever seen to depend, and whether it was said."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = tuple(columns)
        self._order = LiveOrder(columns)
        self._independent = np.array([c.independent for c in columns])
        self._ever = np.zeros(len(columns), np.bool_)
        self._said = np.zeros((), np.bool_)
        self.limit = float(max(LEAST, SHARE * len(columns)))

    def see(self, index: Ints) -> None:
        """(n, d) bins of the next rows."""
        if self._said or not self._order.see(index):
            return
        self._ever |= self._order.dependent() & self._independent

    def told(self, batch: Batch, reference: Reference, detector: str) -> list[Finding]:
        if self._said or self._ever.sum() < self.limit:
            return []
        self._said = np.ones((), np.bool_)
        return [self._finding(batch, reference, detector)]

    @property
    def said(self) -> bool:
        return bool(self._said)

    def allowed(self, changes: Sequence[Change]) -> list[Change]:
        """None, once it is known that rows are worth less than they were taken for, and nobody knows how much."""
        return [] if self._said else list(changes)

    def _finding(self, batch: Batch, reference: Reference, detector: str) -> Finding:
        names = tuple(self._columns[int(i)].name for i in np.flatnonzero(self._ever))
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        time = float(batch.times[-1])
        return Finding(
            kind="drift.order",
            detector=detector,
            title="Order unlike the reference's",
            summary=f"{', '.join(names[:NAMED])}{more}: rows follow each other where the reference's did not, as if it had been "
            "shuffled; fit it in the order of serving, with times. Until then drift is told by the day, or not at all",
            severity=Severity.LOW,
            score=float(len(names)),
            threshold=self.limit,
            model=batch.model,
            time=time,
            first_seen=float(min(time, batch.times[0])),
            count=batch.n_rows,
            call=int(batch.calls[-1]),
            subject=tuple(sorted(names)),
            evidence={"features": names[:LISTED], "n_features": len(names), **about(reference)},
        )

    def snapshot(self) -> State:
        return self._order.snapshot() | {"order.ever": self._ever.copy(), "order.said": self._said.copy()}

    def restore(self, state: State) -> None:
        self._order.restore(state)
        self._ever, self._said = np.array(state["order.ever"], np.bool_), np.array(state["order.said"], np.bool_)
