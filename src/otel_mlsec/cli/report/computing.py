"""Recorded rows -> what a report says of them: one pass, in memory that does not grow with the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.cli.answers import Answer, Answers, other_classes
from otel_mlsec.cli.rehearsal import BATCH, Rehearsal
from otel_mlsec.cli.report.answered import Answered
from otel_mlsec.cli.report.asking import Asked
from otel_mlsec.cli.report.cases import Cases
from otel_mlsec.cli.report.compared import compared
from otel_mlsec.cli.report.names import Names
from otel_mlsec.cli.report.read import Files, Piece, pieces, truths_of
from otel_mlsec.cli.report.result import Result
from otel_mlsec.cli.report.slices import Slices
from otel_mlsec.cli.traffic import Requests, Roles
from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors import build, build_outcomes
from otel_mlsec.detectors.align import aligned
from otel_mlsec.observation import Outcomes
from otel_mlsec.pipeline.watched import Watched
from otel_mlsec.reference.column import HUGE
from otel_mlsec.reference.labelled import labelled
from otel_mlsec.reference.outputs import output_columns
from otel_mlsec.reference.reference import Reference
from otel_mlsec.sketches.bins import N_BINS, is_text


class Computing:
    """State: that of the detectors, and counts by slice, column and bin."""

    def __init__(self, reference: Reference, settings: ModelSettings, *, timed: bool, show_values: bool) -> None:
        self._reference, self._settings, self._timed = reference, settings, timed
        self._rehearsal = Rehearsal(known=lambda _: reference, settings=lambda _: settings, budgets=(None,), only=("drift",))
        self._of_outcomes = build_outcomes(reference, settings)
        self._outcomes = Watched(lambda _, __: (), lambda _, __: self._of_outcomes)
        self._outcomes.judge_by(reference.model, reference)
        self._answers = Answers(reference)
        self._slices = Slices(timed=timed)
        self._answered = Answered(reference, self._slices)
        self._cases = Cases()
        self._names = Names(reference) if show_values else None
        self._first, self._last = np.inf, -np.inf
        self._labels = self._of_classes = 0  # labels that there are, and those that are classes of the model

    def run(self, paths: Sequence[Path], roles: Roles, label: str, asked: Asked | None, say: Callable[[str], None]) -> Result:
        files = Files()
        for piece in pieces(paths, self._reference, roles, label, asked, files, say):
            self._add(piece)
        self._check_labels(label, say)
        return self._result(files)

    def _check_labels(self, label: str, say: Callable[[str], None]) -> None:
        """
        Raises:
            ValueError: no label is a class of the model, so that every answer would be called wrong.
        """
        classes = self._answers.classes
        if self._answered.labelled and classes and not self._of_classes:
            raise other_classes(classes)
        if self._labels and not self._answered.labelled:
            say(f"labels in {label!r} are of no use without the model's answers: name --model, --prediction or proba.<class>")

    def _add(self, piece: Piece) -> None:
        requests = piece.requests
        if not len(requests.times):
            return
        self._first = min(self._first, float(requests.times.min()))
        self._last = max(self._last, float(requests.times.max()))
        for told in self._rehearsal.judge(requests):
            self._cases.add(told.finding, told.first_row, told.row)
        keys, at = self._slices.places(requests.times)
        self._slices.add(keys, rows=np.bincount(at, minlength=len(keys)))
        inputs, found = aligned(
            requests.inputs, requests.features, self._reference.inputs, [c.name for c in self._reference.inputs]
        )
        present = np.array([place is not None for place in found])
        self._count("inputs", inputs, present, keys, at)
        if self._names is not None:
            self._names.add(piece.part, requests.features)
        answers = self._answers.of(requests, slice(None))
        self._count_answers(answers, keys, at)
        truth = truths_of(piece, lambda words: labelled(words, self._answers.classes))
        if truth is not None:
            self._labels += int((~np.isnan(truth)).sum())
            self._of_classes += int((truth >= 0).sum())
        if answers:
            self._answered.add(self._reference.model, answers[0], truth, keys, at)
            if truth is not None:
                self._judge(requests, answers[0], inputs, truth)

    def _count(self, name: str, values: Floats, present: np.ndarray, keys: Ints, at: Ints) -> None:
        """Rows by slice, column and bin, and sums of the numbers; of columns that are not recorded none."""
        columns = self._reference.inputs if name == "inputs" else self._reference.outputs
        counts = np.zeros((len(keys), len(columns), N_BINS), np.int64)
        totals = np.zeros((len(keys), len(columns)))
        for i, column in enumerate(columns):
            if not present[i]:
                continue
            x = values[:, i]
            index = at * N_BINS + column.bins.index(x)
            counts[:, i] = np.bincount(index, minlength=len(keys) * N_BINS).reshape(len(keys), N_BINS)
            if column.numeric:
                numbers = np.where(np.isfinite(x) & ~is_text(x), np.clip(x, -HUGE, HUGE), 0.0)
                totals[:, i] = np.bincount(at, weights=numbers, minlength=len(keys))
        self._slices.add(keys, **{name: counts, f"{name}_total": totals})

    def _count_answers(self, answers: Sequence[Answer], keys: Ints, at: Ints) -> None:
        columns = self._reference.outputs
        values, present = np.full((len(at), len(columns)), np.nan), np.zeros(len(columns), np.bool_)
        place = {column.name: i for i, column in enumerate(columns)}
        for meaning, outputs in answers:
            said, names = output_columns(meaning, outputs, self._answers.classes)
            for i, name in enumerate(names):
                if name in place:
                    values[:, place[name]], present[place[name]] = said[:, i], True
        if present.any():
            self._count("outputs", values, present, keys, at)

    def _judge(self, requests: Requests, answer: Answer, inputs: Floats, truth: Floats) -> None:
        """Labels are taken to be known at the time of the row."""
        known = np.flatnonzero(~np.isnan(truth))
        if not self._of_outcomes or not len(known):
            return
        meaning, outputs = answer
        place = {column.name: i for i, column in enumerate(self._reference.inputs)}
        sliced = (name for detector in self._of_outcomes for name in getattr(detector, "columns", ()))
        names = tuple(dict.fromkeys(name for name in sliced if name in place))
        wanted = [place[name] for name in names]
        for start in range(0, len(known), BATCH):
            rows = known[start : start + BATCH]
            told = Outcomes(
                model=self._reference.model,
                meaning=meaning,
                features=names,
                inputs=inputs[rows][:, wanted] if names else None,
                outputs=outputs[rows],
                truth=truth[rows],
                times=requests.times[rows],
                told=requests.times[rows],
                sources=("",) * len(rows),
                classes=self._answers.classes,
                coverage=len(known) / len(truth),
            )
            for finding in self._outcomes.outcomes(told):
                row = requests.first_row + int(rows[finding.call])
                since = requests.first_row + int(np.searchsorted(requests.times, finding.first_seen))
                self._cases.add(finding, row if finding.first_seen < requests.times[0] else min(since, row), row)

    def _result(self, files: Files) -> Result:
        self._slices.settle()
        reference, cases = self._reference, self._cases.sorted()
        judged = [each.name for each in build(reference, self._settings) if each.name.startswith("drift/")]
        if self._answered.labelled:
            judged += [each.name for each in self._of_outcomes]
        return Result(
            model=reference.model,
            files=tuple(files.names),
            n_rows=files.rows,
            first=self._first,
            last=self._last,
            timed=self._timed,
            slices=self._slices.starts,
            width=self._slices.width,
            columns=compared(reference, self._slices, cases, self._names.levels if self._names is not None else {}),
            cases=cases,
            more_findings=self._cases.more,
            measured=self._answered.measured(self._answers.classes),
            estimated=self._answered.estimated(),
            labelled=self._answered.labelled,
            reference_rows=reference.n_rows,
            reference_cycles=reference.n_cycles,
            reference_timed=reference.timed,
            reference_created=reference.created,
            provisional=reference.provisional,
            in_sample=reference.origin.in_sample if reference.origin is not None else False,
            absent=dict(files.absent),
            left_out=tuple(files.left_out),
            malformed=files.malformed,
            untimed=files.untimed,
            backwards=files.backwards,
            judged=tuple(judged),
        )
