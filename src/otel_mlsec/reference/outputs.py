"""A model's answers as columns, the same for a reference and for live traffic."""

from __future__ import annotations

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.observation import Meaning

MAX_OUTPUTS = 16  # of many classes or targets, the first ones are watched one by one


def output_columns(meaning: Meaning, outputs: Floats, classes: tuple[str, ...]) -> tuple[Floats, tuple[str, ...]]:
    """(n,) or (n, k) outputs -> (n, c) columns and their names; none where the library does not say what they mean.

    >>> output_columns(Meaning.PROBABILITY, np.array([[0.2, 0.8]]), ("no", "yes"))
    (array([[0.8]]), ('probability[yes]',))
    """
    columns = outputs.reshape(len(outputs), int(np.prod(outputs.shape[1:])))  # not -1: there may be no rows
    n = columns.shape[1]
    labels = classes if len(classes) == n else tuple(map(str, range(n)))
    kind = meaning.value
    if meaning is Meaning.RAW or n == 0:
        return np.empty((len(outputs), 0)), ()
    if meaning is Meaning.LOG_PROBABILITY:
        columns, kind = np.exp(np.minimum(columns, 1.0)), Meaning.PROBABILITY.value  # what is no logarithm of one stays finite
    if kind == Meaning.PROBABILITY.value and n == 2:
        columns, labels = columns[:, 1:], labels[1:]  # the other is one minus this
    elif n == 1:
        return columns, (kind,)
    return columns[:, :MAX_OUTPUTS], tuple(f"{kind}[{label}]" for label in labels[:MAX_OUTPUTS])
