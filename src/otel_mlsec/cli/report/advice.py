"""What a person may do about what was found."""

from __future__ import annotations

from otel_mlsec.cli.report.result import Result
from otel_mlsec.cli.report.words import listed

FAULTS = frozenset({"drift.column_gone", "drift.missing", "drift.stuck", "drift.type", "drift.infinite"})
SHIFTS = frozenset({"drift.data", "drift.cycle", "drift.joint", "drift.prediction", "drift.performance"})
FEEDS = (
    "Have whoever delivers the data look at the feeds that are missing, stuck or of another type: those are faults of the data, "
    "not trends."
)
REPEATED = "Find out who sends the same rows again: a retry loop, or somebody who probes the model."
UNSEEN = "The model has never learned the new values; do not rely on its answers to those rows until it is trained with them."
RETRAIN = "Train the model anew with recent labels: what it learned holds less than it did."
LABEL = (
    "Label some hundreds of recent rows and compare the model's errors with before: a shift of the data alone does not say "
    "whether it still answers well."
)
RENEW = (
    "If the change is expected, as a season is, have a clean recent period reviewed and make it the new reference "
    "(otel-mlsec reference update)."
)


def actions(result: Result) -> tuple[str, ...]:
    """By kinds of what is there at the end."""
    kinds = {case.kind for case in result.cases if case.open}
    units = tuple(each.column.name for each in result.columns if each.open and each.effect is not None and each.effect.looks_like)
    of_labels = "drift.concept" in kinds
    advice = (
        (bool(kinds & FAULTS), FEEDS),
        (bool(units), f"Check the unit of {listed(units)}: the values look converted."),
        ("drift.repeated" in kinds, REPEATED),
        (bool(kinds & {"drift.unseen", "drift.range"}), UNSEEN),
        (of_labels, RETRAIN),
        (bool(kinds & SHIFTS) and not of_labels, LABEL),
        (bool(kinds & {"drift.data", "drift.cycle"}) and not of_labels, RENEW),
    )
    return tuple(said for holds, said in advice if holds) or ("Nothing needs to be done.",)
