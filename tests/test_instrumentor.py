"""Zero-code use: whole processes under `opentelemetry-instrument`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn")
pytest.importorskip("opentelemetry.distro", reason="opentelemetry-distro sets the SDK up")
APP = """
import numpy as np
from sklearn.linear_model import LogisticRegression
x = np.random.default_rng(0).normal(size=(200, 3))
model = LogisticRegression().fit(x, x[:, 0] > 0)
print("answer", len(model.predict(x)), type(LogisticRegression.__dict__.get("predict_proba")).__module__)
"""


def under_instrument(**environ):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    clean |= {"OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "console"}
    command = Path(sys.executable).with_name("opentelemetry-instrument")
    return subprocess.run(
        [command, sys.executable, "-c", APP], env=clean | environ, capture_output=True, text=True, timeout=120, check=True
    )


def test_one_word_before_the_command_is_enough():
    done = under_instrument()

    assert '"name": "predict LogisticRegression"' in done.stdout
    assert "answer 200 otel_mlsec.capture._patch" in done.stdout


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("OTEL_MLSEC_ENABLED", "perhaps", "OTEL_MLSEC_ENABLED must be true or false, got 'perhaps'"),
        ("OTEL_MLSEC_REFERENCE", "nowhere.ref", "reference of model '*' must be a file of `otel-mlsec reference fit`"),
        ("OTEL_MLSEC_DISABLED_INSTRUMENTATIONS", "sk", "must be of sklearn, xgboost, lightgbm, mlflow, httpx, genai, got 'sk'"),
        ("OTEL_MLSEC_TYPO", "1", "OTEL_MLSEC_TYPO is not a setting"),
    ],
)
def test_a_wrong_setting_is_said_once_and_the_application_runs_unwatched(variable, value, sentence):
    done = under_instrument(**{variable: value})

    assert "answer 200 " in done.stdout
    assert "otel_mlsec" not in done.stdout
    assert done.stderr.count("otel-mlsec stays off") == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_switched_off_is_off():
    done = under_instrument(OTEL_MLSEC_ENABLED="false")

    assert "answer 200 " in done.stdout
    assert "otel_mlsec" not in done.stdout + done.stderr
