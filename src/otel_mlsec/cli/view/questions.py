"""What the page asks: incidents by filter, one incident in full, a trace, scores over time, how the agents are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from otel_mlsec.cli.view.store import Store

PAGE: Final = 50  # incidents
RECORDS: Final = 200  # of one incident, the last
SPANS: Final = 500  # of one trace
POINTS: Final = 240  # of one series: more are not seen on a screen
SERIES: Final = 400
ORDERS: Final = {
    "last": "last DESC", "first": "first DESC", "severity": "severity DESC, last DESC", "count": "count DESC, last DESC",
    "model": "model, last DESC", "title": "title, last DESC",
}  # fmt: skip
EXACT: Final = ("worst", "status", "kind", "model", "principal", "service")  # columns that a filter names
OPEN: Final = "open"  # a status that stands for all but resolved


def incidents(store: Store, asked: Mapping[str, str]) -> dict[str, Any]:
    """One page of them, how many there are, and how many of each severity beside that filter."""
    where, values = _filter(asked)
    [total] = store.ask(f"SELECT count(*) AS n FROM incident {where}", values)
    pages = -(-total["n"] // PAGE)
    page = int(number(asked.get("page", ""), most=max(pages - 1, 0)))
    order = ORDERS.get(asked.get("sort", ""), ORDERS["last"])
    rows = store.ask(f"SELECT * FROM incident {where} ORDER BY {order} LIMIT {PAGE} OFFSET {page * PAGE}", values)
    others, beside = _filter({name: value for name, value in asked.items() if name != "worst"})
    severities = store.ask(f"SELECT worst AS name, count(*) AS n FROM incident {others} GROUP BY worst", beside)
    return {
        "incidents": rows, "total": total["n"], "page": page, "pages": pages, "version": store.version,
        "severities": {row["name"]: row["n"] for row in severities}, "choices": _choices(store),
    }  # fmt: skip


def _filter(asked: Mapping[str, str]) -> tuple[str, list[Any]]:
    """Column names are ours; whatever was asked for is a value."""
    parts: list[str] = []
    values: list[Any] = []
    for name in EXACT:
        wanted = asked.get(name, "")
        if name == "status" and wanted == OPEN:
            parts.append("status != 'resolved'")
        elif wanted:
            parts.append(f"{name} = ?")
            values.append(wanted)
    if asked.get("q"):
        pattern = "%" + "".join(f"\\{c}" if c in "%_\\" else c for c in asked["q"][:200]) + "%"
        columns = ("body", "title", "kind", "model", "principal", "detector", "key", "trace")
        parts.append("(" + " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in columns) + ")")
        values += [pattern] * len(columns)
    if since := number(asked.get("since", "")):
        parts.append("last >= ?")
        values.append(since)
    return ("WHERE " + " AND ".join(parts) if parts else ""), values


def number(text: str, *, most: float = 1e12) -> float:
    """What is none is 0."""
    return min(float(text), most) if text.replace(".", "", 1).isdecimal() else 0.0


def _choices(store: Store) -> dict[str, list[str]]:
    """What a filter can be set to."""
    found: dict[str, list[str]] = {}
    for name in ("kind", "model", "service"):
        rows = store.ask(
            f"SELECT {name} AS value FROM incident WHERE {name} != '' GROUP BY {name} ORDER BY max(last) DESC LIMIT 100"
        )
        found[name] = [row["value"] for row in rows]
    return found


def incident(store: Store, key: str) -> dict[str, Any] | None:
    """With its life: the records of it, oldest first."""
    found = store.ask("SELECT * FROM incident WHERE key = ?", [key])
    if not found:
        return None
    records = store.ask(
        "SELECT id, time, word, status, count, body, trace, record FROM finding WHERE key = ?"
        " ORDER BY time DESC, seq DESC LIMIT ?",
        [key, RECORDS],
    )
    life = [{**row, "record": json.loads(row["record"])} for row in reversed(records)]
    return {**found[0], "life": life, "beside": _beside(store, found[0])}


def _beside(store: Store, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What else the same principal did, where it is known."""
    if not row["principal"]:
        return []
    return store.ask(
        "SELECT key, worst, title, model, status, last FROM incident WHERE principal = ? AND key != ?"
        " ORDER BY last DESC LIMIT 10",
        [row["principal"], row["key"]],
    )


def trace(store: Store, identifier: str) -> dict[str, Any]:
    spans = store.ask("SELECT * FROM span WHERE trace = ? ORDER BY start LIMIT ?", [identifier, SPANS])
    findings = store.ask("SELECT key, word, body, time FROM finding WHERE trace = ? ORDER BY time LIMIT 100", [identifier])
    begin = min((span["start"] for span in spans), default=0)
    for span in spans:  # in µs from the beginning of the trace: numbers that JavaScript can hold
        span["attributes"] = json.loads(span["attributes"])
        span["took"] = max(0, span.pop("end") - span["start"]) / 1e3
        span["offset"] = (span.pop("start") - begin) / 1e3
    return {"spans": spans, "findings": findings}


def scores(store: Store, since: float) -> list[dict[str, Any]]:
    """One series a model, detector and feature, the highest first; at most 240 points of each, the last of its interval."""
    rows = store.ask("SELECT min(time) AS first, max(time) AS last FROM score WHERE time >= ?", [since])
    first, last = rows[0]["first"], rows[0]["last"]
    if first is None:
        return []
    step = max((last - first) / POINTS, 1e-9)
    points = store.ask(
        "SELECT model, detector, feature, max(time) AS time, avg(value) AS value FROM score WHERE time >= ?"
        " GROUP BY model, detector, feature, CAST((time - ?) / ? AS INTEGER) ORDER BY time",
        [since, first, step],
    )
    series: dict[tuple[str, str, str], list[list[float]]] = {}
    for point in points:
        series.setdefault((point["model"], point["detector"], point["feature"]), []).append([point["time"], point["value"]])
    highest = sorted(series.items(), key=lambda each: -max(value for _, value in each[1]))[:SERIES]
    marks = store.ask(
        "SELECT model, told AS time, worst, key, body FROM incident WHERE kind LIKE 'drift.%' AND last >= ? LIMIT 500", [since]
    )
    return [
        {
            "model": model, "detector": detector, "feature": feature, "points": line,
            "marks": [mark for mark in marks if mark["model"] == model and feature and feature in mark["body"]],
        }
        for (model, detector, feature), line in highest
    ]  # fmt: skip


def health(store: Store) -> list[dict[str, Any]]:
    """Of each process: the last value of each series."""
    rows = store.ask("SELECT instance, service, name, labels, value, time FROM gauge ORDER BY service, instance, name, labels")
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        new: dict[str, Any] = {"instance": row["instance"], "service": row["service"], "time": 0.0, "series": []}
        one = found.setdefault(row["instance"], new)
        one["time"] = max(one["time"], row["time"])
        one["series"].append({"name": row["name"], "labels": json.loads(row["labels"]), "value": row["value"]})
    return sorted(found.values(), key=lambda one: -one["time"])[:50]
