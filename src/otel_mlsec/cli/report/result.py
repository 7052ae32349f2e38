"""What a report says, before it is drawn or written."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.detectors.drift.effect import Effect
from otel_mlsec.finding import Severity
from otel_mlsec.observation import Model
from otel_mlsec.reference.column import Column

USUAL = 1.5  # times the usual distance that nobody would look at


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A time in which a change was there; s since the epoch, or rows."""

    since: float
    since_row: int
    told: float  # when it was found
    told_row: int
    until: float | None = None  # when it was found to be gone; None: it is there at the end


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that was found of one change."""

    kind: str
    detector: str
    title: str
    subject: tuple[str, ...]
    features: tuple[str, ...]  # () where it is about the model's answers as a whole
    severity: Severity  # the worst that was told
    summary: str  # of that
    effects: tuple[str, ...]
    episodes: tuple[Episode, ...]  # at least one, in their order
    measure: str = ""  # what is worse, of a finding about answers: "error", "loss", "accuracy"
    before: float = 0.0  # of that
    after: float = 0.0

    @property
    def since(self) -> float:
        return self.episodes[0].since

    @property
    def open(self) -> bool:
        return self.episodes[-1].until is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One column of the inputs or the answers."""

    column: Column
    output: bool
    counts: Ints  # (N_BINS,) since the change where there is one, else of all rows
    effect: Effect | None  # of the same; None where no value was recorded
    since: float | None  # from where on; None: all rows
    until: float | None  # up to where; None: the end
    distances: (
        Floats  # (n_slices,) from the reference, of so many slices in a row as seven cycles are where it moves by the cycle
    )
    usual: float  # the same within the reference, of a column that moves by the cycle; else 0
    rows: Ints  # (n_slices,)
    missing: Floats  # (n_slices,) share
    cases: tuple[Case, ...]
    levels: dict[int, str] = field(default_factory=dict[int, str])  # by bin, where the user wants them shown
    retyped: bool = False  # most values are of another type than the reference's

    @property
    def severity(self) -> Severity | None:
        """The worst of its cases; None where it has none."""
        return max((case.severity for case in self.cases), default=None)

    @property
    def open(self) -> bool:
        return any(case.open for case in self.cases)

    @property
    def differs(self) -> bool:
        """Large enough to be shown, though nothing was found."""
        return not self.cases and self.effect is not None and self.effect.shown

    @property
    def beyond(self) -> Floats:
        """(n_slices,) distances without what is usual, for a picture; half more than the median is no rarity."""
        return np.sqrt(np.maximum(self.distances**2 - (USUAL * self.usual) ** 2, 0.0))

    @property
    def main(self) -> Case | None:
        """The worst of its cases, of those the first."""
        return min(self.cases, key=lambda case: (-case.severity, case.since), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """Of the answers, by labels or by what the model's own scores promise."""

    measure: str  # "error rate", "absolute error", "expected accuracy"
    before: float | None  # in the reference
    after: float  # in all rows
    by_slice: Floats  # (n_slices,) NaN where nothing is known
    rows: Ints  # (n_slices,) that it is of
    auc: float | None = None
    classes: tuple[str, ...] = ()  # of `confusion`, without the last row and column, which are of all others
    confusion: Ints = field(default_factory=lambda: np.zeros((0, 0), np.int64))  # (c, c) by true and answered class


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    model: Model
    files: tuple[str, ...]
    n_rows: int
    first: float  # s since the epoch, or row
    last: float
    timed: bool
    slices: Floats  # (n_slices,) where each begins
    width: float  # s, or rows
    columns: tuple[Compared, ...]  # the most severe first
    cases: tuple[Case, ...]  # likewise
    more_findings: int  # that were not kept
    measured: Performance | None  # by labels
    estimated: Performance | None  # by scores
    labelled: int
    reference_rows: int
    reference_cycles: int
    reference_timed: bool
    reference_created: float
    provisional: bool
    in_sample: bool  # the reference's errors are those of rows that the model was fitted on
    absent: dict[str, int]  # columns of the reference -> files without them
    left_out: tuple[str, ...]
    malformed: int
    untimed: int
    backwards: int
    judged: tuple[str, ...]  # names of the detectors

    @property
    def worst(self) -> Severity | None:
        return max((case.severity for case in self.cases), default=None)

    @property
    def changed(self) -> tuple[Compared, ...]:
        return tuple(c for c in self.columns if c.cases)
