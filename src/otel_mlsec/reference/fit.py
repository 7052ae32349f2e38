"""Rows that are known to be good -> columns of a reference."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats
from otel_mlsec.errors import contained
from otel_mlsec.observation import Meaning
from otel_mlsec.reference.column import HUGE, Column
from otel_mlsec.reference.importance import Importance, measured
from otel_mlsec.reference.order import (
    CYCLE_ROWS,
    cycles,
    is_calendar,
    judge,
    runs,
    second_largest,
    statistics_of,
)
from otel_mlsec.reference.outputs import output_columns
from otel_mlsec.sketches.bins import N_BINS, Bins, category_bins, is_text, numeric_bins
from otel_mlsec.sketches.repeats import Repeats

MAX_FEATURES = 512  # columns that are watched, the first of a wider table
WHOLE_VALUES = 40  # a column of at most so many whole numbers is a code: a new one is a fact
SEED = 20130  # of the split that chooses levels on one half and counts them on the other
METHODS = (
    ("predict_proba", Meaning.PROBABILITY),
    ("decision_function", Meaning.MARGIN),
    ("score_samples", Meaning.SCORE),
)
LABELLED = ("classifier", "clusterer", "outlier_detector")

Index = npt.NDArray[np.int64]


def column(name: str, x: Floats, cycle: Index, *, category: bool, timed: bool) -> Column:
    """One column of n rows, in the order in which they were served."""
    bins, counted = _bins(x, category)
    index = bins.index(x)
    counts = np.bincount(index[counted], minlength=N_BINS).astype(np.int64)
    numbers = x[np.isfinite(x) & ~is_text(x)]
    summed = np.clip(numbers, -HUGE, HUGE)
    values = np.unique(numbers) if bins.numeric else np.empty(0)
    plain = Column(name=name, bins=bins, counts=counts)
    inflation, independent = judge(statistics_of(index, plain.normal_scores, plain.shares, bins.numeric), len(x))
    per_cycle = np.unique(cycle, return_inverse=True)[1]
    rows = np.bincount(per_cycle)
    missing = np.bincount(per_cycle, weights=np.isnan(x)) / rows
    longest = np.zeros(len(rows), np.int64)
    np.maximum.at(longest, per_cycle, runs(x[:, None], np.diff(cycle, prepend=cycle[0]) != 0)[:, 0])
    return Column(
        name=name,
        bins=bins,
        counts=counts,
        mean=float(summed.mean()) if len(numbers) else 0.0,
        sd=float(summed.std()) if len(numbers) else 0.0,
        low=float(numbers.min()) if len(numbers) else 0.0,
        high=float(numbers.max()) if len(numbers) else 0.0,
        values=values if len(values) <= WHOLE_VALUES and bool((values == np.round(values)).all()) else np.empty(0),
        calendar=timed and is_calendar(x, cycle, bins),
        variance_inflation=inflation,
        independent=independent,
        missing_limit=second_largest(missing),
        run_limit=second_largest(longest.astype(np.float64)),
    )


def _bins(x: Floats, category: bool) -> tuple[Bins, Index]:
    """-> bins, and the rows to count in them."""
    everything = np.arange(len(x))
    present = np.flatnonzero(~np.isnan(x))
    numbers = x[np.isfinite(x) & ~is_text(x)]
    if not category and len(numbers) > len(present) / 2:
        return numeric_bins(numbers), everything
    if not len(present):
        return Bins(), everything
    half = np.random.default_rng(SEED).permutation(len(x))
    choose, count = half[: len(x) // 2], half[len(x) // 2 :]
    chosen = x[choose][~np.isnan(x[choose])]
    return category_bins(chosen if len(chosen) else x[present]), count


def input_columns(
    matrix: Floats, names: tuple[str, ...], times: Floats | None, categorical: Collection[str]
) -> tuple[Column, ...]:
    cycle = cycles(times, len(matrix))
    return tuple(
        column(name, matrix[:, i], cycle, category=name in categorical, timed=times is not None)
        for i, name in enumerate(names[:MAX_FEATURES])
    )


def answer_columns(answers: list[tuple[Meaning, Floats]], classes: tuple[str, ...], times: Floats | None) -> tuple[Column, ...]:
    """Columns of what a model answered to the rows of a reference."""
    found: list[Column] = []
    for meaning, outputs in answers:
        values, names = output_columns(meaning, outputs, classes)
        cycle = cycles(times, len(values))
        found += [
            column(name, values[:, i], cycle, category=meaning is Meaning.LABEL, timed=False) for i, name in enumerate(names)
        ]
    return tuple(found)


def answers_of(model: Any, rows: Any) -> tuple[list[tuple[Meaning, Floats]], tuple[str, ...]]:
    """Ask `model` about all rows, by every method it has -> answers and names of the classes."""
    if type(model).__name__ == "Booster":
        return _booster_answers(model, rows), ()
    classes = _classes(model)
    answers = [
        (meaning, answer)
        for method, meaning in METHODS
        if hasattr(model, method) and (answer := _numbers(getattr(model, method)(rows))) is not None
    ]
    predicted = np.asarray(model.predict(rows))
    if classes:
        index = {value: float(i) for i, value in enumerate(classes)}
        answers.append((Meaning.LABEL, np.array([index.get(v, -1.0) for v in predicted.ravel().tolist()])))
    elif (numbers := _numbers(predicted)) is not None:
        answers.append((Meaning.LABEL if _says_labels(model) else Meaning.VALUE, numbers))
    return answers, tuple(map(str, classes))


def importance_of(model: Any, rows: Any, names: tuple[str, ...]) -> Importance | None:
    """Which of the first columns of `rows` decide what the model answers; None where that cannot be told."""
    found: Importance | None = None
    with contained("importance"):  # rows with a shuffled column are none that the model was made for
        found = measured(lambda asked: _one_answer(model, asked), rows, names[:MAX_FEATURES])
    return found


def _one_answer(model: Any, rows: Any) -> npt.NDArray[Any] | None:
    """Numbers where it gives some: of few rows they say more than labels do."""
    if type(model).__name__ == "Booster":
        return _booster_answers(model, rows)[0][1]
    for method, _ in METHODS:
        if hasattr(model, method) and (answer := _numbers(getattr(model, method)(rows))) is not None:
            return answer
    answer = model.predict(rows)
    return None if isinstance(answer, list) else np.asarray(answer)


def _classes(model: Any) -> tuple[Any, ...]:
    known = getattr(model, "classes_", None)
    if getattr(known, "ndim", 0) != 1:  # one list an output, of a model with several
        return ()
    return tuple(np.asarray(known).tolist())


def _says_labels(model: Any) -> bool:
    """As capture takes what `predict` says: of clusters and outliers too, for which the model lists no classes."""
    tags = getattr(model, "__sklearn_tags__", None)
    return tags is not None and tags().estimator_type in LABELLED


def _numbers(answer: Any) -> Floats | None:
    """(n, …) float64; None for several arrays, one a target, and for what are no numbers."""
    if isinstance(answer, list) or np.asarray(answer).dtype.kind not in "fiub":
        return None
    return np.asarray(answer, np.float64)


def _booster_answers(model: Any, rows: Any) -> list[tuple[Meaning, Floats]]:
    library = sys.modules[type(model).__module__.partition(".")[0]]  # it is loaded: the model is of it
    data = library.DMatrix(rows, enable_categorical=True) if library.__name__ == "xgboost" else rows
    return [(Meaning.VALUE, np.asarray(model.predict(data), np.float64))]


def cycle_facts(matrix: Floats, times: Floats | None) -> tuple[float, int, float]:
    """-> median rows of a cycle, number of cycles, and the share of repeated rows in the second worst of them."""
    cycle = np.unique(cycles(times, len(matrix)), return_inverse=True)[1]
    rows = np.bincount(cycle)
    repeated = np.bincount(cycle, weights=Repeats().seen(matrix)) / rows
    usual = float(np.median(rows)) if times is not None else float(CYCLE_ROWS)
    return usual, len(rows), second_largest(repeated) if len(rows) > 1 else float(repeated[0])
