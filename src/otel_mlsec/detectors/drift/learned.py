"""What live days teach of a reference that has no days of its own: how much one differs from another, and never where they lie.

The centre stays that of the sealed reference, corrected only for what averaging does to arc sines; so whoever moves a column
while this is learned moves it away from the reference, which is told.  Nor can a spread be bought by moving a column to and fro:
days of which the reference is a mixture cannot stray by more than its rows do, so what is learned is capped there, and told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from otel_mlsec.arrays import Floats, Masks
from otel_mlsec.reference.cycle_statistics import Statistics, Word
from otel_mlsec.reference.rhythm import Rhythm
from otel_mlsec.reference.rhythm_spread import spread_of
from otel_mlsec.reference.slots import looks_of

CYCLES = 14  # that are learned from
MOST = 1.5  # sd of a row of the reference, of a mean; it is 1 at most, and 14 days show it as 1.5 at most
MOST_SHARE = 0.75  # arc sines, likewise
JUDGED = (Word.MEAN, Word.LOW, Word.HIGH, Word.LEVEL)  # of which a mixture's is the mean of its parts'
BOUNDS = np.array([0, 24])  # only whole days


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """State: three (S,) arrays; 0 where a statistic has no shape."""

    centre: Floats
    upper: Floats
    lower: Floats
    wide: Masks  # (S,) strayed more than the reference's rows do

    def rhythm(self, names: Sequence[str], rows: float) -> Rhythm:
        size = len(self.centre)
        none = np.zeros(size, np.int64)
        return Rhythm(
            names=tuple(names), n_cycles=CYCLES, bounds=BOUNDS, rows=np.array([rows]), kinds=np.zeros(7, np.int64),
            members=np.array([CYCLES]), centre=self.centre[None], upper=self.upper[None], lower=self.lower[None], rare=none,
            fast=none, top=np.zeros(size), bottom=np.zeros(size), usual=np.zeros(len(names)),
        )  # fmt: skip


def learned(days: Floats, pooled: Floats, of: Statistics, rows: float) -> Learned:
    """(14, S) statistics of live days, and (S,) those of all of the reference, `rows` being usual in a day."""
    spread = spread_of(days[:, None], of, np.zeros(len(days), np.int64), np.array([rows]), looks_of(BOUNDS))
    judged = np.isin(of.word, JUDGED) & ~spread.rare & ~np.isnan(pooled)
    most = np.where(of.is_share, MOST_SHARE, MOST)
    sides = [np.where(judged, np.minimum(side[0], most), 0.0) for side in (spread.upper, spread.lower)]
    wide = judged & (np.maximum(spread.upper[0], spread.lower[0]) > most)
    known = ~np.isnan(days)
    n = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, days, 0.0).sum(axis=0) / n
    share = np.where(known, np.sin(days) ** 2, 0.0).sum(axis=0) / n
    curved = np.where(of.is_share, mean - np.arcsin(np.sqrt(share)), 0.0)
    centre = np.where(judged, pooled + curved, 0.0)
    return Learned(centre=centre, upper=sides[0], lower=sides[1], wide=wide)
