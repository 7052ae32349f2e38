"""The whole agent and a real model under a real attack: what a SOC gets to read."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tests.agent.conftest import Watched

import otel_mlsec
from otel_mlsec import detection
from otel_mlsec.attack.families import carry_out
from otel_mlsec.attack.knowledge import Knowledge
from otel_mlsec.pipeline.clock import Clock

ensemble = pytest.importorskip("sklearn.ensemble")
datasets = pytest.importorskip("sklearn.datasets")

QUERIES = 10_000
USUAL = 3000  # before it
AT_ONCE = 20  # rows of one request


@pytest.fixture
def watched() -> Iterator[Watched]:
    yield Watched()
    otel_mlsec.uninstrument()


class Served:
    """A model of eight numbers with a reference, and principals who ask it as usual."""

    def __init__(self, watched: Watched) -> None:
        rows, labels = datasets.make_classification(9000, 8, n_informative=6, n_redundant=1, random_state=3)
        self.rows, self._watched = rows, watched
        model = ensemble.RandomForestClassifier(10, max_depth=8, random_state=0).fit(rows[:3000], labels[:3000])
        reference = otel_mlsec.Reference.fit(rows[3000:6000], model=model, name="risk", version="1")
        self._model = otel_mlsec.watch(model, name="risk", version="1", reference=reference)
        self.asked = 0

    def ask(self, rows: np.ndarray, who: str = "thief") -> np.ndarray:
        """As many requests as it takes; none is dropped, since what waits is seen to now and then."""
        answers: list[Any] = []
        for at in range(0, len(rows), AT_ONCE):
            with otel_mlsec.principal(who):
                answers.append(self._model.predict_proba(rows[at : at + AT_ONCE]))
        self.asked += len(rows)
        self._watched.findings()
        return np.concatenate(answers)

    def usual(self) -> None:
        for number in range(USUAL // 50):
            self.ask(self.rows[6000 + 50 * number :][:50], f"customer {number}")


@pytest.mark.parametrize("family", ["uniform_box", "jbda", "adaptive"])
def test_an_extraction_of_ten_thousand_queries_is_at_most_six_records_and_the_first_comes_at_once(watched, clock, family):
    watched.instrument(spans=False)
    served = Served(watched)
    served.usual()
    assert watched.findings() == []
    first_told_after: list[int] = []

    def ask(rows: np.ndarray) -> np.ndarray:
        answers = served.ask(rows)
        clock.now += 60.0
        if of("risk", watched):
            first_told_after.append(served.asked - USUAL)
        return answers

    carry_out(family, ask, Knowledge.of(served.rows[:1000], n_classes=2), seed=1, budget=QUERIES)

    told = of("risk", watched)
    first_of = {each["mlsec.finding.dedup_key"]: each for each in reversed(told)}
    assert served.asked >= USUAL + QUERIES
    assert 1 <= len(told) <= 6
    assert "extraction.account" in {each["mlsec.finding.type"] for each in told}
    assert {each["mlsec.finding.status"] for each in first_of.values()} == {"new"}
    assert first_told_after[0] <= 500  # the first look after it began
    assert watched.series("mlsec.findings.withheld")


def test_a_drift_of_a_feature_that_is_suppressed_is_not_told_and_that_of_another_is(watched):
    until = "2999-12-31"
    watched.instrument(suppress=[{"kind": "drift.data", "model": "ri*", "feature": "x7", "reason": "new sensor", "until": until}])
    served = Served(watched)
    served.usual()
    for feature in (7, 3):
        shifted = served.rows[6000:8000].copy()
        shifted[:, feature] += 0.7 * shifted[:, feature].std()
        for number in range(40):
            served.ask(shifted[50 * number :][:50], f"customer {number}")

    drifts = [each["mlsec.evidence.features"] for each in of("risk", watched) if each["mlsec.finding.type"] == "drift.data"]
    withheld = {dict(key)["mlsec.withheld.reason"] for key in watched.series("mlsec.findings.withheld")}

    assert drifts == [("x3",)]
    assert "suppressed" in withheld


def test_what_is_suppressed_is_counted(watched):
    watched.instrument(suppress=[{"kind": "drift.*", "reason": "being retired", "until": "2999-12-31"}])
    model = watched.model()

    model.predict(watched.rows(colour=100.0))

    assert watched.findings() == []
    withheld = [(dict(key), count) for key, count in watched.series("mlsec.findings.withheld").items()]
    [(attributes, count)] = [each for each in withheld if each[0]["mlsec.withheld.reason"] == "suppressed"]
    assert attributes["mlsec.finding.type"] == "drift.unseen"
    assert count == 1


def test_a_wall_clock_that_is_set_forth_and_back_ends_repeats_and_silences_nothing(watched, monkeypatch):
    ahead = [0.0]
    wall, wall_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: wall() + ahead[0])
    monkeypatch.setattr(time, "time_ns", lambda: wall_ns() + int(ahead[0] * 1e9))
    monkeypatch.setattr(detection, "Clock", functools.partial(Clock, wall=lambda: time.time()))
    watched.instrument(spans=False)
    served = Served(watched)
    served.usual()
    box = np.random.default_rng(1).uniform(served.rows.min(axis=0), served.rows.max(axis=0), (600, 8))
    served.ask(box[:400])
    before = of("risk", watched)

    for number, set_by in enumerate((7 * 86400.0, -7 * 86400.0, 0.0)):
        ahead[0] = set_by
        served.ask(served.rows[8000 + 100 * number :][:100], "customer 1")
        served.ask(box[400 + AT_ONCE * number :][:AT_ONCE])
    after = of("risk", watched)[len(before) :]

    assert "extraction.account" in {each["mlsec.finding.type"] for each in before}
    assert {each["mlsec.finding.status"] for each in after} <= {"ongoing"}  # of what grew tenfold
    assert {each["mlsec.finding.dedup_key"] for each in after} <= {each["mlsec.finding.dedup_key"] for each in before}


def of(model: str, watched: Watched) -> list[Any]:
    """Attributes of what was told of it; an attacker's own copy is a model that is watched, too."""
    return [each.attributes for each in watched.findings() if each.attributes["mlsec.model.name"] == model]
