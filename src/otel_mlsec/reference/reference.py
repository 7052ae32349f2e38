"""What normal is, for one model: the columns of its inputs and of its answers."""

from __future__ import annotations

import time as clock
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.observation import Model
from otel_mlsec.reference import file
from otel_mlsec.reference.calibration import Calibration, calibration_of
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.embedding import Embedding, embedding_of
from otel_mlsec.reference.fit import answer_columns, answers_of, cycle_facts, importance_of, input_columns
from otel_mlsec.reference.forest import Forest, grow
from otel_mlsec.reference.geometry import Geometry
from otel_mlsec.reference.importance import Importance
from otel_mlsec.reference.labelled import truths
from otel_mlsec.reference.naming import name_of, schema_if_any
from otel_mlsec.reference.order import CYCLE_ROWS, DAY, LATEST
from otel_mlsec.reference.origin import Origin
from otel_mlsec.reference.pairs import Pairs, pairs_of
from otel_mlsec.reference.prose import Prose, divided
from otel_mlsec.reference.rhythm import Rhythm
from otel_mlsec.reference.rhythm_fit import rhythm_of
from otel_mlsec.reference.survey import Answers, split, survey
from otel_mlsec.reference.texts import Texts, fitted
from otel_mlsec.reference.truth import Truth, truth_of
from otel_mlsec.table import table

