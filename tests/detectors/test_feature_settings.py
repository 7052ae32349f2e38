"""Settings of one feature, as TOML gives them, reach every detector of drift; and importance weighs severity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.detectors.streams import DISTANCE, GATE, NAMES, TEMP, answers, batch, moments, reference, serve, table

from otel_mlsec.arrays import Floats
from otel_mlsec.config import Config, ConfigError, ModelSettings
from otel_mlsec.detectors import build
from otel_mlsec.detectors.drift.effect import severity
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Model
from otel_mlsec.pipeline.life import Life
from otel_mlsec.reference.importance import Importance

SHARES = np.array([0.5, 0.01, 0.2, 0.05, 0.23, 0.01])  # temp and gate have less than a tenth of a sixth
KNOWN = replace(reference(), importance=Importance(names=NAMES, shares=SHARES))
UNKNOWN = reference()


def settings(folder: Path, text: str) -> ModelSettings:
    (folder / "mlsec.toml").write_text(text)
    return Config.load({"OTEL_MLSEC_CONFIG": str(folder / "mlsec.toml")}).of("delay")


def warmer(rows: Floats) -> None:
    rows[:, TEMP] += 8.0  # a standard deviation


def no_gate(rows: Floats) -> None:
    rows[::2, GATE] = np.nan


def with_distance(rows: Floats) -> None:
    rows[:, TEMP] = 10 + 0.6 * (rows[:, TEMP] - 10) + 6.4 * (np.log(rows[:, DISTANCE]) - 6.5) / 0.5


CHANGES: dict[str, tuple[str, str, Callable[[Floats], None]]] = {
    "drift/data": ("temp", "temp", warmer),
    "drift/facts": ("gate", "gate", no_gate),
    "drift/joint": ("distance × temp", "temp", with_distance),
}
every_detector = pytest.mark.parametrize("name", CHANGES)


def told(name: str, by: ModelSettings, *, known: bool = True) -> list[Finding]:
    """Of one detector, after its change."""
    detectors = [each for each in build(KNOWN if known else UNKNOWN, by) if each.name == name]
    rows = table(5, 3000)
    CHANGES[name][2](rows)
    return [f for each in detectors for f in serve(each, rows) if f.status is not Status.RESOLVED]


@every_detector
def test_a_feature_that_the_model_hardly_uses_is_one_step_less_severe_and_never_nothing(name: str):
    [with_importance] = told(name, ModelSettings())
    [without] = told(name, ModelSettings(), known=False)

    steps = list(Severity)
    assert steps.index(with_importance.severity) == steps.index(without.severity) - 1
    assert with_importance.subject == without.subject == (CHANGES[name][0],)


@every_detector
def test_the_user_knows_better_how_important_it_is(name: str, tmp_path: Path):
    _, feature, _ = CHANGES[name]
    [high] = told(name, settings(tmp_path, f"[models.delay.features.{feature}]\nimportance = 1.0"))
    [low] = told(name, settings(tmp_path, f"[models.delay.features.{feature}]\nimportance = 0.0"), known=False)

    assert high.severity > low.severity
    if name != "drift/facts":
        assert high.evidence["importance"] == 1.0
        assert low.evidence["importance"] == 0.0


@every_detector
def test_a_feature_that_is_off_is_not_watched(name: str, tmp_path: Path):
    _, feature, _ = CHANGES[name]

    assert told(name, settings(tmp_path, f"[models.delay.features.{feature}]\noff = true")) == []
    assert len(told(name, settings(tmp_path, f"[models.other.features.{feature}]\noff = true"))) == 1


@pytest.mark.parametrize("name", ["drift/data", "drift/joint"])
def test_tolerance_and_false_alarms_of_a_feature_reach_what_is_statistical(name: str, tmp_path: Path):
    subject, feature, _ = CHANGES[name]
    [plain] = told(name, ModelSettings())
    assert told(name, settings(tmp_path, f"[models.delay.features.{feature}]\ntolerance = 3.0")) == []
    [rarer] = told(name, settings(tmp_path, f'[models.delay.features."{subject}"]\nfalse_alarms_per_million = 1e-5'))

    assert rarer.time > plain.time
    assert rarer.threshold > plain.threshold


def test_settings_of_an_answer_reach_drift_of_predictions(tmp_path: Path):
    assert told_of_answers(ModelSettings()) != []
    for own in ("off = true", "tolerance = 3.0"):
        assert told_of_answers(settings(tmp_path, f'[models.delay.features."probability[yes]"]\n{own}')) == []


def told_of_answers(by: ModelSettings) -> list[Finding]:
    detectors = [each for each in build(KNOWN, by) if each.name == "drift/prediction"]
    rows = table(5, 3000)
    warmer(rows)
    asked = batch(rows, moments(3000), outputs=answers(rows))
    return [f for each in detectors for f in each.update(asked)]


@pytest.mark.parametrize("own", ["importance = -1", "importance = true", 'importance = "high"', "tolerance = 11", "of = true"])
def test_what_is_no_setting_of_a_feature_is_refused_by_its_name(own: str, tmp_path: Path):
    with pytest.raises(ConfigError, match=rf"models\.delay\.features\.temp\.{own.partition(' ')[0]}"):
        settings(tmp_path, f"[models.delay.features.temp]\n{own}")


def test_as_a_drift_grows_it_stays_one_step_less_severe():
    [finding] = told("drift/data", ModelSettings())
    life = Life(now=lambda: 0.0, wall=lambda: 0.0)
    life.admitted(finding, None)

    [(worse, _)] = life.measured([(Model(name="delay", version="3"), "drift/data", "temp", 0.95)], severity)

    assert severity(float(worse.evidence["js_distance_low"])) is Severity.CRITICAL  # type: ignore[arg-type]
    assert worse.severity is Severity.HIGH
