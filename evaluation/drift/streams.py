"""Streams that we and others are compared on: each a law of rows before and after a change, drawn part by part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from evaluation.drift.flights import DAY, NEW_YEAR
from evaluation.drift.tables import changed, main_table
from otel_mlsec.arrays import Floats

DAY_ROWS = 2400
SWING = 0.6  # sd, from the mean of a day to its extreme
SWINGING = 8  # columns
RAMP = 20_000  # rows from nothing to all of a gradual change
STAY = 10_000  # rows that a recurring change stays, and is away
SERIAL = 12  # columns' noises that an autocorrelated table has

Draw = Callable[[int, int], Floats]  # first row, counted from the change, and how many -> (n, 20); called in order


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """Rows of the main table, clean where their number is negative."""

    name: str
    start: Callable[[np.random.Generator], Draw]
    columns: frozenset[int] = frozenset()  # that change
    learned: int = 10_000  # rows of a reference
    timed: bool = False  # 2,400 rows a day; otherwise time is no more than their number

    @property
    def key(self) -> str:
        return f"{self.name}, {self.learned} known"

    def reference(self, seed: int) -> tuple[Floats, Floats | None]:
        """-> rows in order, and s since the epoch where the law has days."""
        rng = np.random.default_rng((8, seed))
        return self.start(rng)(-self.learned, self.learned), self.times(-self.learned, self.learned) if self.timed else None

    def times(self, first: int, n: int) -> Floats:
        numbers = first + np.arange(float(n))
        return NEW_YEAR + 365 * DAY + numbers * (DAY / DAY_ROWS) if self.timed else numbers


def independent(scenario: str, columns: set[int], **fields: int) -> Law:
    """One of the changes of `tables.SCENARIOS`; "" changes nothing."""

    def start(rng: np.random.Generator) -> Draw:
        def draw(first: int, n: int) -> Floats:
            rows = main_table(rng, n)
            if scenario:
                after = max(0, -first)
                rows[after:] = changed(rows[after:], scenario, rng)
            return rows

        return draw

    return Law(name=scenario or "clean", start=start, columns=frozenset(columns), **fields)


def autocorrelated(phi: float, shift: float) -> Law:
    """Columns x0 to x10 are AR(1); x0 moves by `shift` sd."""

    def start(rng: np.random.Generator) -> Draw:
        last = phi * rng.standard_normal((1, SERIAL))

        def draw(first: int, n: int) -> Floats:
            nonlocal last
            scale = np.sqrt(1 - phi * phi)
            noise, last = lfilter([scale], [1, -phi], rng.standard_normal((n, SERIAL)), axis=0, zi=last)
            return _moved(main_table(rng, n, noise), shift * (_numbers(first, n) >= 0))

        return draw

    return Law(name=f"AR({phi})" + (f" {shift:+}" if shift else ""), start=start, columns=frozenset({0}), learned=20_000)


def day_and_night(shift: float, days: int = 40) -> Law:
    """The first eight columns swing by 0.6 sd from day to night; x0 moves by `shift` sd."""

    def start(rng: np.random.Generator) -> Draw:
        def draw(first: int, n: int) -> Floats:
            rows, numbers = main_table(rng, n), _numbers(first, n)
            rows[:, :SWINGING] += SWING * np.sin(2 * np.pi * numbers / DAY_ROWS)[:, None]
            return _moved(rows, shift * (numbers >= 0))

        return draw

    name = "day and night" + (f" {shift:+}" if shift else "")
    return Law(name=name, start=start, columns=frozenset({0}), learned=days * DAY_ROWS, timed=True)


def ramp(to: float = 0.5, over: int = RAMP) -> Law:
    """x0 creeps from 0 to `to` sd."""
    return _shifted("ramp", lambda numbers: to * np.clip(numbers / over, 0, 1))


def there_and_back(shift: float = 0.5, stay: int = STAY) -> Law:
    """x0 moves by `shift` sd, is back after `stay` rows, and moves again after as many more."""
    return _shifted("there and back", lambda numbers: shift * ((numbers >= 0) & (numbers // stay % 2 == 0)))


def _shifted(name: str, by: Callable[[Floats], Floats]) -> Law:
    def start(rng: np.random.Generator) -> Draw:
        return lambda first, n: _moved(main_table(rng, n), by(_numbers(first, n)))

    return Law(name=name, start=start, columns=frozenset({0}))


def _numbers(first: int, n: int) -> Floats:
    return first + np.arange(float(n))


def _moved(rows: Floats, by: Floats) -> Floats:
    rows[:, 0] += by
    return rows


CLEAN = independent("", set())
CHANGES = (
    independent("mean 0.25", {0}), independent("mean 0.5", {0}), independent("mean 1.0", {0}), independent("spread 1.5", {0}),
    independent("category 0.10", {17}), independent("new-level 0.01", {17}), independent("missing 0.04", {15}),
    independent("correlation 0.5", {0, 1}), independent("contaminated 0.01", {0}),
)  # fmt: skip
FEW = independent("", set(), learned=1000)
FEW_MOVED = independent("mean 0.5", {0}, learned=1000)
