"""What a manager reads: the verdict, what changed since when and how badly, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from otel_mlsec.cli.report.advice import actions
from otel_mlsec.cli.report.result import Case, Compared, Performance, Result
from otel_mlsec.cli.report.words import count, listed, name, number, share, when
from otel_mlsec.finding import Severity

LINES = 8
FEW = 5  # times that are counted
MUCH = {
    Severity.LOW: "slightly", Severity.MEDIUM: "noticeably", Severity.HIGH: "strongly", Severity.CRITICAL: "very strongly",
}  # fmt: skip
STEADY = 0.01  # change of an accuracy or error rate that is not worth a word


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Of one change."""

    severity: Severity
    text: str
    since: str
    open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    verdict: str
    detail: str
    severity: Severity | None
    lines: tuple[Line, ...]
    more: int  # changes beyond those in `lines`
    actions: tuple[str, ...]


def summary(result: Result) -> Summary:
    lines = tuple(
        Line(severity=case.severity, text=plain(case, result), since=period(case, result), open=case.open)
        for case in result.cases[:LINES]
    )
    return Summary(
        verdict=_verdict(result),
        detail=_detail(result),
        severity=result.worst,
        lines=lines,
        more=max(0, len(result.cases) - LINES),
        actions=actions(result),
    )


def period(case: Case, result: Result) -> str:
    first, last = case.episodes[0], case.episodes[-1]
    if len(case.episodes) > 1:
        now = f"last since {when(result, last.since)}" if last.until is None else f"over by {when(result, last.until)}"
        often = f"{len(case.episodes)} times" if len(case.episodes) <= FEW else "again and again"
        return f"{often} since {when(result, first.since)}, {now}"
    if last.until is None:
        return f"since {when(result, first.since)}"
    return f"since {when(result, first.since)}, over by {when(result, last.until)}"


def plain(case: Case, result: Result) -> str:
    """One change in plain words; its numbers are beside the feature."""
    names = listed(case.features)
    words: dict[str, Callable[[], str]] = {
        "drift.unseen": lambda: f"{names}: values that the model's reference never had",
        "drift.missing": lambda: f"{names}: values are missing far more often than before",
        "drift.column_gone": lambda: f"{names}: no longer recorded at all",
        "drift.type": lambda: f"{names}: values are of another type than before",
        "drift.infinite": lambda: f"{names}: infinite values",
        "drift.range": lambda: f"{names}: values far outside everything the reference had",
        "drift.stuck": lambda: f"{names}: the same value all the time, as if a feed had stopped",
        "drift.repeated": lambda: "the same rows were asked again and again",
        "drift.joint": lambda: f"{names}: no longer go together as they did, though each alone may look as before",
        "drift.concept": lambda: f"the model {_error(case, result)}",
        "drift.performance": lambda: f"the model's own scores say that {_expected(case)}",
        "drift.prediction": lambda: f"{names}: the model answers differently",
    }
    said = words.get(case.kind)
    return said() if said is not None else _shifted(case, result)


def _shifted(case: Case, result: Result) -> str:
    by_name = {each.column.name: each for each in result.columns}
    return "; ".join(_moved(by_name[each]) for each in case.features[:3] if each in by_name) + (
        f"; and {len(case.features) - 3} more" if len(case.features) > 3 else ""
    )


def _moved(each: Compared) -> str:
    said = name(each.column.name)
    size = each.effect
    if size is None or not each.column.numeric or abs(size.shift_sd) < 0.05 or size.missing > 0.5:
        return f"{said}: values are distributed differently"
    if size.looks_like:
        return f"{said}: values are as if {size.looks_like}"
    way = "higher" if size.shift > 0 else "lower"
    return f"{said}: {way} than before, on average {number(each.column.mean + size.shift)} instead of {number(each.column.mean)}"


def _error(case: Case, result: Result) -> str:
    """In the worst of its episodes."""
    if case.measure != "error":
        size = f": a loss of {number(case.after)} instead of {number(case.before)}" if case.measure else ""
        return f"errs differently than it did in the reference{size}"
    now, before = share(case.after), share(case.before)
    if case.open and len(case.episodes) == 1:
        return f"is wrong in {now} of its answers instead of {before}"
    whole = f"; over all rows in {share(result.measured.after)}" if result.measured is not None else ""
    return f"was for a time wrong in {now} of its answers instead of {before}{whole}"


def _expected(case: Case) -> str:
    if not case.measure:
        return "it is right less often"
    return f"it is right in {share(case.after)} of its answers instead of {share(case.before)}"


def _verdict(result: Result) -> str:
    if result.worst is None:
        return "Nothing changed that matters."
    still = [case for case in result.cases if case.open]
    if not still:
        return "Something changed for a time, and everything is back to the reference."
    worst = max(case.severity for case in still)
    of_model = any(case.kind in ("drift.concept", "drift.performance") for case in still)
    said = f"The data have changed {MUCH[worst]} since the model's reference was made"
    return f"{said}, and the model's answers are worth less." if of_model and _worse(result) else f"{said}."


def _worse(result: Result) -> bool:
    return any(
        known is not None and known.before is not None and (known.after - known.before) * sign > STEADY
        for known, sign in ((result.measured, 1), (result.estimated, -1))
    )


def _detail(result: Result) -> str:
    inputs = [each for each in result.columns if not each.output]
    changed = [each for each in inputs if each.cases]
    if not changed:
        said = f"None of {count(len(inputs), 'feature')} differs from the reference by more than its usual ups and downs."
    else:
        first = min(case.since for case in result.cases)
        differ = "differs" if len(changed) == 1 else "differ"
        said = f"{len(changed)} of {count(len(inputs), 'feature')} {differ}; the first change began {_at(result, first)}."
    return " ".join([said, *filter(None, [_sentence(result.measured), _sentence(result.estimated)])])


def _at(result: Result, time: float) -> str:
    return f"on {when(result, time)}" if result.timed else f"at {when(result, time)}"


def _sentence(known: Performance | None) -> str:
    if known is None:
        return ""
    error = known.measure == "mean absolute error"
    now, before = (number(known.after), number(known.before or 0)) if error else (share(known.after), share(known.before or 0))
    beside = f" (reference: {before})" if known.before is not None else ""
    if known.measure == "expected accuracy":
        return f"Without labels, {now} of the answers are expected to be right{beside}."
    return f"By the labels, the {known.measure} is {now}{beside}."
