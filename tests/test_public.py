import subprocess
import sys

import otel_mlsec


def test_the_public_list_is_what_it_was():
    assert otel_mlsec.__all__ == [
        "Blocked", "Checked", "Config", "ConfigError", "FeatureSettings", "Finding", "LlmSettings", "ModelSettings", "Reference",
        "Severity", "Suppression", "canary", "check", "current_prediction", "event_time", "feedback", "instrument", "on_finding",
        "prediction_id", "principal", "uninstrument", "watch",
    ]  # fmt: skip
    assert all(hasattr(otel_mlsec, name) for name in otel_mlsec.__all__)


def test_importing_and_instrumenting_loads_no_numpy_and_no_framework_and_starts_no_thread():
    code = """
import sys, threading
import otel_mlsec
otel_mlsec.instrument()
heavy = [m for m in ("numpy", "scipy", "sklearn", "pandas", "xgboost", "rich", "fastapi", "re2", "httpx") if m in sys.modules]
assert not heavy, heavy
assert threading.active_count() == 1, threading.enumerate()
"""

    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(otel_mlsec, "instrumnt")


def test_check_and_canary_stay_functions_when_they_have_been_called():
    first = otel_mlsec.check("hello")

    assert otel_mlsec.check("hello") == first
    assert not first
    assert len(otel_mlsec.canary()) == 12
    assert otel_mlsec.canary() != otel_mlsec.canary()
