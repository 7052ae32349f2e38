"""A change by the cycle in words and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from otel_mlsec.detectors.drift.tell import LISTED, NAMED, about
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Batch
from otel_mlsec.reference.cycle_statistics import SAYS, Word
from otel_mlsec.reference.reference import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One column, over the last seven cycles."""

    column: str
    word: Word
    numeric: bool
    spreads: float  # how far the statistic is off, in spreads of the reference's cycles; of a rare one ±3
    rare: bool
    distance: float  # Jensen–Shannon, over the last seven cycles
    usual: float  # the same of seven of the reference's cycles
    beyond: float  # what is left of it when what is usual is taken off
    shift: float  # of the mean, in the column's unit; 0 for categories
    shift_sd: float  # of a row
    rows: int
    since: float  # s since the epoch


def told(
    batch: Batch, row: int, moved: Sequence[Moved], *, kind: str, detector: str, status: Status, severity: Severity,
    score: float, threshold: float, reference: Reference, promise: str,
) -> Finding:  # fmt: skip
    """`moved`: at least one, all of one word, the largest first."""
    worst, gone = moved[0], status is Status.RESOLVED
    time = float(batch.times[row])
    names = tuple(each.column for each in moved)
    line = ", ".join(each.column if gone else _words(each, reference) for each in moved[:NAMED])
    more = f" and {len(moved) - NAMED} more" if len(moved) > NAMED else ""
    return Finding(
        kind=kind,
        detector=detector,
        title="Data drift",
        summary=f"{'back to the reference: ' if gone else ''}{line}{more}",
        severity=severity,
        score=threshold if gone else max(score, threshold),
        threshold=threshold,
        model=batch.model,
        time=time,
        first_seen=time if gone else min([time, *(each.since for each in moved)]),
        count=max(1, *(each.rows for each in moved)),
        status=status,
        call=int(batch.calls[row]),
        subject=tuple(sorted(names)),
        evidence={
            "features": names[:LISTED],
            "n_features": len(names),
            "js_distance": worst.distance,
            "js_distance_low": worst.beyond,
            "js_distance_high": worst.distance,
            "js_distance_usual": worst.usual,
            "shift": worst.shift,
            "shift_sd": worst.shift_sd,
            "shift_cycles": worst.spreads,
            "effects": tuple(_words(each, reference) for each in moved[:LISTED]),
            "judged": (promise,),
            "reference_cycles": reference.n_cycles,
            **about(reference),
        },
    )


def _words(moved: Moved, reference: Reference) -> str:
    unit = "day" if reference.timed else "cycle"
    size = f"beyond every {unit} of the reference" if moved.rare else f"{moved.spreads:+.2g} {unit}-sd"
    shift = f" ({moved.shift:+.3g})" if moved.numeric and moved.word is Word.MEAN else ""
    return f"{moved.column}: {SAYS[moved.word]} {size}{shift}, JS {moved.distance:.2f} (usual {moved.usual:.2f})"
