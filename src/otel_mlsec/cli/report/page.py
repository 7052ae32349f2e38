"""The report as one HTML file: nothing is loaded from elsewhere, nothing in it runs, and all that was recorded is text."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable
from html import escape
from importlib.resources import files

from otel_mlsec.cli.report import method, sections
from otel_mlsec.cli.report.drawing import Drawing
from otel_mlsec.cli.report.result import Result
from otel_mlsec.cli.report.summary import Summary, summary
from otel_mlsec.cli.report.words import count, name, share, when
from otel_mlsec.cli.safe import safe

TITLE = 200  # characters
Draw = Callable[[str], None]  # told what is drawn


def page(result: Result, *, title: str, max_features: int, drawn: Draw = lambda _: None) -> str:
    """`max_features` columns are drawn, the most changed; the others stand in the table."""
    style = (files("otel_mlsec.cli.report") / "style.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    shown = escape(safe(title, TITLE))
    drawing = Drawing(result)
    said = summary(result)
    body = "\n".join(
        [
            f"<header><h1>{shown}</h1>{_subtitle(result, title)}{_contents(result)}</header>",
            _verdict(said),
            _tiles(result),
            _two(said),
            sections.timeline(result, drawing),
            sections.performance(result, drawing),
            sections.features(result, drawing, max_features, drawn),
            sections.table(result, max_features),
            sections.quality(result),
            method.section(result),
        ]
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">'
        f'<meta name="color-scheme" content="light dark"><title>{shown}</title><style>{style}</style></head>\n'
        f'<body><a class="skip" href="#features">To the features</a><main>\n{body}\n</main></body></html>\n'
    )


def _subtitle(result: Result, title: str) -> str:
    model = f"{result.model.name} {result.model.version}".strip()
    of = f"Model {name(model)}. " if model and model not in title else ""
    span = f"{result.n_rows:,} rows in the order of the file"
    if result.timed:
        span = f"{when(result, result.first)} to {when(result, result.last)}"
    learned = "a provisional reference" if result.provisional else "a reference"
    return (
        f'<p class="sub">{escape(of)}{escape(span)}, compared with {learned} of {result.reference_rows:,} rows'
        f"{_cycles(result)}.</p>"
    )


def _cycles(result: Result) -> str:
    return f" from {count(result.reference_cycles, 'day')}" if result.reference_timed else ""


def _contents(result: Result) -> str:
    links = [("#features", "Features"), ("#table", "All columns"), ("#quality", "Data quality"), ("#method", "Method and limits")]
    if result.measured or result.estimated:
        links.insert(0, ("#performance", "Performance"))
    return '<nav class="in" aria-label="Contents">' + "".join(f'<a href="{to}">{word}</a>' for to, word in links) + "</nav>"


def _verdict(said: Summary) -> str:
    level = said.severity.name.lower() if said.severity is not None else ""
    return f'<section class="card verdict {level}"><strong>{escape(said.verdict)}</strong><p>{escape(said.detail)}</p></section>'


def _tiles(result: Result) -> str:
    inputs = [each for each in result.columns if not each.output]
    worst = result.worst
    tiles = [
        (f"{result.n_rows:,}", "rows read"),
        (f"{sum(1 for each in inputs if each.cases)} of {len(inputs)}", "features changed"),
        (worst.name.capitalize() if worst is not None else "None", "worst severity"),
    ]
    if result.measured is not None and result.measured.measure == "error rate":
        before = f" (reference {share(result.measured.before)})" if result.measured.before is not None else ""
        tiles.append((share(result.measured.after), f"error rate by {count(result.labelled, 'label')}{before}"))
    if result.estimated is not None:
        before = f" (reference {share(result.estimated.before or 0)})"
        tiles.append((share(result.estimated.after), f"expected accuracy, without labels{before}"))
    if result.absent:
        tiles.append((f"{len(result.absent):,}", "columns missing from a file"))
    shown = "".join(f'<div class="tile"><b>{escape(number)}</b><span>{escape(word)}</span></div>' for number, word in tiles)
    return f'<section class="tiles">{shown}</section>'


def _two(said: Summary) -> str:
    lines = _items(
        f'<li><span class="badge {line.severity.name.lower()}">{line.severity.name}</span><div>{escape(line.text)}'
        f"<small>{escape(line.since)}</small></div></li>"
        for line in said.lines
    )
    more = f'<p class="note">and {count(said.more, "further change")}, below.</p>' if said.more else ""
    changed = f'<ul class="plain">{lines}</ul>{more}' if lines else "<p>No change was found.</p>"
    actions = _items(f"<li>{escape(action)}</li>" for action in said.actions)
    return (
        f'<div class="two"><section class="card"><h2>What changed</h2>{changed}</section>'
        f'<section class="card"><h2>What to do</h2><ol>{actions}</ol></section></div>'
    )


def _items(lines: Iterable[str]) -> str:
    return "".join(lines)
