"""What honest clients ask in a day, in the ways that detectors of attacks mistake for one; and attacks hidden in it.

Made of natural rows only: people at work, jobs over whole tables and their exact repetition, retries, shadow copies for a test of
two versions, sensors that move slowly or shake, sliders that are played with, forms that are corrected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats, Ints, Masks
from otel_mlsec.attack.families import Trace
from otel_mlsec.attack.record import written

KINDS = ("interactive", "batch", "batch_rerun", "retry", "timeseries", "shadow", "whatif", "correction", "noisy_sensor")
INTERACTIVE, BATCH, BATCH_RERUN, RETRY, TIMESERIES, SHADOW, WHATIF, CORRECTION, NOISY_SENSOR = range(len(KINDS))

DAY = 86_400.0  # s
MORE = 1.08  # rows that are made for one that is asked for: chance decides how many some kinds have
USERS = 3000  # people at work
JOBS = 12
CLIENTS = 60  # sensors that move
SENSORS = 10  # that stay where they are
SLIDER = 20  # positions
STEPS = (0.003, 0.01, 0.03, 0.1)  # standard deviations that a feature moves from one reading to the next
NOISE = (0.005, 0.02)  # of sensors, in the same
LOOKED_AT = 5000  # rows that say how wide features are

Kinds = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Rows in the order of their times."""

    rows: Floats  # (n, d)
    principals: Ints  # (n,) who asks
    times: Floats  # (n,) s from the start of the day
    kinds: Kinds  # (n,) of KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """Benign traffic with attacks in it, in the order in which it is asked."""

    rows: Floats  # (n, d)
    principals: Ints  # (n,)
    times: Floats  # (n,) s
    benign: Ints  # (n,) which row of the traffic, -1 for one of an attack
    trace: Ints  # (n,) which attack, -1 for none
    ordinal: Ints  # (n,) which row of the attack, -1 for none


def benign(
    pool: Floats,
    n: int,
    *,
    low: Floats,
    high: Floats,
    decimals: Sequence[int | None],
    numeric: Masks | None = None,
    seed: int = 0,
    morph: bool = False,
) -> Traffic:
    """A day of traffic.

    Args:
        pool: (m, d) natural rows; none is taken twice as long as there are others.
        n: queries.
        low, high: (d,) the box that no reading leaves.
        decimals: (d,) to which readings are written.
        numeric: (d,) features that can move a little; None: all.
        morph: slow series go from one natural row to another instead of each feature by itself, as pictures do.
    """
    if n < 1 or not len(pool):
        raise ValueError(f"n and the rows of pool must be at least 1, got {n} and {len(pool)}")
    day = _Day(pool, round(MORE * n) + SLIDER, low, high, decimals, numeric, np.random.default_rng(seed), morph)
    day.people()
    day.jobs()
    day.moving_sensors()
    day.shaking_sensors()
    day.sliders()
    return day.first(n)


def mix(
    traffic: Traffic,
    traces: Sequence[Trace],
    *,
    accounts: int = 1,
    gap: float = 50.0,
    seed: int = 0,
    start: float = 0.3,
) -> Mixture:
    """Attacks among benign traffic, side by side, each from random accounts of its own.

    Args:
        accounts: that each attack is spread over, a random one for each query.
        gap: benign queries between two of one attack, on average; fewer where the traffic is too short.  Without any traffic
            attacks ask once a second.
        start: part of the traffic before the first attack.
    """
    if accounts < 1 or gap < 0 or not 0 <= start < 1:
        raise ValueError(f"accounts must be at least 1, gap at least 0, start in [0, 1), got {accounts}, {gap}, {start}")
    g = np.random.default_rng(seed)
    n = len(traffic.rows)
    traces_and_none = [(number, trace) for number, trace in enumerate(traces) if len(trace.rows)]
    first_account = int(traffic.principals.max(initial=-1)) + 1
    rows, principals = [traffic.rows], [traffic.principals]
    places, numbers, ordinals = [np.arange(n, dtype=np.float64)], [np.full(n, -1)], [np.full(n, -1)]
    for number, trace in traces_and_none:
        q, room = len(trace.rows), n * (1 - start)
        between = min(gap, 0.9 * room / q) if n else 1.0
        at = n * start + g.uniform(0, max(0.0, room - q * between)) + np.cumsum(g.exponential(between, q))
        rows.append(trace.rows.astype(traffic.rows.dtype, copy=False))
        principals.append(first_account + number * accounts + g.integers(accounts, size=q))
        places.append(np.minimum(at, n - 0.5) if n else at)
        numbers.append(np.full(q, number))
        ordinals.append(np.arange(q))
    place = np.concatenate(places)
    order = np.argsort(place, kind="stable")
    return Mixture(
        rows=np.concatenate(rows)[order],
        principals=np.concatenate(principals)[order],
        times=(np.interp(place, np.arange(n), traffic.times) if n else place)[order],
        benign=np.where(order < n, order, -1),
        trace=np.concatenate(numbers)[order],
        ordinal=np.concatenate(ordinals)[order],
    )


