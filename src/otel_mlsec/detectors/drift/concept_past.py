"""Since when a model errs as it does, and how much: the past of its errors, by place."""

from __future__ import annotations

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.detector import State
from otel_mlsec.detectors.drift.bets import WORSE
from otel_mlsec.detectors.drift.concept_baseline import Baseline
from otel_mlsec.detectors.drift.concept_charts import LOSS, MODEL
from otel_mlsec.detectors.drift.concept_effect import Effect, of_losses, of_mean, of_rate, share
from otel_mlsec.reference.losses import LEVELS
from otel_mlsec.sketches.history import History

MOST_CONFUSED, LEAST_CONFUSED = 3, 0.005  # pairs of classes that are told, and share of the rows by which one must have moved
WORTH = 64  # labels: a change is measured over what so many independent ones are worth


class Past:
    """State: three histories of at most 72 buckets."""

    def __init__(self, baseline: Baseline) -> None:
        self._baseline = baseline
        k = len(baseline.truth.kinds)
        self._places = len(baseline.rates)
        self._errors = History(self._places, 2 * k)
        self._losses = History(1, LEVELS)
        self._confused = History(1, len(baseline.classes) ** 2)

    def append(self, start: float, errors: Ints, losses: Ints, confused: Ints) -> None:
        """(P, 2 k), (LEVELS,) and (c · c,) counts of a block whose predictions were made around `start`."""
        self._errors.append(start, errors, np.zeros(self._places))
        self._losses.append(start, losses[None], np.zeros(1))
        self._confused.append(start, confused[None], np.zeros(1))

    def effect(self, place: int, side: int) -> Effect:
        """Over the suffix that is likeliest to be the change."""
        starts, counts = self._suffixes(place)
        at = self._likeliest(place, side, counts)
        return self._of(place, counts[at], float(starts[at:].min()))

    def confusions(self, side: int) -> tuple[str, ...]:
        """What is now taken for what more often than before (or more seldom), in shares of the rows."""
        base, c = self._baseline, len(self._baseline.classes)
        if not c:
            return ()
        counts = self._confused.suffixes(0)[1][self._likeliest(MODEL, side, self._suffixes(MODEL)[1])]
        after = counts / max(1, int(counts.sum()))
        before = base.truth.confusion.ravel() / base.truth.n_rows
        moved = (after - before) * (1 if side == WORSE else -1) * ~np.eye(c, dtype=np.bool_).ravel()
        most = [int(cell) for cell in np.argsort(-moved, kind="stable")[:MOST_CONFUSED] if moved[cell] >= LEAST_CONFUSED]
        return tuple(
            f"{base.classes[cell // c]} taken for {base.classes[cell % c]} {before[cell]:.1%} -> {after[cell]:.1%} of rows"
            for cell in most
        )

    def latest(self, place: int, rows: int) -> Effect:
        """Over the last `rows` labels there, or a few more."""
        starts, counts = self._suffixes(place)
        at = max(0, int((counts.sum(axis=1) >= rows).sum()) - 1)
        return self._of(place, counts[at], float(starts[at:].min()))

    def _suffixes(self, place: int) -> tuple[Floats, Ints]:
        starts, counts, _ = self._losses.suffixes(0) if place == LOSS else self._errors.suffixes(_row(place))
        return starts, counts

    def _of(self, place: int, counts: Ints, since: float) -> Effect:
        base = self._baseline
        if place == LOSS:
            rows = int(counts.sum())
            after, low, high = (base.scale * x for x in of_mean(counts, rows / base.inflation))
            return Effect(
                place=place, name="", feature="", loss=True, before=base.scale * base.loss_mean, after=after, low=low, high=high,
                sd=base.scale * base.loss_sd, rows=rows, since=since,
            )  # fmt: skip
        i = _row(place)
        rows, hits = map(int, share(counts))
        low, high = of_rate(hits / base.inflation, rows / base.inflation)
        named = base.places.slices[i - 1] if i else None
        return Effect(
            place=place, name=named.name if named else "", feature=named.feature if named else "", loss=False,
            before=self._before(i, counts), after=hits / max(1, rows), low=low, high=high, sd=0.0, rows=rows,
            since=since,
        )  # fmt: skip

    def recent(self, place: int, rows: int) -> tuple[int, float, float]:
        """-> labels, error (or loss, in its unit) and reference's of the last `rows` at a place, or of a few more."""
        base = self._baseline
        if place == LOSS:
            total = _last(self._losses, 0, rows, LEVELS)
            return int(total.sum()), base.scale * of_losses(total)[0], base.scale * base.loss_mean
        total = _last(self._errors, _row(place), rows, 2 * len(base.truth.kinds))
        n, wrong = map(int, share(total))
        return n, wrong / max(1, n), self._before(_row(place), total)

    def forget(self, place: int) -> None:
        """The past of a closed change is no part of the next one."""
        for bucket in self._losses.buckets if place == LOSS else self._errors.buckets:
            bucket.counts[0 if place == LOSS else _row(place)] = 0

    def snapshot(self) -> State:
        return {f"{name}.{part}": array for name, history in self._all() for part, array in history.snapshot().items()}

    def restore(self, state: State) -> None:
        for name, history in self._all():
            history.restore({part: state[f"{name}.{part}"] for part in ("starts", "blocks", "counts", "sums")})

    def _all(self) -> tuple[tuple[str, History], ...]:
        return ("errors", self._errors), ("losses", self._losses), ("confused", self._confused)

    def _likeliest(self, place: int, side: int, counts: Ints) -> int:
        base, rows = self._baseline, counts.sum(axis=1)
        bets, i = (base.loss_bets, 0) if place == LOSS else (base.error_bets, _row(place))
        enough = rows >= min(WORTH * base.inflation, int(rows[0]))
        likely = np.where(enough, bets.likelihood(i, side, counts), -np.inf)
        return len(likely) - 1 - int(np.argmax(likely[::-1]))  # the last of equals: what was forgotten adds nothing

    def _before(self, i: int, counts: Ints) -> float:
        """The reference's error, of answers of the same kinds."""
        rows = counts.reshape(-1, 2).sum(axis=1)
        return float(rows @ self._baseline.rates[i]) / int(rows.sum()) if rows.any() else float(self._baseline.rates[i, 0])


def _row(place: int) -> int:
    """In the counts of errors, where losses have none."""
    return 0 if place == MODEL else place - 1


def _last(history: History, i: int, rows: int, n_cells: int) -> Ints:
    total = np.zeros(n_cells, np.int64)
    for bucket in reversed(history.buckets):
        total = total + bucket.counts[i]
        if int(total.sum()) >= rows:
            break
    return total
