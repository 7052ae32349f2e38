"""Live columns put in the order of the reference's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.reference.column import Column


def positions(live: Sequence[str], wanted: Sequence[str], reference: Sequence[str]) -> list[int | None]:
    """Where the `wanted` columns of a reference are among the live ones; None: nowhere.

    By name where live columns have names that the reference knows, else by position in the reference.
    """
    at = {name: i for i, name in enumerate(live)}
    if not at.keys().isdisjoint(reference):
        return [at.get(name) for name in wanted]
    place = {name: i for i, name in enumerate(reference)}
    return [place[name] if place[name] < len(live) else None for name in wanted]


def aligned(
    values: Floats, live: Sequence[str], columns: Sequence[Column], reference: Sequence[str]
) -> tuple[Floats, list[int | None]]:
    """(n, d_live) values -> (n, len(columns)), absent columns as missing; and where each was found."""
    names = live or tuple(f"x{i}" for i in range(values.shape[1]))
    found = positions(names, [c.name for c in columns], reference)
    if found == list(range(values.shape[1])):
        return values, found
    picked = np.full((len(values), len(columns)), np.nan)
    present = [i for i, at in enumerate(found) if at is not None]
    picked[:, present] = values[:, [at for at in found if at is not None]]
    return picked, found
