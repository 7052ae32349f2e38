"""What one column of a reference is: its bins, their counts, and what its order in time showed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats
from otel_mlsec.sketches.bins import INVALID, MISSING, N_BINS, REST, UNSEEN, Bins

Counts = npt.NDArray[np.int64]
HUGE = 1e150  # numbers are taken for no larger where they are summed: the square of it is still one


@dataclass(frozen=True, kw_only=True)
class Column:
    """Of an input feature or of an output of the model."""

    name: str
    bins: Bins
    counts: Counts  # (N_BINS,) of the reference's rows; of a category, of the half that did not choose its levels
    mean: float = 0.0  # of the numbers in it
    sd: float = 0.0
    low: float = 0.0
    high: float = 0.0
    values: Floats = field(default_factory=lambda: np.empty(0))  # all values of a column of at most 40 whole numbers
    calendar: bool = False  # the same all through a cycle, as `month` is: says when, not what
    variance_inflation: float = 1.0  # worst variance of block means against that of independent rows
    independent: bool = True  # the order of its rows shows no dependence
    missing_limit: float = 0.0  # share of a cycle's rows: the second highest of the reference's cycles
    run_limit: float = 0.0  # rows: the second longest run of one value

    @property
    def numeric(self) -> bool:
        return self.bins.numeric

    @cached_property
    def pseudo(self) -> Floats:
        """(N_BINS,) prior counts: what a bin may hold that the reference by chance did not."""
        prior = np.zeros(N_BINS)
        if self.numeric:
            prior[[0, len(self.bins.edges)]] = 1.0
        else:
            prior[UNSEEN] = 1.0
            prior[REST] = 0.5 if (self.bins.level_bins == REST).any() else 0.0
        prior[MISSING], prior[INVALID] = 1.0, 0.5
        return prior

    @cached_property
    def posterior(self) -> Floats:
        """(N_BINS,) counts with the prior: parameters of the Dirichlet law of the bins' shares."""
        return self.counts + self.pseudo + np.where((self.counts > 0) & (self.pseudo == 0), 0.5, 0.0)

    @cached_property
    def shares(self) -> Floats:
        """(N_BINS,) expected shares."""
        return self.posterior / self.posterior.sum()

    @cached_property
    def normal_scores(self) -> Floats:
        """(N_BINS,) the standard normal quantile at the middle of each bin's mass; 0 for missing and invalid."""
        scores = np.zeros(N_BINS)
        if self.numeric:
            n = len(self.bins.edges) + 1
            middle = np.cumsum(self.shares[:n]) - self.shares[:n] / 2
            middle = np.clip(middle / self.shares[:n].sum(), 1e-5, 1 - 1e-5)
            scores[:n] = np.clip([NormalDist().inv_cdf(float(q)) for q in middle], -3.5, 3.5)
        return scores
