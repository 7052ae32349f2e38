"""Who asks on a day of winter: travellers and a planner; one who copies the model, and one who wants another answer of it."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import httpx
import numpy as np
import orjson
import pandas as pd
from data import FEATURES, WEATHER

from otel_mlsec.attack.columns import Columns
from otel_mlsec.attack.families import TABLE
from otel_mlsec.attack.knowledge import Knowledge, Spent
from otel_mlsec.attack.record import Recorder

USER, FORWARDED = "x-user", "x-forwarded-for"  # headers, as a gateway in front of the service sets them
PLANNER, COPYCAT, CHEAT = "planner", "copycat", "cheat"
TRAVELLERS = 200
LAST = 0.6  # chance that a flight is the last that a traveller asks about at once
AGAIN = 0.03  # of the questions are asked twice
EVERY = 1.0  # s between two questions, on average
TABLE_EVERY, TABLE_ROWS = 25, 40  # one in so many questions is the planner's, about so many flights
COPIED, COPIED_AT_ONCE = 200, 10  # flights that the copycat asks about
ROUNDS, PROBES = 3, 30  # of the cheat
SMALL, LARGEST, SURE = 0.1, 8.0, 0.05  # standard deviations: of a probe, of a step, and at which halving ends
SEED = 2013


@dataclass(frozen=True, slots=True)
class Question:
    time: float  # s since the epoch
    who: str
    flights: pd.DataFrame


class Service:
    """What `app.py` serves, as its clients see it.  The clock is that of the latest question."""

    def __init__(self, client: httpx.Client, began: float) -> None:
        self._client = client
        self.time = began

    def ask(self, flights: pd.DataFrame, who: str) -> Any:
        """-> (n,) probability of being late."""
        columns = {name: flights[name].to_list() for name in FEATURES}
        headers = {USER: who, FORWARDED: address(who), "user-agent": agent(who)}
        answer = self._client.post("/predict", content=orjson.dumps({"time": self.time, "columns": columns}), headers=headers)
        return np.array(answer.raise_for_status().json())


def address(who: str) -> str:
    """One of his own, in a network of those that are set aside for tests."""
    number = crc32(who.encode())
    return f"198.{18 + number % 2}.{number // 2 % 256}.7"


def agent(who: str) -> str:
    return f"browser/{crc32(who.encode()) % 5}" if who.startswith("traveller") else f"{who}/1.0"


class Public:
    """Honest clients: they look at flights of the weeks to come, of which a forecast says the weather."""

    def __init__(self, service: Service, flights: pd.DataFrame) -> None:
        self._service = service
        self._questions = _questions(flights, service.time)

    def go_on(self, n: int) -> None:
        """With their next n questions."""
        for _, question in zip(range(n), self._questions, strict=False):
            self._service.time = max(self._service.time, question.time)
            self._service.ask(question.flights, question.who)


def _questions(flights: pd.DataFrame, time: float) -> Iterator[Question]:
    chance = np.random.default_rng(SEED)
    loyal = 1 / np.arange(1, TRAVELLERS + 1)
    while True:
        time += float(chance.exponential(EVERY))
        planned = chance.random() < 1 / TABLE_EVERY
        n = TABLE_ROWS if planned else int(chance.geometric(LAST))
        who = PLANNER if planned else f"traveller-{chance.choice(TRAVELLERS, p=loyal / loyal.sum())}"
        question = Question(time, who, flights.iloc[chance.integers(len(flights), size=n)])
        yield question
        if chance.random() < AGAIN:
            yield question


def copy(service: Service, public: Public, known: pd.DataFrame, *, gap: int) -> None:
    """Knockoff nets of otel-mlsec's kit: cells of flights that anybody knows, each column drawn by itself.

    Args:
        gap: requests of others between two of his.
    """
    columns = Columns(known[FEATURES])

    def ask(rows: Any) -> Any:
        late: list[Any] = []
        for at in range(0, len(rows), COPIED_AT_ONCE):
            public.go_on(gap)
            late.append(service.ask(columns.frame(rows[at : at + COPIED_AT_ONCE]), COPYCAT))
        return np.stack([1 - np.concatenate(late), np.concatenate(late)], axis=1)

    with suppress(Spent):
        knowledge = Knowledge.of(columns.numbers(known[FEATURES]), n_classes=2)
        TABLE["marginal"].run(Recorder(ask, COPIED, knowledge.decimals), knowledge, np.random.default_rng(SEED))


def cheat(service: Service, public: Public, flight: pd.DataFrame, sd: Any, *, gap: int) -> float:
    """Which weather would make one late flight a punctual one?  Only answers are looked at, late or not, as HopSkipJump does.

    Args:
        flight: one row, that the service calls late.
        sd: (9,) standard deviations of `WEATHER`.
        gap: requests of others between two of his.

    Returns:
        How far from the flight's weather that is, standard deviations.
    """
    chance = np.random.default_rng(SEED)

    def punctual(moved: Any) -> Any:
        """(n, 9) standard deviations from the flight's weather -> (n,) 1 or -1."""
        answers: list[float] = []
        for move in moved:
            public.go_on(gap)
            weather = dict(zip(WEATHER, flight[WEATHER].to_numpy()[0] + move * sd, strict=True))
            answers += service.ask(flight.assign(**weather), CHEAT).tolist()
        return np.where(np.array(answers) < 0.5, 1.0, -1.0)

    at, nearest = np.zeros(len(WEATHER)), np.inf
    punctual(at[None])
    for _ in range(ROUNDS):
        probes = SMALL * chance.normal(size=(PROBES, len(WEATHER)))
        signs = punctual(at + probes)
        direction = ((signs - signs.mean())[:, None] * probes).mean(axis=0)
        direction /= np.linalg.norm(direction) + 1e-12
        step = SMALL
        while step < LARGEST and punctual((at + step * direction)[None])[0] < 0:
            step *= 2
        if step >= LARGEST:
            continue
        low, high = 0.0, 1.0  # of the way from the flight's own weather
        far = at + step * direction
        while (high - low) * np.linalg.norm(far) > SURE:
            middle = (low + high) / 2
            low, high = (low, middle) if punctual((middle * far)[None])[0] > 0 else (middle, high)
        at = high * far
        nearest = min(nearest, float(np.linalg.norm(at)))
    return nearest
