"""How far counts usually jump: histograms of logarithms, and how improbable a jump is that is larger than most."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats, Ints

LOW, WIDTH, N_BINS = -8.0, 0.125, 320  # of natural logarithms; what is beyond counts for the outermost bin
TOPS = (0.5, 0.1, 0.01)  # shares of the largest jumps, of each of which a tail is fitted
LEAST = 20  # jumps before anything is improbable
LEAST_ABOVE = 10  # that a tail rests on
PRIOR = 1.0  # jumps of mean excess 1 that a tail starts with
MOST = 20_000  # jumps; then all count half
EDGES = LOW + WIDTH * np.arange(N_BINS)


class Jumps:
    """State: a histogram for each of `n` groups.

    The tail above a quantile is exponential in the logarithm, as that of Pareto's law; since its scale is estimated, from few
    jumps at first, the predictive is Lomax's, which is heavier.  Of several quantiles the one counts by which the jump
    is the least surprising.
    """

    def __init__(self, n: int) -> None:
        self._counts = np.zeros((n, N_BINS))
        self._tails: list[Floats | None] = [None] * n

    def add(self, groups: Ints, jumps: Floats) -> None:
        """(n,) groups and (n,) jumps."""
        bins = np.clip((jumps - LOW) / WIDTH, 0, N_BINS - 1).astype(np.int64)
        np.add.at(self._counts, (groups, bins), 1.0)
        for group in np.unique(groups).tolist():
            self._tails[group] = None
            if self._counts[group].sum() > MOST:
                self._counts[group] /= 2

    def surprise(self, group: int, jump: float) -> float:
        """-log of the probability of a jump as large as that, in nats; 0 while little is known."""
        tails = self._tails[group]
        if tails is None:
            tails = self._tails[group] = _tails(self._counts[group])
        if not len(tails):
            return 0.0
        share, start, above, excess = tails.T
        beyond = np.maximum(jump - start, 0.0)
        return max(0.0, float((np.log1p(beyond / (PRIOR + excess)) * (PRIOR + above) - np.log(share)).min()))

    def snapshot(self) -> dict[str, npt.NDArray[np.generic]]:
        return {"counts": self._counts.copy()}

    def restore(self, state: Mapping[str, npt.NDArray[np.generic]]) -> None:
        self._counts = state["counts"].astype(np.float64)
        self._tails = [None] * len(self._counts)


def _tails(counts: Floats) -> Floats:
    """(k, 4): share of jumps in a tail, where it starts, how many they are, and the sum of their excess."""
    total = float(counts.sum())
    if total < LEAST:
        return np.zeros((0, 4))
    above = np.cumsum(counts[::-1])[::-1]  # jumps in a bin or further
    found: list[tuple[float, float, float, float]] = []
    for top in TOPS:
        start = int(np.searchsorted(-above, -top * total, side="right")) - 1  # the last with as many; equal jumps are not split
        n = float(above[start])
        if n >= LEAST_ABOVE:
            excess = float(counts[start:] @ (EDGES[start:] - EDGES[start] + WIDTH / 2))
            found.append(((n + 1) / (total + 1), float(EDGES[start]), n, excess))
    return np.array(found).reshape(len(found), 4)
