"""A change in words and numbers that a person can check: names of columns, sizes in their own units, never a value."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from otel_mlsec.detectors.drift.change import Change
from otel_mlsec.detectors.drift.effect import Effect
from otel_mlsec.finding import Evidence, Finding, Status
from otel_mlsec.observation import Batch
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.order import MARGIN
from otel_mlsec.reference.reference import Reference

NAMED = 3  # columns in the line; the evidence lists up to LISTED
LISTED = 32
GONE = 0.1  # change of the share of missing values from which on it is said


def told(
    batch: Batch, change: Change, *, kind: str, detector: str, title: str, columns: Sequence[Column], threshold: float,
    reference: Reference, words: Callable[[Effect], str] | None = None,
) -> Finding:  # fmt: skip
    """`words`: of one effect; where it is left out, those of a column that changed by itself."""
    say = words or usual
    named = [columns[i] for i in change.columns]
    worst = change.effects[0]
    return Finding(
        kind=kind,
        detector=detector,
        title=title,
        summary=_line(change, say),
        severity=change.severity,
        score=float(change.score),
        threshold=float(threshold),
        model=batch.model,
        time=float(batch.times[change.row]),
        first_seen=min(effect.since for effect in change.effects),
        count=max(effect.rows for effect in change.effects),
        status=change.status,
        call=int(batch.calls[change.row]),
        subject=tuple(sorted(column.name for column in named)),
        evidence={
            "features": tuple(effect.column for effect in change.effects[:LISTED]),
            "n_features": len(change.effects),
            "js_distance": worst.distance,
            "js_distance_low": worst.low,
            "js_distance_high": worst.high,
            "shift": float(worst.shift),
            "shift_sd": float(worst.shift_sd),
            "effects": tuple(say(effect) for effect in change.effects[:LISTED]),
            "judged": tuple(_judged(column) for column in named[:LISTED]),
            **({"importance": worst.importance} if worst.importance is not None else {}),
            **about(reference),
        },
    )


def about(reference: Reference) -> Evidence:
    """Which reference a finding rests on, and how much that is worth."""
    if not reference.provisional:
        return {"reference": "fitted", "reference_rows": reference.n_rows}
    return {
        "reference": "provisional",
        "reference_rows": reference.n_rows,
        "reference_principals": reference.principals,
        "reference_largest_share": reference.largest_share,
    }


def _line(change: Change, say: Callable[[Effect], str]) -> str:
    gone = change.status is Status.RESOLVED
    words = ", ".join(effect.column if gone else say(effect) for effect in change.effects[:NAMED])
    more = f" and {len(change.effects) - NAMED} more" if len(change.effects) > NAMED else ""
    return f"{'back to the reference: ' if gone else ''}{words}{more}"


def usual(effect: Effect) -> str:
    """Of a column that has gone missing, that; a shift is of the numbers that are left, where these are most."""
    left = abs(effect.shift_sd) >= 0.05 and effect.missing <= 0.5
    least = "at least " if effect.clipped else ""
    shift = f" {least}{effect.shift_sd:+.2g} sd ({effect.shift:+.3g})" if left else ""
    if abs(effect.missing - effect.missing_before) >= GONE:
        shift = f" missing {effect.missing_before:.0%} -> {effect.missing:.0%} of rows{',' if left else ''}{shift}"
    looks = f", roughly as if {effect.looks_like}," if effect.looks_like else ""
    return f"{effect.column}{shift}{looks} JS {effect.distance:.2f} [{effect.low:.2f}, {effect.high:.2f}]"


def _judged(column: Column) -> str:
    if column.independent:
        return f"{column.name}: row by row"
    return f"{column.name}: evidence divided by {MARGIN * column.variance_inflation:.3g}"
