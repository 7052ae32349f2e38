"""How wrong an answer is, now that the truth is known.  The same for a reference and for live traffic.

Of every answer two things: whether it is wrong, and one of 32 levels of a loss between 0 and 1.  A classifier's loss is that of
the logarithm, cut off at what one row in a hundred of the reference has; a regression's is its absolute error, cut off there,
too, and it is called wrong where the error exceeds what one row in ten of the reference had.  Cut off, the logarithm is not quite
a proper score: of two forecasts that both give the truth next to nothing it does not say which was worse.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from otel_mlsec.arrays import Floats, Ints, Masks
from otel_mlsec.observation import Meaning
from otel_mlsec.reference.labels import labels_of

LEVELS = 32  # of a loss: its value is level / 31
UNKNOWN = -1  # level of an answer that says how sure it is in no way
LEAST_PROBABILITY = 1e-12
KINDS = {
    Meaning.PROBABILITY: "probability", Meaning.LOG_PROBABILITY: "probability", Meaning.LABEL: "label", Meaning.MARGIN: "margin",
    Meaning.VALUE: "value",
}  # fmt: skip
VALUES = np.arange(LEVELS) / (LEVELS - 1)
NO_EDGES = np.empty(0)


class Judged(NamedTuple):
    known: Masks  # (n,) the truth is told
    wrong: Masks  # (n,) where it is known
    loss: Ints  # (n,) level, `UNKNOWN` where it is not known or the answer has none


def judged(meaning: Meaning, outputs: Floats, truth: Floats, *, scale: float, limit: float) -> Judged:
    """(n, k) answers and (n,) truths, as `labelled` gives them.

    Args:
        scale: loss that counts as 1; 0 where there is none.
        limit: absolute error of a regression from which on it is called wrong.
    """
    known = ~np.isnan(truth)
    if meaning is Meaning.VALUE:
        error = raw_loss(meaning, outputs, truth)
        return Judged(known, known & (error > limit), np.where(known, _levels(error, scale), UNKNOWN))
    said = labels_of(meaning, outputs, NO_EDGES)
    wrong = known & ((said != truth) | (truth < 0))
    if KINDS.get(meaning) != "probability":
        return Judged(known, wrong, np.full(len(truth), UNKNOWN))
    return Judged(known, wrong, np.where(known, _levels(raw_loss(meaning, outputs, truth), scale), UNKNOWN))


def raw_loss(meaning: Meaning, outputs: Floats, truth: Floats) -> Floats:
    """(n,) absolute error of a value, or minus the logarithm of the truth's probability; the most there is where the answer is
    no number, NaN where the truth is none."""
    columns = outputs.reshape(len(truth), -1) if outputs.size else np.full((len(truth), 1), np.nan)
    if meaning is Meaning.VALUE:
        with np.errstate(over="ignore", invalid="ignore"):
            error = np.abs(columns[:, 0] - truth)
        return np.where(np.isnan(truth), np.nan, np.where(np.isnan(error), np.inf, error))
    if meaning is Meaning.LOG_PROBABILITY:
        columns = np.exp(np.minimum(columns, 1.0))
    if columns.shape[1] == 1:
        columns = np.column_stack([1 - columns[:, 0], columns[:, 0]])
    told = np.where(np.isnan(truth), -1, np.clip(truth, -1, columns.shape[1])).astype(np.int64)
    listed = (told >= 0) & (told < columns.shape[1])
    probability = np.where(listed, columns[np.arange(len(truth)), np.where(listed, told, 0)], 0.0)
    sure = np.clip(np.where(np.isnan(probability), 0.0, probability), LEAST_PROBABILITY, 1.0)
    return np.where(np.isnan(truth), np.nan, -np.log(sure))


def scale_of(losses: Floats) -> float:
    """What 99 of 100 losses do not exceed, to two digits: so coarse that it hardly depends on the rows it is taken from."""
    finite = losses[np.isfinite(losses)]
    top = float(np.quantile(finite, 0.99, method="inverted_cdf")) if len(finite) else 0.0
    if not 0 < top < 1e300:
        return 1.0
    digit = 10.0 ** (math.floor(math.log10(top)) - 1)
    return math.ceil(top / digit) * digit if digit > 0 else top


def _levels(loss: Floats, scale: float) -> Ints:
    part = np.clip(np.nan_to_num(loss / scale if scale > 0 else loss, nan=1.0, posinf=1.0), 0.0, 1.0)
    return np.rint(part * (LEVELS - 1)).astype(np.int64)
