"""Sections of the page: pictures and tables by column, by answer, and of the data's quality."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from otel_mlsec.cli.report.drawing import TIMELINE, Drawing
from otel_mlsec.cli.report.result import Compared, Performance, Result
from otel_mlsec.cli.report.summary import period
from otel_mlsec.cli.report.words import count, kind, length, name, number, share, strange, when
from otel_mlsec.cli.safe import safe
from otel_mlsec.detectors.drift.effect import hardly_used

OPEN = 3  # features that are unfolded, if they changed
TABLE = 2000  # rows of the table
SENTENCE = 600  # characters
WHOLE = "All columns of the reference are there, of the types that they had, and every line is a row."
CHANGED = 0.005  # of a share of missing or strange values


def timeline(result: Result, drawing: Drawing) -> str:
    inputs = [each for each in result.columns if not each.output]
    if not inputs or len(result.slices) < 2:
        return ""
    beyond = f" The {TIMELINE} most changed of {len(inputs):,}." if len(inputs) > TIMELINE else ""
    keys = "".join(f'<span class="key {step}"></span>{word}' for step, word in (
        ("none", "as usual"), ("medium", "from 0.1"), ("high", "from 0.2"), ("critical", "from 0.4")))  # fmt: skip
    return (
        '<section><h2>When each feature changed</h2><div class="card"><figure><figcaption>Distance from the reference, by '
        f"{length(result)}: {keys}; the bar marks since when a change was found.{beyond}</figcaption>"
        f"{drawing.timeline(inputs)}</figure></div></section>"
    )


def performance(result: Result, drawing: Drawing) -> str:
    parts: list[str] = []
    if result.measured is not None:
        known = result.measured
        note = "" if not result.in_sample else " The reference's is of rows that the model was fitted on, which is too good."
        parts.append(
            f"<figure><figcaption>{escape(known.measure.capitalize())} by {count(result.labelled, 'label')} "
            f"of {result.n_rows:,} rows.{note}</figcaption>{drawing.performance(known)}</figure>{_classes(known)}"
        )
    if result.estimated is not None:
        known = result.estimated
        auc = f", expected AUC {known.auc:.3f}" if known.auc is not None else ""
        parts.append(
            "<figure><figcaption>Expected accuracy from the model's own calibrated scores, without labels"
            f"{auc}. It cannot see that what a score means has changed; only labels tell.</figcaption>"
            f"{drawing.performance(known)}</figure>"
        )
    if not parts:
        return ""
    return f'<section id="performance"><h2>Performance</h2>{"".join(f"<div class=card>{part}</div>" for part in parts)}</section>'


def _classes(known: Performance) -> str:
    if not known.classes:
        return ""
    rows: list[str] = []
    for i, label in enumerate((*known.classes, "any other")):
        true, answered, right = int(known.confusion[i].sum()), int(known.confusion[:, i].sum()), int(known.confusion[i, i])
        if true or answered:
            found = share(right / true) if true else "–"
            exact = share(right / answered) if answered else "–"
            rows.append(_row(escape(name(label)), f"{true:,}", f"{answered:,}", found, exact, n=1))
    head = _head("Class", "rows", "answered", "found (recall)", "right when answered (precision)", n=1)
    return f'<h3>By class</h3><div class="scroll"><table>{head}<tbody>{"".join(rows)}</tbody></table></div>'


def features(result: Result, drawing: Drawing, most: int, drawn: Callable[[str], None]) -> str:
    shown = result.columns[:most]
    parts: list[str] = []
    for place, each in enumerate(shown):
        drawn(each.column.name)
        parts.append(_feature(result, each, drawing, place))
    left = len(result.columns) - len(shown)
    note = f'<p class="note">The {len(shown)} most changed columns; {left:,} more are in the table below.</p>' if left else ""
    keys = (
        '<p class="note"><span class="key reference"></span>reference<span class="key current"></span>current, since the change '
        "where there is one, else all rows</p>"
    )
    return f'<section id="features"><h2>Features and answers</h2>{keys}{"".join(parts)}{note}</section>'


def _feature(result: Result, each: Compared, drawing: Drawing, place: int) -> str:
    unfolded = " open" if place < OPEN and each.cases else ""
    what = ' <span class="sub">(answer)</span>' if each.output else ""
    drawn = ""
    if each.effect is not None:
        slow = each.usual > 0
        said = "of seven cycles in a row" if slow else f"by {length(result)}"
        gaps = "; dotted: share missing" if float(each.missing.max(initial=0.0)) > CHANGED else ""
        drawn = (
            f'<div class="charts"><figure><figcaption>Distribution</figcaption>{drawing.distribution(each)}</figure>'
            f"<figure><figcaption>Distance from the reference, {said}{gaps}</figcaption>{drawing.distances(each)}</figure></div>"
        )
    return (
        f'<details class="card" id="f{place}"{unfolded}><summary>{badge(each)}<b>{escape(name(each.column.name))}{what}</b>'
        f'<span class="say">{escape(sentence(result, each))}</span></summary><div class="inside">{drawn}{_facts(result, each)}'
        f"{_cases(result, each)}</div></details>"
    )


def badge(each: Compared) -> str:
    level = each.severity
    if level is not None:
        return f'<span class="badge {level.name.lower()}">{level.name}</span>'
    if each.effect is None:
        return '<span class="badge">NO DATA</span>'
    return '<span class="badge">DIFFERS</span>' if each.differs else '<span class="badge steady">STEADY</span>'


def sentence(result: Result, each: Compared) -> str:
    size = each.effect
    if size is None:
        return "not recorded"
    parts: list[str] = []
    if each.main is not None:
        parts.append(period(each.main, result))
    if each.retyped:
        parts.append("values are of another type")
    if each.column.numeric and abs(size.shift_sd) >= 0.05 and size.missing < 0.5:
        parts.append(f"mean {number(each.column.mean)} → {number(each.column.mean + size.shift)} ({size.shift_sd:+.2g} sd)")
    parts += [
        f"{word} {share(was)} → {share(now)}" for word, (was, now) in strange(each).items() if abs(now - was) >= 2 * CHANGED
    ]
    if size.looks_like:
        parts.append(f"as if {size.looks_like}")
    parts.append(f"distance {size.distance:.2f}")
    return "; ".join(parts)


def _facts(result: Result, each: Compared) -> str:
    size = each.effect
    if size is None:
        return '<p class="note">No value of this column was recorded.</p>'
    pairs = [
        ("Rows compared", f"{size.rows:,}{_span(result, each)}"),
        ("Distance", f"{size.distance:.3f}, 90 % interval {size.low:.3f} to {size.high:.3f} (0: the same, 1: nothing in common)"),
    ]
    if each.usual:
        pairs.append(("Usual distance", f"{each.usual:.3f} of seven cycles of the reference from all of it"))
    if each.column.numeric:
        shift = f" ({size.shift:+.4g}, {size.shift_sd:+.2f} sd of the reference)"
        pairs.append(("Mean", f"{number(each.column.mean)} → {number(each.column.mean + size.shift)}{shift}"))
    pairs += [
        (word.capitalize(), f"{share(was)} → {share(now)}") for word, (was, now) in strange(each).items() if max(was, now) > 0
    ]
    calendar = ", a calendar's: it says when, not what, and is judged only for values never seen" if each.column.calendar else ""
    pairs.append(("Kind", f"{kind(each)}{calendar}"))
    if size.importance is not None:
        pairs.append(("Importance", f"{size.importance:.2g} of the average feature's to the model{_less(size.importance)}"))
    return "<dl>" + "".join(f"<dt>{escape(word)}</dt><dd>{escape(said)}</dd>" for word, said in pairs) + "</dl>"


def _less(importance: float) -> str:
    return ": severity is one step less" if hardly_used(importance) else ""


def _span(result: Result, each: Compared) -> str:
    since = f", since {when(result, each.since)}" if each.since is not None else ""
    return since + (f" until {when(result, each.until)}" if each.until is not None else "")


def _cases(result: Result, each: Compared) -> str:
    if not each.cases:
        return ""
    rows = [
        _row(
            f'<span class="badge {case.severity.name.lower()}">{case.severity.name}</span>', escape(case.title),
            escape(period(case, result)), escape(_own(case.effects, case.summary, each.column.name)),
            f"<code>{escape(case.detector)}</code>",
        )
        for case in each.cases
    ]  # fmt: skip
    head = _head("Severity", "Finding", "When", "Evidence", "Detector")
    return f'<h3>Findings</h3><div class="scroll"><table>{head}<tbody>{"".join(rows)}</tbody></table></div>'


def _own(effects: Sequence[str], whole: str, column: str) -> str:
    """Of a finding of many columns what it says of one."""
    return safe(next((said for said in effects if said.startswith((f"{column} ", f"{column}:"))), whole), SENTENCE)


def table(result: Result, most: int) -> str:
    rows: list[str] = []
    for place, each in enumerate(result.columns[:TABLE]):
        size = each.effect
        label = escape(name(each.column.name))
        link = f'<a href="#f{place}">{label}</a>' if place < most else label
        since = when(result, min(case.since for case in each.cases)) if each.cases else ""
        shift = f"{size.shift_sd:+.2f}" if size is not None and each.column.numeric else ""
        shares = strange(each)
        rows.append(
            _row(
                badge(each), link, escape(kind(each) + (", answer" if each.output else "")), escape(since),
                f"{size.distance:.3f}" if size else "–", f"{size.low:.3f}–{size.high:.3f}" if size else "–", shift or "–",
                f"{share(shares['missing'][0])} → {share(shares['missing'][1])}" if size else "–",
                share(shares["never seen"][1]) if "never seen" in shares and size else "–", n=4,
            )
        )  # fmt: skip
    left = len(result.columns) - TABLE
    note = f'<p class="note">and {left:,} more, in the JSON.</p>' if left > 0 else ""
    head = _head("Severity", "Column", "Kind", "Since", "Distance", "90 % interval", "Shift, sd", "Missing", "Never seen", n=4)
    return (
        f'<section id="table"><h2>All columns</h2><div class="card scroll"><table>{head}<tbody>{"".join(rows)}</tbody></table>'
        f"{note}</div></section>"
    )


def quality_lines(result: Result) -> list[str]:
    said: list[str] = []
    files = len(result.files)
    if result.absent:
        shown = list(result.absent.items())[:30]
        names = ", ".join(f"{name(column)}{f' (in {n} of {files} files)' if files > 1 else ''}" for column, n in shown)
        said.append(f"Columns of the reference that are missing: {names}{' …' if len(result.absent) > 30 else ''}.")
    if result.left_out:
        said.append(
            f"Columns that the reference does not know, which were left out: {', '.join(map(name, result.left_out[:30]))}"
            f"{' …' if len(result.left_out) > 30 else ''}."
        )
    retyped = [each.column.name for each in result.columns if each.retyped]
    if retyped:
        said.append(f"Columns whose values are of another type than the reference's: {', '.join(map(name, retyped[:30]))}.")
    for n, sentence_ in (
        (result.malformed, "lines that are no rows were left out"),
        (result.untimed, "rows have no time and were taken for as late as the row before"),
        (result.backwards, "rows are earlier than one before them; detectors take rows in the order of the file"),
    ):
        if n:
            said.append(f"{n:,} {sentence_}.")
    return said


def quality(result: Result) -> str:
    said = quality_lines(result) or [WHOLE]
    changed = [(each, strange(each)) for each in result.columns if each.effect is not None]
    changed = [(each, shares) for each, shares in changed if any(abs(b - a) > CHANGED for a, b in shares.values())]
    used = [word for word in WORDS if any(max(shares.get(word, (0.0, 0.0))) > 0 for _, shares in changed)]
    rows = [
        _row(escape(name(each.column.name)), *(_before_after(shares.get(word)) for word in used), n=1)
        for each, shares in changed[:100]
    ]
    head = _head("Column", *(word.capitalize() for word in used), n=1)
    more = "<p>No column has more missing, strange or unseen values than the reference.</p>"
    if rows:
        more = f'<div class="scroll"><table>{head}<tbody>{"".join(rows)}</tbody></table></div>'
    lines = "".join(f"<p>{escape(line)}</p>" for line in said)
    return f'<section id="quality"><h2>Data quality</h2><div class="card">{lines}{more}</div></section>'


def _before_after(shares: tuple[float, float] | None) -> str:
    return "–" if shares is None else f"{share(shares[0])} → {share(shares[1])}"


WORDS = ("missing", "of another type or infinite", "never seen", "beyond the reference's extremes")


def _head(*words: str, n: int = 99) -> str:
    """From the `n`-th on numbers."""
    cells = "".join(f'<th scope="col"{_class(i, n)}>{escape(word)}</th>' for i, word in enumerate(words))
    return f"<thead><tr>{cells}</tr></thead>"


def _row(*cells: str, n: int = 99) -> str:
    """Cells are HTML."""
    return "<tr>" + "".join(f"<td{_class(i, n)}>{cell}</td>" for i, cell in enumerate(cells)) + "</tr>"


def _class(i: int, n: int) -> str:
    return ' class="n"' if i >= n else ""
