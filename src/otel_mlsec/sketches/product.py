"""Matrix products that stay in the thread that asks for them: the cores are the host's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

ALONE = 1 << 18  # multiplications up to which OpenBLAS starts no threads

Float32s = npt.NDArray[np.float32]


def product(a: Float32s, b: Float32s) -> Float32s:
    """(n, m) and (m, k) -> (n, k), piece by piece.

    A product that OpenBLAS spreads over the cores makes their other users wait, and where they are busy takes ten times as long.
    """
    n, m = a.shape
    k = b.shape[1]
    rows = max(2, ALONE // max(m * k, 1))
    if n == 1:  # of a single row it makes a product of matrix and vector, for which it starts threads much earlier
        return (np.concatenate([a, a]) @ b)[:1]
    if n <= rows:
        return a @ b
    found = np.empty((n, k), np.result_type(a, b))
    for start in range(0, n, rows):
        np.matmul(a[start : start + rows], b, out=found[start : start + rows])
    return found
