"""Rows of a recording -> requests: which column is what, who asked and when, and what the model answered."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.cells import cell
from otel_mlsec.cli.recording import Part
from otel_mlsec.reference.order import LATEST
from otel_mlsec.sketches.bins import is_text

PROBABILITY = "proba."  # prefix of the columns of a class's probability
OUTPUT = "output."  # prefix of columns of numbers, or the one column of labels, that the model gave
NAME_LIMIT = 256  # characters of a model's name or version
PSEUDONYM = re.compile(r"[a-z_]{1,16}:[0-9a-f]{12}", re.ASCII)  # what findings and spans carry already

T = TypeVar("T")
Pseudonym = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Columns by what they are; "" for what is not recorded."""

    principal: str = ""
    time: str = ""
    sources: tuple[tuple[str, str], ...] = ()  # kind of what many principals may share, column
    model: str = ""
    version: str = ""
    label: str = "label"  # taken for what it says only where there is such a column
    features: tuple[str, ...] = ()  # (): all that are nothing else


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Of one file."""

    roles: Roles
    features: tuple[str, ...]
    probabilities: tuple[str, ...]
    outputs: tuple[str, ...]
    label: str
    texts: frozenset[str] = frozenset()  # features that a reference knows as text
    left_out: tuple[str, ...] = ()  # that no reference knows

    @property
    def all(self) -> tuple[str, ...]:
        roles = self.roles
        said = (roles.principal, roles.time, roles.model, roles.version, self.label, *(name for _, name in roles.sources))
        return tuple(dict.fromkeys([*self.features, *self.probabilities, *self.outputs, *filter(None, said)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Of one part; every row is a call of its own."""

    first_row: int  # number of the first of them in the whole of the traffic
    features: tuple[str, ...]
    inputs: Floats  # (n, n_features)
    times: Floats  # (n,) s since the epoch
    models: Ints  # (n,) positions in `names`
    names: list[tuple[str, str]]  # of models, and their versions; "" where the recording does not say
    principals: list[str]  # (n,)
    sources: list[tuple[str, ...]]  # (n,), or none
    classes: tuple[str, ...] = ()  # of the columns of `probabilities`
    probabilities: Floats | None = None  # (n, n_classes)
    outputs: Floats | None = None  # (n, k)
    label: Ints | None = None  # (n,) positions in `labels`
    labels: list[str] = field(default_factory=list[str])


def columns(names: Sequence[str], roles: Roles, known: Collection[str], texts: Collection[str]) -> Columns:
    """Decide what the columns of a file are; `known` are the features of references, if there are any.

    Raises:
        ValueError: a column that was named is not there, or nothing is left to be a feature.
    """
    there = set(names)
    told = {"--principal": roles.principal, "--time": roles.time, "--model-column": roles.model,
            "--version-column": roles.version, **{f"--{kind}": name for kind, name in roles.sources}}  # fmt: skip
    for option, name in [*told.items(), *(("--features", name) for name in roles.features)]:
        if name and name not in there:
            raise ValueError(f"{option} names {name!r}, which is no column; those are {', '.join(names[:20])}")
    probabilities = tuple(name for name in names if name.startswith(PROBABILITY))
    outputs = tuple(name for name in names if name.startswith(OUTPUT))
    label = roles.label if roles.label in there and roles.label not in roles.features else ""
    spoken_for = {*told.values(), *probabilities, *outputs, label}
    rest = tuple(name for name in names if name not in spoken_for)
    features = roles.features or tuple(name for name in rest if not known or name in known)
    if not features:
        raise ValueError("no column is a feature" + (f"; the reference knows {', '.join(sorted(known)[:20])}" if known else ""))
    return Columns(
        roles=roles,
        features=features,
        probabilities=probabilities,
        outputs=outputs,
        label=label,
        texts=frozenset(texts) & set(features),
        left_out=tuple(name for name in rest if name not in features),
    )


