"""Who asked which row, by a name that is short, printable and bounded, whatever the application calls its users."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from otel_mlsec.observation import Batch
from otel_mlsec.sketches.principals import key_of

LONGEST = 24  # characters; pseudonyms of our own have fewer
KEY = "who"  # in `Batch.derived`

Names = npt.NDArray[np.bytes_]


def shown(name: str) -> str:
    """The name itself if it can be told as it is, else a digest of it.

    >>> shown("user:4f0c"), shown("\\x1b[31m")
    ('user:4f0c', '#151dda8f1fe79813')
    """
    return name if len(name) <= LONGEST and name.isascii() and name.isprintable() else f"#{key_of(name):016x}"


def names_of(batch: Batch, calls: Iterable[int]) -> Sequence[str]:
    """Principals of calls, "" of those that came with none."""
    principals = batch.principals
    return [shown(principals[call]) if 0 <= call < len(principals) else "" for call in calls]


def who_of(batch: Batch) -> Names:
    """(n,) ASCII names of the principals of the rows of a batch."""
    known = batch.derived.get(KEY)
    if known is None:
        calls, at = np.unique(batch.calls, return_inverse=True)
        names = np.array(names_of(batch, calls.tolist()), f"S{LONGEST}")
        known = batch.derived[KEY] = names[at] if len(names) else np.zeros(batch.n_rows, f"S{LONGEST}")
    return known
