"""Principals about whom something has been told, each with an incident of his own; and what is said of one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from otel_mlsec.arrays import Masks
from otel_mlsec.detector import State
from otel_mlsec.detectors.extraction.accounts import RARE, Accounts, Look, first_rows
from otel_mlsec.detectors.incident import Incident, packed, unpacked
from otel_mlsec.finding import Status
from otel_mlsec.observation import Batch

MAX_OPEN = 512  # principals; of more, the one that was silent for the longest is forgotten, and told again if he returns


class Suspects:
    """State: an incident each, at most 512."""

    def __init__(self) -> None:
        self._open: dict[str, Incident] = {}

    def __contains__(self, who: str) -> bool:
        return who in self._open

    def __len__(self) -> int:
        return len(self._open)

    def due(self, batch: Batch, look: Look, wanted: Masks) -> list[tuple[int, int, Status]]:
        """Slots of which something is to be told, with the place in the look of the row that decided."""
        found: list[tuple[int, int, Status]] = []
        for slot, place in first_rows(look, wanted):
            time = float(batch.times[look.rows[place]])
            incident = self._of(look.accounts.name(slot), time)
            incident.add(int((wanted & (look.slots == slot)).sum()), time)
            status = incident.due(time)
            if status is not None:
                incident.told(time)
                found.append((slot, place, status))
        return found

    def over(self, batch: Batch) -> list[str]:
        """Principals from whom nothing has come for an hour; they are forgotten."""
        time = float(batch.times[-1])
        over = [who for who, incident in self._open.items() if incident.over(time)]
        for who in over:
            del self._open[who]
        return over

    def _of(self, who: str, time: float) -> Incident:
        if who not in self._open:
            if len(self._open) >= MAX_OPEN:
                del self._open[min(self._open, key=lambda name: self._open[name].last)]
            self._open[who] = Incident(name=who, began=time, last=time)
        return self._open[who]

    def snapshot(self) -> State:
        return packed(list(self._open.values()))

    def restore(self, state: State) -> None:
        self._open = {incident.name: incident for incident in unpacked(state)}


def indicators(accounts: Accounts, slot: int) -> Mapping[str, float | int]:
    """What speaks against a principal, as shares of his rows, 0.05 each of ordinary ones; and how far they lie apart."""
    table = accounts.table
    n = max(int(table["rows"][slot]), 1)
    novel, boundary, outlying = (table["rare"][slot] / n).tolist()
    return {
        "rows": n,
        "novel_share": float(novel),
        "boundary_share": float(boundary),
        "class_outlier_share": float(outlying),
        "expected_share": RARE,
        "spread": float(accounts.spread(np.array([slot]))[0]),
        "label_changes": int(table["flips"][slot]),
        "log_evidence_novel": float(table["m"][slot][0]),
        "log_evidence_boundary": float(table["m"][slot][1]),
        "log_evidence_class": float(table["m"][slot][2]),
        "duration_s": max(0.0, float(np.nan_to_num(table["last"][slot] - table["first"][slot], posinf=0.0, neginf=0.0))),
    }