class Reader:
    """Makes requests of parts, one after the other.  State: how many rows there were, the last time."""

    def __init__(self, *, principal: Pseudonym, source: Callable[[str, str], str], rows_per_second: float) -> None:
        """Without a column of times, rows come evenly, from the epoch on.  `source` is given the kind and the cell."""
        self._pseudonym, self._source, self._rate = principal, source, rows_per_second
        self._latest = -np.inf
        self._labelled: bool | None = None
        self.n_rows = 0
        self.backwards = 0  # rows before the latest so far
        self.rising: tuple[str, ...] = ()  # features of the first part that only rise
        self.untimed = 0  # rows without a time, which are taken for as late as the one before

    def read(self, part: Part, of: Columns) -> Requests:
        """
        Raises:
            ValueError: what is to be a time is none.
        """
        roles, n = of.roles, part.n_rows
        inputs = np.empty((n, len(of.features)))
        for i, name in enumerate(of.features):
            inputs[:, i] = part.numbers(name, text=name in of.texts)
        if not self.n_rows:
            self.rising = tuple(name for name, column in zip(of.features, inputs.T, strict=True) if _only_rises(column))
        models, names = _models(part, roles)
        label, labels = part.words(of.label) if of.label else (None, [])
        outputs = _matrix(part, of.outputs)
        if self._says_labels(part, of):
            (label, labels), outputs = part.words(of.outputs[0]), None
        requests = Requests(
            first_row=self.n_rows,
            features=of.features,
            inputs=inputs,
            times=self._times(part, roles.time),
            models=models,
            names=names,
            principals=_each(part, roles.principal, self._principal) if roles.principal else [""] * n,
            sources=self._sources(part, roles.sources),
            classes=tuple(name.removeprefix(PROBABILITY) for name in of.probabilities),
            probabilities=_matrix(part, of.probabilities),
            outputs=outputs,
            label=label,
            labels=labels,
        )
        self.n_rows += n
        return requests

    def _says_labels(self, part: Part, of: Columns) -> bool:
        """Most of the first part's only output is text; a stray one later makes no label of numbers."""
        if of.label or len(of.outputs) != 1:
            return False
        if self._labelled is None:
            self._labelled = bool(is_text(part.numbers(of.outputs[0])).mean() > 0.5)
        return self._labelled

    def _principal(self, who: str) -> str:
        return who if PSEUDONYM.fullmatch(who) else self._pseudonym(who) if who else ""

    def _sources(self, part: Part, of: Sequence[tuple[str, str]]) -> list[tuple[str, ...]]:
        if not of:
            return []
        told = [_each(part, name, lambda cell, kind=kind: self._source(kind, cell) if cell else "") for kind, name in of]
        return [tuple(filter(None, row)) for row in zip(*told, strict=True)]

    def _times(self, part: Part, name: str) -> Floats:
        if not name:
            return (self.n_rows + np.arange(part.n_rows)) / self._rate
        times = part.numbers(name)
        dates = is_text(times)
        if dates.any():
            times = times.copy()
            index, words = part.words(name)
            times[dates] = np.array([self._date(word) for word in words])[index[dates]]
        wrong = np.flatnonzero(np.abs(times) > LATEST)
        if len(wrong):
            raise ValueError(f"the time of row {self.n_rows + int(wrong[0])} is neither a date nor a number of seconds")
        unknown = np.isnan(times)
        self.untimed += int(unknown.sum())
        before = self._latest if np.isfinite(self._latest) else 0.0
        last = np.maximum.accumulate(np.where(unknown, -1, np.arange(len(times))))  # row that has a time, -1: an earlier part
        times = np.where(last >= 0, times[last], before)
        latest = np.maximum.accumulate(np.concatenate([[self._latest], times]))
        self.backwards += int((times < latest[:-1]).sum())
        self._latest = float(latest[-1])
        return times

    def _date(self, word: str) -> float:
        try:
            return cell(dt.datetime.fromisoformat(word.strip()))
        except ValueError:
            return np.inf if word else np.nan


def _only_rises(column: Floats) -> bool:
    """More than once in a hundred rows, and never falls."""
    return len(column) >= 100 and bool((column[1:] >= column[:-1]).all()) and len(np.unique(column)) > len(column) / 100


def _models(part: Part, roles: Roles) -> tuple[Ints, list[tuple[str, str]]]:
    nobody = np.zeros(part.n_rows, np.int64), [""]
    index, names = part.words(roles.model) if roles.model else nobody
    of_version, versions = part.words(roles.version) if roles.version else nobody
    pairs, at = np.unique(index * len(versions) + of_version, return_inverse=True)
    both: list[tuple[str, str]] = []
    for pair in map(int, pairs):
        both.append((names[pair // len(versions)][:NAME_LIMIT], versions[pair % len(versions)][:NAME_LIMIT]))
    return at.astype(np.int64), both


def _each(part: Part, name: str, of: Callable[[str], T]) -> list[T]:
    index, words = part.words(name)
    values = list(map(of, words))
    return [values[i] for i in index.tolist()]


def _matrix(part: Part, names: Sequence[str]) -> Floats | None:
    """(n, len(names)) numbers; text among them is unknown."""
    if not names:
        return None
    values = np.stack([part.numbers(name) for name in names], axis=1)
    values[is_text(values)] = np.nan
    return values
