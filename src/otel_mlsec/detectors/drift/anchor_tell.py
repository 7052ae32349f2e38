"""What differs from a reference without days, in words and numbers."""

from __future__ import annotations

from collections.abc import Sequence

from otel_mlsec.detectors.drift.tell import LISTED, NAMED, about
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Batch
from otel_mlsec.reference.reference import Reference

LEARNED = 14


def told(
    batch: Batch, row: int, names: Sequence[str], distances: Sequence[float], off: Sequence[float], *, days: int,
    since_start: bool, moves: bool, first: float, spread: float, threshold: float, reference: Reference,
) -> Finding:  # fmt: skip
    """`off`: of the means of days, in sd of a row; `spread`: of the first, learned; the largest first."""
    said = [
        f"{name}{f' {by:+.2g} sd' if by else ''}, JS {size:.2f}" for name, by, size in zip(names, off, distances, strict=True)
    ]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    how = (
        "moves more from day to day than the reference's rows do" if moves
        else f"differs from the reference since the start, {days} days ago" if since_start
        else f"left the reference after {days} days"
    )  # fmt: skip
    time = float(batch.times[row])
    return Finding(
        kind="drift.anchor",
        detector="drift/anchor",
        title="Unlike the reference",
        summary=f"{how}: {'; '.join(said[:NAMED])}{more}",
        severity=Severity.MEDIUM,
        score=threshold,
        threshold=threshold,
        model=batch.model,
        time=time,
        first_seen=min(time, first) if since_start else time,
        count=max(1, batch.n_rows),
        call=int(batch.calls[row]),
        subject=tuple(sorted(names)),
        evidence={
            "features": tuple(names[:LISTED]),
            "n_features": len(names),
            "js_distance": distances[0],
            "shift_sd": off[0],
            "days": days,
            "days_learned": LEARNED if spread else 0,
            "spread_learned": spread,
            "effects": tuple(said[:LISTED]),
            **about(reference),
        },
    )
