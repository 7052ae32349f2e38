"""The report for machines: `schema.json` says what is in it; names there are not changed, only added to."""

from __future__ import annotations

import math
from typing import Any

from otel_mlsec.cli.report.result import Case, Compared, Performance, Result
from otel_mlsec.cli.report.sections import sentence
from otel_mlsec.cli.report.summary import summary
from otel_mlsec.cli.report.words import strange

SCHEMA = "otel-mlsec/report/1"


def document(result: Result) -> dict[str, Any]:
    """Plain values; no value of a feature but means, and no NaN."""
    said = summary(result)
    return {
        "schema": SCHEMA,
        "model": {"name": result.model.name, "version": result.model.version},
        "verdict": {
            "severity": _severity(result.worst), "text": said.verdict, "detail": said.detail, "actions": list(said.actions),
        },
        "data": {
            "files": list(result.files), "rows": result.n_rows, "timed": result.timed, "first": result.first, "last": result.last,
            "missing_columns": list(result.absent), "extra_columns": list(result.left_out), "malformed_lines": result.malformed,
            "rows_without_time": result.untimed, "rows_backwards": result.backwards,
        },
        "reference": {
            "rows": result.reference_rows, "cycles": result.reference_cycles, "timed": result.reference_timed,
            "created": result.reference_created, "provisional": result.provisional,
        },
        "detectors": list(result.judged),
        "findings": [_case(case) for case in result.cases],
        "findings_not_kept": result.more_findings,
        "slices": {"starts": result.slices.tolist(), "width": result.width},
        "columns": [_column(result, each) for each in result.columns],
        "performance": {"measured": _performance(result.measured), "estimated": _performance(result.estimated)},
        "labels": result.labelled,
    }  # fmt: skip


def _case(case: Case) -> dict[str, Any]:
    return {
        "kind": case.kind, "detector": case.detector, "title": case.title, "severity": case.severity.name,
        "summary": case.summary,
        "subject": list(case.subject), "features": list(case.features),
        "first_seen": case.since, "open": case.open,
        "episodes": [
            {"since": e.since, "since_row": e.since_row, "found": e.told, "found_row": e.told_row, "until": e.until}
            for e in case.episodes
        ],
    }  # fmt: skip


def _column(result: Result, each: Compared) -> dict[str, Any]:
    size = each.effect
    return {
        "name": each.column.name,
        "role": "answer" if each.output else "feature",
        "kind": "number" if each.column.numeric else "category",
        "severity": _severity(each.severity),
        "text": sentence(result, each),
        "since": each.since,
        "until": each.until,
        "rows": size.rows if size is not None else 0,
        "distance": _finite(size.distance) if size is not None else None,
        "distance_low": _finite(size.low) if size is not None else None,
        "distance_high": _finite(size.high) if size is not None else None,
        "mean_before": _finite(each.column.mean) if each.column.numeric else None,
        "mean": _finite(each.column.mean + size.shift) if each.column.numeric and size is not None else None,
        "shift_sd": _finite(size.shift_sd) if each.column.numeric and size is not None else None,
        "looks_like": size.looks_like if size is not None else "",
        "importance": size.importance if size is not None else None,
        "usual_distance": each.usual,
        "distances": [_finite(value) for value in each.distances.tolist()],
        "shares": {word: {"before": before, "now": now} for word, (before, now) in strange(each).items()},
        "bins": {"before": each.column.counts.tolist(), "now": each.counts.tolist()},
    }


def _performance(known: Performance | None) -> dict[str, Any] | None:
    if known is None:
        return None
    return {
        "measure": known.measure, "before": known.before, "now": _finite(known.after), "auc": known.auc,
        "by_slice": [_finite(value) for value in known.by_slice.tolist()], "rows_by_slice": known.rows.tolist(),
        "classes": list(known.classes), "confusion": known.confusion.tolist(),
    }  # fmt: skip


def _severity(level: Any) -> str | None:
    return level.name if level is not None else None


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
