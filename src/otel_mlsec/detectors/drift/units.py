"""The law of a column whose unit was changed by mistake: kilometres where there were miles, cents where there were euros."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.reference.column import Column
from otel_mlsec.sketches.bins import N_BINS

CONVERSIONS = (
    ("x 1.609 (miles to kilometres)", 1.609344, 0.0),
    ("x 0.621 (kilometres to miles)", 1 / 1.609344, 0.0),
    ("x 3.281 (metres to feet)", 1 / 0.3048, 0.0),
    ("x 0.305 (feet to metres)", 0.3048, 0.0),
    ("x 2.205 (kilograms to pounds)", 1 / 0.45359237, 0.0),
    ("x 0.454 (pounds to kilograms)", 0.45359237, 0.0),
    ("x 1.8 + 32 (Celsius to Fahrenheit)", 1.8, 32.0),
    ("(x - 32) / 1.8 (Fahrenheit to Celsius)", 1 / 1.8, -32 / 1.8),
    ("x 1000", 1000.0, 0.0),
    ("x 0.001", 0.001, 0.0),
    ("x 100", 100.0, 0.0),
    ("x 0.01", 0.01, 0.0),
    ("x 60", 60.0, 0.0),
    ("x 1/60", 1 / 60, 0.0),
    ("the sign turned", -1.0, 0.0),
)
FACTORS = {name: factor for name, factor, _ in CONVERSIONS}
ALIKE = 1.5  # ratio of factors up to which two conversions are one to who reads "roughly"
POINTS = 16  # that stand for the values of a bin
UNTOUCHED = 0.1  # share of the reference's law that is mixed in: values within a bin are only roughly known


def alike(one: str, other: str) -> bool:
    ratio = FACTORS[one] / FACTORS[other]
    return 1 / ALIKE <= ratio <= ALIKE


def converted(column: Column) -> Iterator[tuple[str, Floats]]:
    """Name and (N_BINS,) law of every conversion that would change the column's law."""
    edges, p = column.bins.edges, column.shares
    if len(edges) < 3:
        return
    within = (np.arange(POINTS) + 0.5) / POINTS
    points = (edges[:-1, None] * (1 - within) + edges[1:, None] * within).ravel()  # of the bins between two edges
    masses = np.repeat(p[1 : len(edges)] / POINTS, POINTS)
    for name, factor, offset in CONVERSIONS:
        with np.errstate(over="ignore"):  # what becomes infinite counts as that
            moved = column.bins.index(factor * points + offset)
        law = np.bincount(moved, weights=masses, minlength=N_BINS)
        law = (1 - UNTOUCHED) * law / law.sum() + UNTOUCHED * p
        if np.abs(law - p).sum() > 0.2:
            yield name, law
