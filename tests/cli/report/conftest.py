"""A reference of two weeks, and traffic that differs from it in a way that is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from otel_mlsec.cli import main
from otel_mlsec.reference.reference import Reference

DAY = 86400.0
START = 1_700_006_400.0  # a midnight, UTC
PER_DAY = 400
CHANGE = 6  # day from which `distance` is in another unit and `kind` has a level nobody knew


def rows(days: int, seed: int, *, start: float = START, changed: bool = False) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = days * PER_DAY
    late = np.arange(n) >= CHANGE * PER_DAY if changed else np.zeros(n, np.bool_)
    distance = rng.gamma(4.0, 250.0, n) * np.where(late, 1.609, 1.0)
    size = rng.normal(size=n)
    score = 1 / (1 + np.exp(-2 * size))
    kind = rng.choice(["car", "bus", "tram"], n, p=[0.6, 0.3, 0.1])
    kind[late & (rng.random(n) < 0.2)] = "boat"
    return pd.DataFrame(
        {
            "distance": distance,
            "size": size,
            "kind": kind,
            "load": np.where(rng.random(n) < 0.02, np.nan, rng.exponential(size=n)),
            "time": start + np.sort(rng.random(n)) * days * DAY,
            "proba.no": 1 - score,
            "proba.yes": score,
            "truth": np.where(rng.random(n) < np.where(late, 1 - score, score), "yes", "no"),
        }
    )


FEATURES = ["distance", "size", "kind", "load"]


class Scored:
    """A model that answers as the recording says."""

    classes_ = np.array(["no", "yes"])

    def predict_proba(self, X: Any) -> Any:
        yes = 1 / (1 + np.exp(-2 * np.asarray(X["size"], np.float64)))
        return np.column_stack([1 - yes, yes])

    def predict(self, X: Any) -> Any:
        return self.classes_[(self.predict_proba(X)[:, 1] > 0.5).astype(int)]


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    known = rows(14, 1)
    path = tmp_path_factory.mktemp("report") / "trips.ref"
    fitted = Reference.fit(known[FEATURES], known["truth"], Scored(), time=known["time"], name="trips", version="3")
    fitted.save(path)
    return path


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("served") / "served.parquet"
    rows(12, 2, start=START + 14 * DAY, changed=True).to_parquet(path)
    return path


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """-> exit status, standard output, what was said."""

    def called(*words: Any) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(["report", *map(str, words)])
        out, said = capsys.readouterr()
        return status, out, said

    return called


@pytest.fixture
def document(report: Callable[..., tuple[int, str, str]]) -> Callable[..., dict[str, Any]]:
    def called(*words: Any) -> dict[str, Any]:
        status, out, said = report(*words, "--json")
        assert status == 0, said
        return json.loads(out)

    return called