MIN_ROWS = 100
WEEKEND = "weekend"  # the one way to divide cycles


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Data known to be good, summarised: bins, counts and limits; and at most 512 of its rows, standardised (`geometry`).

    Attributes:
        inputs: one column a feature, at most 512.
        outputs: columns of the model's answers, where a model was given.
        timed: a time column gave the order of the rows, and a cycle is a UTC day; else a cycle is a thousand rows.
        provisional: learned from the first live rows, not from data that somebody vouched for.

    >>> rows = np.random.default_rng(0).normal(size=(2000, 3))
    >>> Reference.fit(rows).inputs[0].name
    'x0'
    """

    model: Model = field(default_factory=lambda: Model(name=""))
    n_rows: int
    created: float  # s since the epoch
    inputs: tuple[Column, ...]
    outputs: tuple[Column, ...] = ()
    geometry: Geometry | None = None  # what detectors of attacks need
    forest: Forest | None = None  # an isolation forest, where one was asked for
    importance: Importance | None = None  # of the inputs, where a model was given
    pairs: Pairs | None = None  # of inputs, and how they go together
    truth: Truth | None = None  # of the answers, where a model and labels were given
    calibration: Calibration | None = None  # of its probabilities, likewise
    origin: Origin | None = None  # None: of a file that was written before there were any
    embedding: Embedding | None = None  # of rows that are embeddings: inputs are columns of what is made of them
    texts: Texts | None = None  # of a language model: inputs and outputs are properties of prompts and answers
    prose: Prose | None = None  # of columns of free text: inputs are properties of it in their place
    rhythm: Rhythm | None = None  # of the inputs that move by the cycle, where there are ten cycles
    classes: tuple[str, ...] = ()
    timed: bool = False
    cycle_rows: float = float(CYCLE_ROWS)  # median
    n_cycles: int = 1
    repeats_limit: float = 0.0  # share of a cycle's rows: the second highest of the reference's cycles
    provisional: bool = False
    principals: int = 0  # that a provisional reference was learned from
    largest_share: float = 0.0  # of one principal in it

    @property
    def cycle_seconds(self) -> float:
        """Length of a cycle, or 0 where it is counted in rows."""
        return DAY if self.timed else 0.0

    @property
    def features(self) -> tuple[str, ...]:
        """Names of what a row of the model has."""
        return self.embedding.names if self.embedding is not None else tuple(column.name for column in self.inputs)

    @classmethod
    def fit(
        cls,
        X: Any,
        y: Any = None,
        model: Any = None,
        *,
        time: Any = None,
        categorical: Collection[str] = (),
        name: str = "",
        version: str = "",
        forest: bool = False,
        strata: str = "",
        embedding: bool = False,
        texts: Collection[str] = (),
    ) -> Reference:
        """Learn from rows that are known to be good.

        Args:
            X: (n, d) rows in the order in which they were served: DataFrame, array, list, sparse matrix.  The order matters:
                it shows which columns come independently and which move by the hour or the day.  Shuffled rows look
                independent, and the false-alarm rate that follows from that holds only for traffic that is.
            y: (n,) labels of rows that the model was NOT fitted on, NaN or None where there is none: with `model`, they say how
                often and how badly it errs, which labels of live rows are compared with.  Of the rows that it was fitted on a
                model has too few errors, and every live one would look like drift.
            model: asked about every row, so that drift of its answers can be told, and about some of them with one column
                shuffled at a time, which shows how much it leans on that.
            time: (n,) event times, s since the epoch or anything that `table` reads as times; rows are sorted by it.
            categorical: names of columns of numbers that are codes.  Text columns are found by themselves.
            name: of the model, as its findings shall call it.
            version: of the model.
            forest: grow an isolation forest, too, for `ModelSettings.anomaly`; needs scikit-learn.
            strata: "weekend" compares Saturdays and Sundays (UTC) with their like, where `time` has eight of them.
            embedding: the columns are the dimensions of an embedding: its principal components, norm and cosine to the mean are
                watched in their place.
            texts: names of at most 4 columns of free text: length, script, language and words are watched in their place.  Every
                second row, of more than 8,000 fewer, says which words there are, the others what is usual.

        Raises:
            ValueError: fewer than 100 rows, no column, rows that are no table, or times or labels that do not fit them.
        """
        if strata not in ("", WEEKEND):
            raise ValueError(f"strata must be {WEEKEND!r} or '', got {strata!r}")
        if texts and embedding:
            raise ValueError("texts cannot be named of an embedding")
        matrix, names = table(X)
        if matrix is None or matrix.ndim != 2 or len(matrix) < MIN_ROWS or not matrix.shape[1]:
            raise ValueError(f"X must be a table of at least {MIN_ROWS} rows, got {type(X).__name__} of {_shape(X)}")
        times = _times(time, len(matrix))
        order = np.arange(len(matrix)) if times is None else np.argsort(times, kind="stable")
        names = names or tuple(f"x{i}" for i in range(matrix.shape[1]))
        rows, columns, prose = matrix, names, None
        if texts:
            prose, rows, columns, order = divided(X, texts, matrix, names, order)
        ordered = None if times is None else times[order]
        answers, classes = answers_of(model, X) if model is not None else ([], ())
        truth = truths(y, classes, len(matrix)) if y is not None else None
        return cls.of_matrix(
            rows[order],
            columns,
            ordered,
            categorical=categorical,
            model=Model(name=name or (name_of(model) if model is not None else ""), version=version),
            created=clock.time(),
            answers=[(meaning, values[order]) for meaning, values in answers],
            classes=classes,
            truth=truth[order] if truth is not None else None,
            forest=forest,
            strata=strata,
            embedding=embedding,
            prose=prose,
            importance=importance_of(model, X, names) if model is not None and not embedding and not texts else None,
            origin=Origin.of(matrix[order], names, ordered, schema=schema_if_any(model) if model is not None else ""),
        )

    @classmethod
    def fit_texts(cls, prompts: Sequence[str], answers: Sequence[str] = (), *, name: str = "", version: str = "") -> Reference:
        """Learn what a language model is usually asked, and what it answers, from texts that are known to be good.

        No text is kept: lengths, scripts, languages and letters as the columns of a table, and 16 KiB of bits that say which
        words there are.

        Args:
            prompts: what users say, in the order in which they said it.
            answers: of the model, likewise.

        Raises:
            ValueError: fewer than 200 prompts, answers that are some but fewer, or what is no text.
        """
        for what, given in (("prompts", prompts), ("answers", answers)):
            if isinstance(given, str) or {type(text) for text in given} - {str}:
                raise ValueError(f"{what} must be a sequence of str")
            if len(given) < 2 * MIN_ROWS and (given or what == "prompts"):
                raise ValueError(f"{what} must be at least {2 * MIN_ROWS}, got {len(given)}")
        texts, inputs, outputs = fitted(prompts, answers)
        return cls(
            model=Model(name=name, version=version), n_rows=len(prompts), created=clock.time(), inputs=inputs, outputs=outputs,
            texts=texts,
        )  # fmt: skip

    @classmethod
    def of_matrix(
        cls,
        matrix: Floats,
        names: tuple[str, ...],
        times: Floats | None,
        *,
        categorical: Collection[str] = (),
        answers: Answers = (),
        classes: tuple[str, ...] = (),
        truth: Floats | None = None,
        forest: bool = False,
        importance: Importance | None = None,
        origin: Origin | None = None,
        strata: str = "",
        embedding: bool = False,
        prose: Prose | None = None,
        **fields: Any,
    ) -> Reference:
        """From (n, d) float64 rows in order, text as `text_code`, and what a model answered to them, each (n, …).

        `truth`, (n,), is of a classifier the position in `classes`, -1 for another class, else the value; NaN: not known.

        `fields` are the attributes that are not learned.
        """
        embedded = embedding_of(matrix, names) if embedding else None
        if embedded is not None:
            matrix, names = embedded.of(matrix), embedded.columns
        cycle_rows, n_cycles, repeats = cycle_facts(matrix, times)
        said = [(meaning, answer) for meaning, answer in answers if len(answer) == len(matrix)]
        geometry = survey(matrix, names, categorical, said)
        inputs = input_columns(matrix, names, times, categorical)
        inputs = prose.ranged(inputs) if prose is not None else inputs
        return cls(
            n_rows=len(matrix),
            inputs=inputs,
            outputs=answer_columns(list(answers), classes, times),
            geometry=geometry,
            forest=_grown(matrix, geometry) if forest else None,
            importance=importance,
            origin=origin if origin is not None else Origin.of(matrix, names, times),
            pairs=pairs_of(matrix, inputs, importance),
            embedding=embedded,
            prose=prose,
            rhythm=rhythm_of(matrix, times, inputs, weekend=strata == WEEKEND),
            truth=truth_of(said, truth, inputs, matrix, len(classes)) if truth is not None else None,
            calibration=calibration_of(said, truth) if truth is not None and classes else None,
            classes=classes,
            timed=times is not None,
            cycle_rows=cycle_rows,
            n_cycles=n_cycles,
            repeats_limit=repeats,
            **fields,
        )

    def save(self, path: str | Path, *, key: bytes | None = None) -> None:
        """Write one file: JSON manifest, raw arrays, SHA-256; with `key` also an HMAC-SHA-256 signature."""
        file.save(self, Path(path), key)

    @classmethod
    def load(cls, path: str | Path, *, key: bytes | None = None) -> Reference:
        """Read what `save` wrote.

        Raises:
            ValueError: the file is damaged, of another format version, unsigned or wrongly signed; the sentence says which.
        """
        return file.load(cls, Path(path), key)

    @classmethod
    def parse(cls, whole: bytes, shown: str, *, key: bytes | None = None) -> Reference:
        """The bytes of such a file, wherever they came from; `shown` is what a sentence calls them.  Raises as `load` does."""
        return file.parse(cls, whole, shown, key)


def _grown(matrix: Floats, geometry: Geometry) -> Forest:
    held_out, kept = split(len(matrix))
    z = geometry.standardised(matrix[:, : len(geometry.names)])
    return grow(z[kept], z[held_out])


def _times(time: Any, n_rows: int) -> Floats | None:
    if time is None:
        return None
    times, _ = table(time)
    if times is None or times.size != n_rows:
        raise ValueError(f"time must hold one time a row ({n_rows}), got {_shape(time)}")
    if unknown := int((~(np.abs(times) <= LATEST)).sum()):
        raise ValueError(f"time must be known for every row, s since the epoch or dates; {unknown} of {n_rows} are not")
    return times.reshape(-1)


def _shape(data: Any) -> str:
    return str(getattr(data, "shape", None) or f"length {len(data) if hasattr(data, '__len__') else 'unknown'}")
