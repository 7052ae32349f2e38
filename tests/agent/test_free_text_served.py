"""A real text model in front of the agent: another language among its reviews, the same law for long, cells that are none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

import otel_mlsec

pytest.importorskip("sklearn")
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

ENGLISH = (
    "the room was clean and the staff were friendly to all of us|breakfast is good but it was too noisy for me at night",
    "we would come back to this place with our children|you should not stay here if you want to sleep",
    "there is a small garden that they keep very well|the bathroom had no window and the lamp did not work",
)
GERMAN = (
    "das zimmer war sauber und die leute waren sehr nett zu uns|das essen ist gut aber es war in der nacht zu laut",
    "wir kommen gerne wieder und nehmen auch die kinder mit|man sollte hier nicht wohnen wenn man schlafen will",
)
WHERE = np.array(["Rome", "Oslo", "Lima"])


def said(chance: np.random.Generator, sentences: Sequence[str]) -> str:
    """Words of two or three sentences in the order of each, some left out: no text comes twice."""
    several = chance.permutation([part for line in sentences for part in line.split("|")])[: chance.integers(2, 4)]
    return ". ".join(" ".join(word for word in part.split() if chance.random() < 0.85) for part in several.tolist())


def frame(seed: int, n: int, german: float = 0.0) -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    texts = [said(chance, GERMAN if chance.random() < german else ENGLISH) for _ in range(n)]
    return pd.DataFrame({"price": chance.normal(100, 20, n), "city": chance.choice(WHERE, n), "review": texts})


KNOWN = frame(0, 2000)
COLUMNS = ColumnTransformer([("words", TfidfVectorizer(), "review"), ("price", "passthrough", ["price"])])
MODEL = make_pipeline(COLUMNS, LogisticRegression(max_iter=500)).fit(KNOWN, KNOWN["price"] > 100)
REFERENCE = otel_mlsec.Reference.fit(frame(1, 3000), model=MODEL, texts=("review",), name="stay")


@pytest.fixture
def served(watched: Any) -> Any:
    watched.instrument()
    return otel_mlsec.watch(MODEL, name="stay", reference=REFERENCE)


def everything(watched: Any) -> str:
    """That a backend would get, and what a log line or a debugger would show of the reference."""
    logs = [(each.body, dict(each.attributes)) for each in watched.findings()]
    spans = [(each.name, dict(each.attributes), [(e.name, dict(e.attributes)) for e in each.events]) for each in watched.spans()]
    return f"{logs}{spans}{REFERENCE!r}".lower()


def test_another_language_in_a_fifth_of_the_reviews_is_named_and_no_word_leaves(watched: Any, served: Any):
    for i in range(20):
        served.predict(frame(100 + i, 64))
    assert watched.findings() == []

    for i in range(30):
        served.predict(frame(200 + i, 64, german=0.2))

    drift = [each.attributes for each in watched.findings() if each.attributes["security_rule.name"].startswith("drift")]
    assert {"review: German", "review: words never seen"} <= set(drift[0]["mlsec.evidence.features"])
    assert {each["security_rule.name"] for each in drift} == {"drift/data"}
    assert all(name.startswith("review: ") for each in drift for name in each["mlsec.evidence.features"])
    words = {word for line in (*ENGLISH, *GERMAN) for word in line.replace("|", " ").split() if len(word) > 6}
    assert len(words) == 5
    assert not [word for word in words if word in everything(watched)]


def test_the_same_law_is_no_drift_however_the_calls_are_cut_and_by_whatever_method(watched: Any, served: Any):
    for i, n in enumerate((1, 3, 40, 256, 700, 1, 90) * 6):
        rows = frame(300 + i, n)
        served.predict_proba(rows)
        if i % 3 == 0:
            served.predict(rows)

    assert watched.findings() == []
    assert len(watched.spans()) == 42 + 14


class Lenient:
    """A model that takes whatever it is given."""

    def predict(self, rows: Any) -> np.ndarray:
        return np.zeros(len(rows))


@pytest.mark.parametrize("cell", [
    None, b"bytes of a review that is no text", "a" * 10_000_000, "\ud800 lone \udfff surrogates \x00", "", " " * 5000, 3.5,
    float("nan"), ["a", "list"], {"a": "dict"}, pd.NA, np.str_("a text of numpy"), "\u0130" * 5000, object(),
], ids=lambda cell: type(cell).__name__)  # fmt: skip
def test_a_cell_that_is_hardly_a_text_costs_neither_its_call_nor_the_next_ones(watched: Any, cell: Any):
    watched.instrument()
    lenient = otel_mlsec.watch(Lenient(), name="stay", reference=REFERENCE)
    containers = (lambda rows: rows, lambda rows: rows.to_dict("records"), lambda rows: rows.iloc[[5]], pd.DataFrame.to_numpy)

    for i, contained in enumerate(containers):
        strange = frame(7 + i, 64).astype({"review": object})
        strange.at[5, "review"] = cell
        lenient.predict(contained(strange))
    assert len(watched.spans()) == len(containers)
    assert not [each for each in watched.findings() if each.attributes["security_rule.name"].startswith("drift")]
    for i in range(15):
        lenient.predict(frame(400 + i, 64, german=0.5))

    named = [name for each in watched.findings() for name in each.attributes.get("mlsec.evidence.features", ())]
    assert "review: German" in named
    assert "surrogates" not in everything(watched)
