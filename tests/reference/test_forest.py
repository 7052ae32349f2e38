"""An isolation forest in flat arrays scores as scikit-learn's does, and travels in the reference's file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from otel_mlsec.arrays import Floats
from otel_mlsec.config import Config, ConfigError, ModelSettings
from otel_mlsec.detectors.anomaly.input import Input
from otel_mlsec.observation import Batch, Meaning, Model
from otel_mlsec.reference import envelope
from otel_mlsec.reference.forest import flattened, path_length
from otel_mlsec.reference.reference import Reference


def rows(seed: int, n: int) -> Floats:
    x = np.random.default_rng(seed).normal(size=(n, 6))
    x[:, 2], x[:, 3], x[:, 4] = np.round(x[:, 2]), 1.0, np.exp(3 * x[:, 4])
    return x


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference.fit(rows(1, 3000), forest=True)


@pytest.mark.parametrize("sample", [2, 3, 100, 256, 1000, 1.0])
@pytest.mark.parametrize("columns", [1.0, 0.5])
def test_scores_are_those_of_scikit_learn(sample: float, columns: float):
    x = rows(2, 3000)
    fitted = IsolationForest(n_estimators=30, max_samples=sample, max_features=columns, random_state=0).fit(x)
    asked = np.concatenate([rows(3, 2000), 1e6 * rows(4, 100), x[:50]]).astype(np.float32)

    np.testing.assert_allclose(-flattened(fitted).scores(asked), fitted.score_samples(asked), atol=1e-9)


def test_cells_on_a_threshold_go_where_scikit_learn_sends_them():
    x = rows(5, 500).astype(np.float32)
    fitted = IsolationForest(n_estimators=50, random_state=0).fit(x)
    at = np.concatenate([np.full((1, 6), t) for e in fitted.estimators_ for t in e.tree_.threshold[:20]])
    asked = np.concatenate([np.nextafter(at.astype(np.float32), np.float32(d)) for d in (-np.inf, np.inf)] + [at])

    np.testing.assert_allclose(-flattened(fitted).scores(asked), fitted.score_samples(asked.astype(np.float32)), atol=1e-9)


def test_no_rows_have_no_scores_and_one_has_one(reference: Reference):
    assert reference.forest is not None
    assert reference.forest.scores(np.empty((0, 6))).shape == (0,)
    assert reference.forest.scores(np.zeros((1, 6))).shape == (1,)


def test_trees_that_are_too_deep_are_refused():
    line = 2.0 ** np.arange(-120, 120)[:, None]
    deep = IsolationForest(n_estimators=5, max_samples=5000, random_state=0).fit(np.random.default_rng(0).normal(size=(9000, 1)))

    with pytest.raises(ValueError, match="at most 12 levels, got 13"):
        flattened(deep)
    flattened(IsolationForest(n_estimators=5, random_state=0).fit(line))


@pytest.mark.parametrize("n", [1, 2, 3, 256])
def test_path_length_is_the_mean_of_an_unsuccessful_search(n: int):
    assert path_length(n) == pytest.approx({1: 0.0, 2: 1.0, 3: 1.207, 256: 10.245}[n], abs=1e-3)


def test_a_reference_holds_one_only_if_asked(reference: Reference):
    assert reference.forest is not None
    assert len(reference.forest.known) == 1200
    assert Reference.fit(rows(1, 3000)).forest is None


def test_it_comes_back_from_the_file_and_scores_the_same(tmp_path: Path, reference: Reference):
    reference.save(tmp_path / "m.ref")
    forest = Reference.load(tmp_path / "m.ref").forest

    assert forest is not None and reference.forest is not None
    np.testing.assert_array_equal(forest.scores(rows(6, 300)), reference.forest.scores(rows(6, 300)))
    np.testing.assert_array_equal(forest.known, reference.forest.known)


DAMAGES = {
    "features": lambda x: x + 100,
    "thresholds": lambda x: x * np.nan,
    "lengths": lambda x: x - 1e3,
    "known": lambda x: x[:, None] if x.ndim == 1 else x,
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_file_whose_forest_cannot_be_is_refused(tmp_path: Path, reference: Reference, name: str):
    reference.save(tmp_path / "m.ref")
    manifest, raws = envelope.read(tmp_path / "m.ref")
    raw = raws[f"forest.{name}"]
    with np.errstate(invalid="ignore"):
        broken = DAMAGES[name](np.frombuffer(raw.data, raw.dtype).reshape(raw.shape))
    envelope.write(
        tmp_path / "m.ref", manifest, raws | {f"forest.{name}": envelope.Raw(raw.dtype, broken.shape, broken.tobytes())}, None
    )

    with pytest.raises(ValueError, match="forest"):
        Reference.load(tmp_path / "m.ref")


def test_the_detector_compares_with_it_where_settings_say_so(reference: Reference):
    watching = Input.build(reference, ModelSettings(anomaly=("forest",)))
    assert watching is not None
    x = np.concatenate([rows(7, 500), 4 * rows(8, 200)])
    batch = Batch(
        model=Model(name="m"), meaning=Meaning.RAW, features=(), inputs=x, outputs=None, times=np.arange(700.0),
        calls=np.zeros(700, np.int64), principals=("",),
    )  # fmt: skip

    found = watching.update(batch)

    assert found[0].time >= 500
    assert found[0].evidence["compared"] == ("forest",)


def test_a_comparison_that_nobody_knows_is_an_error_that_names_the_key():
    with pytest.raises(ConfigError, match=r"model\.anomaly must be of range, .*, got 'lof'"):
        Config(model=ModelSettings(anomaly=("range", "lof")))
