"""Errors before and after in words and numbers; slices by their position, never by a value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otel_mlsec.detectors.drift.bets import BETTER
from otel_mlsec.detectors.drift.concept_baseline import Baseline
from otel_mlsec.detectors.drift.concept_charts import LOSS
from otel_mlsec.detectors.drift.concept_effect import Effect
from otel_mlsec.detectors.drift.tell import LISTED, NAMED, about
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Outcomes
from otel_mlsec.reference.reference import Reference

KIND, TITLE = "drift.concept", "Concept drift"
MOST_COVERED = 0.8  # share of the predictions whose label is known, below which it is said that the first labels are not the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Of all rows, or of slices while all rows together are as they were."""

    status: Status
    side: int
    effects: tuple[Effect, ...]  # what was blamed, all rows first, then by evidence
    severity: Severity
    score: float
    time: float  # s since the epoch, when the label that decided was told
    beside: tuple[Effect, ...] = ()  # the error, where only the loss was blamed
    confusions: tuple[str, ...] = ()  # of classes, the most changed first


def told(
    outcomes: Outcomes, row: int, change: Change, baseline: Baseline, reference: Reference, *, detector: str, threshold: float,
    method: str,
) -> Finding:  # fmt: skip
    sliced = tuple(sorted(effect.name for effect in change.effects if effect.name))
    of_model = any(not effect.name for effect in change.effects)
    better = ("better",) if change.side == BETTER else ()
    since = min(min(effect.since for effect in change.effects), change.time)
    return Finding(
        kind=KIND,
        detector=detector,
        title=TITLE,
        summary=_line(change, baseline, outcomes.coverage),
        severity=change.severity,
        score=max(min(change.score, 1e12), threshold),
        threshold=threshold,
        model=outcomes.model,
        time=change.time,
        first_seen=since,
        count=max(1, *(effect.rows for effect in change.effects)),
        status=change.status,
        call=row,
        subject=("error", *better) if of_model else (*sliced, *better),
        evidence={
            "method": method,
            **{name: value for effect in change.effects[:1] for name, value in _numbers(effect).items()},
            "effects": tuple(_words(effect, baseline) for effect in (*change.effects, *change.beside)[:LISTED]),
            "confusions": change.confusions,
            "slices": sliced[:LISTED],
            "n_slices": len(sliced),
            "features": tuple(dict.fromkeys(effect.feature for effect in change.effects if effect.feature))[:LISTED],
            "coverage": float(np.clip(np.nan_to_num(outcomes.coverage), 0.0, 1.0)),
            "reference_labels": baseline.truth.n_rows,
            **about(reference),
        },
    )


def _numbers(effect: Effect) -> dict[str, float | int | str]:
    return {
        "measure": "loss" if effect.loss else "error",
        "before": effect.before,
        "after": effect.after,
        "after_low": effect.low,
        "after_high": effect.high,
        "labels": effect.rows,
    }


def _line(change: Change, baseline: Baseline, coverage: float) -> str:
    gone = change.status is Status.RESOLVED
    words = ", ".join(_words(effect, baseline) for effect in (*change.effects[:NAMED], *change.beside))
    more = f" and {len(change.effects) - NAMED} more" if len(change.effects) > NAMED else ""
    labels = max(effect.rows for effect in change.effects)
    if gone:
        return f"back to the reference: {words}{more}"
    biased = ""
    if not coverage >= MOST_COVERED:
        known = float(np.clip(np.nan_to_num(coverage), 0.0, 1.0))
        biased = f"; labels of {known:.0%} of these predictions so far, and those that come first may differ from the rest"
    grown = "worse: " if change.status is Status.ONGOING else ""
    return f"{grown}{words}{more} in {labels:,} labels{biased}"


def _words(effect: Effect, baseline: Baseline) -> str:
    where = f"{effect.name}: " if effect.name else ""
    if effect.place == LOSS:
        name = "absolute error" if baseline.regression else "log loss"
        return f"{name} {effect.before:.3g} -> {effect.after:.3g} [{effect.low:.3g}, {effect.high:.3g}]"
    name = "errors beyond what 1 in 10 had" if baseline.regression else "error"
    return f"{where}{name} {effect.before:.1%} -> {effect.after:.1%} [{effect.low:.1%}, {effect.high:.1%}]"
