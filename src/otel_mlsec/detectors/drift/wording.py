"""A fact in words: its kind, its line, how bad it is if true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otel_mlsec.detectors.drift.limits import Word
from otel_mlsec.detectors.drift.tell import LISTED, about
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Batch
from otel_mlsec.reference.reference import Reference

N_WORDS = len(Word)
STUCK, REPEATED = N_WORDS, N_WORDS + 1  # said of a run of rows and of whole rows, not of single values
SAYS = {
    Word.UNSEEN: ("drift.unseen", "Value never seen", "values never in the reference"),
    Word.MISSING: ("drift.missing", "Values missing", "missing"),
    Word.GONE: ("drift.column_gone", "Column gone", "absent"),
    Word.TYPE: ("drift.type", "Type changed", "of another type than in the reference"),
    Word.INFINITE: ("drift.infinite", "Infinite values", "infinite"),
    Word.RANGE: ("drift.range", "Out of range", "more than a whole range beyond the reference's extremes"),
    STUCK: ("drift.stuck", "Feed stuck", "one value all the time"),
    REPEATED: ("drift.repeated", "Rows repeated", "rows that were asked before, among the last 256"),
}
IN_LINE = 5  # columns that the line names; the evidence lists up to LISTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Of what is said, in the column where it is worst."""

    rows: int  # of the cycle
    share: float  # of the rows since the first such one
    since: float  # s since the epoch; infinite where there is none in this cycle
    limit: float  # rows; infinite where the column can no longer reach it


def severity(word: int, extent: Extent) -> Severity:
    if word in (STUCK, REPEATED):
        return Severity.HIGH
    if word == Word.RANGE:  # a storm is out of range as well
        return Severity.HIGH if extent.share > 0.3 else Severity.MEDIUM
    return Severity.CRITICAL if extent.share > 0.3 else Severity.HIGH if extent.share > 0.05 else Severity.MEDIUM


def fact(
    batch: Batch, row: int, *, detector: str, word: int, names: tuple[str, ...], extent: Extent, status: Status,
    severity: Severity, reference: Reference,
) -> Finding:  # fmt: skip
    kind, title, words = SAYS[word]
    time = float(batch.times[row])
    more = f" and {len(names) - IN_LINE} more" if len(names) > IN_LINE else ""
    subject = f"{', '.join(names[:IN_LINE])}{more}: " if names else ""
    gone = status is Status.RESOLVED
    limit = extent.limit if np.isfinite(extent.limit) else float(extent.rows)
    return Finding(
        kind=kind,
        detector=detector,
        title=title,
        summary=f"{subject}{words}: no more" if gone else f"{subject}{words}, {100 * extent.share:.3g} % of rows",
        severity=severity,
        score=limit if gone else max(float(extent.rows), limit),
        threshold=limit,
        model=batch.model,
        time=time,
        first_seen=time if gone or not np.isfinite(extent.since) else extent.since,
        count=extent.rows,
        status=status,
        call=int(batch.calls[row]),
        subject=tuple(sorted(names)),
        evidence={
            "features": names[:LISTED], "n_features": len(names), "rows": extent.rows, "share": extent.share, **about(reference),
        },
    )  # fmt: skip