class _Day:
    """Traffic as it is put together, `n` rows of it, roughly."""

    def __init__(
        self,
        pool: Floats,
        n: int,
        low: Floats,
        high: Floats,
        decimals: Sequence[int | None],
        numeric: Masks | None,
        g: np.random.Generator,
        morph: bool,
    ) -> None:
        self._pool, self._n, self._low, self._high, self._decimals = pool, n, low, high, decimals
        self._g, self._morph = g, morph
        self._order, self._taken = g.permutation(len(pool)), 0
        self._principals = 0
        some = pool[g.permutation(len(pool))[:LOOKED_AT]]
        known = np.isfinite(some).any(axis=0)
        self._sd, self._q1, self._q99 = np.zeros(pool.shape[1]), low.astype(np.float64), high.astype(np.float64)
        self._sd[known] = np.nanstd(some[:, known], axis=0)
        self._q1[known], self._q99[known] = np.nanquantile(some[:, known], [0.01, 0.99], axis=0)
        self._numeric = known & (numeric if numeric is not None else True)
        self._parts: list[tuple[Floats, Ints, Floats, Kinds]] = []

    def people(self) -> None:
        """Few ask much, most little; some ask again, correct a field, or are copied to a second version that is tried."""
        g, n = self._g, round(0.34 * self._n)
        users = min(USERS, max(1, n // 10))
        sizes = np.maximum(1, g.multinomial(n, g.dirichlet(np.full(users, 0.3))))
        n = int(sizes.sum())
        rows, who, times = self._take(n), np.repeat(self._new(users), sizes), g.uniform(0, DAY, n)
        self._add(rows, who, times, INTERACTIVE)
        retried, corrected = g.random(n) < 0.08, g.random(n) < 0.06
        for _ in range(2):
            at = np.flatnonzero(retried & (g.random(n) < 0.7))
            self._add(rows[at], who[at], times[at] + g.uniform(0.36, 7.2, len(at)), RETRY)
        for _ in range(2):
            at = np.flatnonzero(corrected & (g.random(n) < 0.6))
            changed, field = rows[at], g.integers(rows.shape[1], size=len(at))
            changed[np.arange(len(at)), field] = self._pool[g.integers(len(self._pool), size=len(at)), field]
            self._add(changed, who[at], times[at] + g.uniform(3.6, 18.0, len(at)), CORRECTION)
        shadow = self._new(users)
        at = np.flatnonzero(np.repeat(g.random(users) < 0.25, sizes))
        self._add(rows[at], np.repeat(shadow, sizes)[at], times[at] + g.uniform(0, 0.36, len(at)), SHADOW)

    def jobs(self) -> None:
        """Whole tables in an hour; every second one again six hours later."""
        g, n = self._g, max(1, round(0.34 / 1.5 * self._n / JOBS))
        for number in range(JOBS):
            rows, who = self._take(n), np.repeat(self._new(1), n)
            times = g.uniform(0, DAY - 8 * 3600) + np.sort(g.uniform(0, 3600.0, n))
            self._add(rows, who, times, BATCH)
            if number % 2:
                self._add(rows, who, times + 6 * 3600 + g.uniform(0, 3.6, n), BATCH_RERUN)

    def moving_sensors(self) -> None:
        for n in self._shares(0.12, CLIENTS):
            path = self._morphing(n) if self._morph else self._walking(n)
            self._add(self._read(path), np.repeat(self._new(1), n), np.sort(self._g.uniform(0, DAY, n)), TIMESERIES)

    def shaking_sensors(self) -> None:
        g = self._g
        for n in self._shares(0.03, SENSORS):
            width = (self._high - self._low) if self._morph else self._sd
            shaken = self._take(1) + self._numeric * g.normal(0, g.choice(NOISE), (n, len(width))) * width
            self._add(self._read(shaken), np.repeat(self._new(1), n), np.sort(g.uniform(0, DAY, n)), NOISY_SENSOR)

    def sliders(self) -> None:
        """One feature from low to high, the others kept."""
        g, able = self._g, np.flatnonzero(self._numeric)
        n = round(0.006 * self._n / SLIDER) if len(able) else 0
        if not n:
            return
        rows, feature = np.repeat(self._take(n), SLIDER, axis=0), np.repeat(g.choice(able, n), SLIDER)
        position = np.tile(np.linspace(0, 1, SLIDER), n)
        rows[np.arange(len(rows)), feature] = self._q1[feature] + position * (self._q99 - self._q1)[feature]
        times = np.repeat(g.uniform(0, DAY, n), SLIDER) + np.tile(np.arange(SLIDER) * 0.36, n)
        self._add(self._read(rows), np.repeat(self._new(n), SLIDER), times, WHATIF)

    def first(self, n: int) -> Traffic:
        """The first n rows of the day."""
        rows, principals, times, kinds = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        order = np.argsort(times, kind="stable")[:n]
        return Traffic(rows=rows[order], principals=principals[order], times=times[order], kinds=kinds[order])

    def _walking(self, n: int) -> Floats:
        """(n, d) a random walk of some features, each by itself, between the outer hundredths of natural values."""
        g, start = self._g, self._take(1)[0]
        moving = self._numeric & (g.random(len(start)) < 0.6) & (self._q99 > self._q1)
        steps = g.normal(0, g.choice(STEPS), (n, int(moving.sum()))) * self._sd[moving]
        path = np.repeat(start[None].astype(np.float64), n, axis=0)
        path[:, moving] = _reflected(start[moving] + np.cumsum(steps, axis=0), self._q1[moving], self._q99[moving])
        return path

    def _morphing(self, n: int) -> Floats:
        """(n, d) to and fro between two natural rows."""
        g = self._g
        one, other = self._take(2)
        share = np.abs((np.arange(n) * g.choice(STEPS) / 10) % 2 - 1)[:, None]
        return one * share + other * (1 - share) + self._numeric * g.normal(0, 0.01, (n, len(one))) * (self._high - self._low)

    def _read(self, rows: Floats) -> Any:
        return written(np.clip(rows, self._low, self._high), self._decimals)

    def _shares(self, share: float, n: int) -> list[int]:
        """Rows of each of at most n clients."""
        rows = max(1, round(share * self._n))
        clients = min(n, max(1, rows // 20))
        return [rows // clients] * clients

    def _take(self, n: int) -> Floats:
        """(n, d) copies of rows of the pool, in an order of its own each time it is through."""
        taken: list[Ints] = []
        while n:
            if self._taken == len(self._order):
                self._order, self._taken = self._g.permutation(len(self._pool)), 0
            taken.append(self._order[self._taken : self._taken + n])
            self._taken += len(taken[-1])
            n -= len(taken[-1])
        return self._pool[np.concatenate(taken)] if taken else self._pool[:0].copy()

    def _new(self, n: int) -> Ints:
        self._principals += n
        return np.arange(self._principals - n, self._principals)

    def _add(self, rows: Floats, principals: Ints, times: Floats, kind: int) -> None:
        dtype = self._pool.dtype if self._pool.dtype.kind == "f" else np.dtype(np.float64)
        self._parts.append((rows.astype(dtype, copy=False), principals, times, np.full(len(rows), kind, np.int8)))


def _reflected(path: Floats, low: Floats, high: Floats) -> Floats:
    """A path folded at both ends of what is allowed."""
    width = high - low
    return low + width - np.abs((path - low) % (2 * width) - width)
