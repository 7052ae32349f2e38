"""A fall of the expected accuracy in words and numbers, with what it rests on."""

from __future__ import annotations

import math
from dataclasses import dataclass

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.detectors.drift.concept_effect import NORMAL_90, rate_severity
from otel_mlsec.detectors.drift.tell import about
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Batch
from otel_mlsec.reference.reference import Reference

KIND, DETECTOR, TITLE = "drift.performance", "drift/performance", "Expected accuracy fell"
WORST = Severity.HIGH  # an estimate that rests on an assumption is never CRITICAL
ASSUMES = "estimated from scores, assuming that what a score means has not changed; cannot see concept drift"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    status: Status
    severity: Severity
    before: float  # expected accuracy of the reference's rows
    after: float
    low: float  # 90 % interval, of the sampling of rows alone
    high: float
    auc: float | None
    rows: int
    since: float  # s since the epoch
    score: float
    threshold: float

    @classmethod
    def of(
        cls, before: float, counts: Ints, correct: Floats, *, worth: float, auc: float | None, status: Status,
        severity: Severity | None, score: float, threshold: float, since: float,
    ) -> Fall:  # fmt: skip
        """From (b,) counts since the fall, worth `worth` independent rows."""
        rows = max(1, int(counts.sum()))
        after = float(counts @ correct) / rows
        half = NORMAL_90 * math.sqrt(float(counts @ (correct - after) ** 2) / rows / max(worth, 1.0))
        low, high = max(0.0, after - half), min(1.0, after + half)
        found = min(WORST, rate_severity(before - high, 1 - before)) if severity is None else severity
        return cls(
            status=status, severity=found, before=before, after=after, low=low, high=high, auc=auc, rows=rows, since=since,
            score=score, threshold=threshold,
        )  # fmt: skip


def told(batch: Batch, row: int, fall: Fall, *, reference: Reference) -> Finding:
    time = float(batch.times[row])
    calibration = reference.calibration
    auc = {} if fall.auc is None else {"auc": fall.auc}
    start = {Status.RESOLVED: "back to the reference: ", Status.ONGOING: "worse: "}.get(fall.status, "")
    return Finding(
        kind=KIND,
        detector=DETECTOR,
        title=TITLE,
        summary=f"{start}accuracy {fall.before:.1%} -> {fall.after:.1%} [{fall.low:.1%}, {fall.high:.1%}] of {fall.rows:,} rows, "
        f"{ASSUMES}",
        severity=fall.severity,
        score=max(min(fall.score, 1e12), fall.threshold),
        threshold=fall.threshold,
        model=batch.model,
        time=time,
        first_seen=min(fall.since, time),
        count=fall.rows,
        status=fall.status,
        call=int(batch.calls[row]),
        subject=("accuracy",),
        evidence={
            "before": fall.before, "after": fall.after, "after_low": fall.low, "after_high": fall.high, "rows": fall.rows, **auc,
            "assumes": ASSUMES, "reference_labels": calibration.n_labelled if calibration is not None else 0, **about(reference),
        },
    )  # fmt: skip
