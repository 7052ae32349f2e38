"""What a model's answer says of a row: which label, and how sure.  The same for a reference and for live traffic."""

from __future__ import annotations

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.observation import Meaning

UNKNOWN = -1
PROBABILITIES = (Meaning.PROBABILITY, Meaning.LOG_PROBABILITY)


def labels_of(meaning: Meaning, outputs: Floats, edges: Floats) -> Ints:
    """(n, k) answers -> (n,) labels, -1 where it is not known.

    Of values and scores the label is the interval between `edges` that they are in: an answer that crosses one has flipped.
    """
    columns = outputs.reshape(len(outputs), -1) if len(outputs) else outputs.reshape(0, 1)
    k = columns.shape[1]
    if k == 0 or meaning is Meaning.RAW:
        return np.full(len(outputs), UNKNOWN)
    known = np.asarray(np.isfinite(columns).all(axis=1))
    if meaning is Meaning.LOG_PROBABILITY:  # of something impossible the logarithm is infinite, and that is known
        known = np.asarray(~np.isnan(columns).any(axis=1))
    if meaning is Meaning.LABEL:
        found = np.where(known, np.clip(columns[:, 0], UNKNOWN, 2**31), UNKNOWN).astype(np.int64)
    elif meaning in (Meaning.VALUE, Meaning.SCORE):
        found = np.searchsorted(edges, columns[:, 0], side="right").astype(np.int64)
    elif k == 1:
        found = (columns[:, 0] > (0.5 if meaning is Meaning.PROBABILITY else 0.0)).astype(np.int64)
    else:
        found = np.where(known[:, None], columns, -np.inf).argmax(axis=1).astype(np.int64)
    return np.where(known, found, UNKNOWN)


def margins_of(meaning: Meaning, outputs: Floats) -> Floats:
    """(n, k) answers -> (n,) how far the best label is above the second, NaN where the answer does not say.

    Of probabilities in [0, 1]; probabilities that do not sum to one are taken as they are.
    """
    columns = outputs.reshape(len(outputs), -1) if len(outputs) else outputs.reshape(0, 1)
    k = columns.shape[1]
    if meaning is Meaning.LOG_PROBABILITY:
        columns = np.exp(np.minimum(columns, 1.0))
    elif meaning not in (Meaning.PROBABILITY, Meaning.MARGIN) or k == 0:
        return np.full(len(outputs), np.nan)
    if k == 1:
        return np.abs(2 * columns[:, 0] - 1) if meaning in PROBABILITIES else np.abs(columns[:, 0])
    if k == 2:
        return np.abs(columns[:, 0] - columns[:, 1])
    best = np.partition(columns, k - 2, axis=1)[:, k - 2 :]
    return best[:, 1] - best[:, 0]
