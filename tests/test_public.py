import subprocess
import sys

import otel_mlsec


def test_the_public_list_is_what_it_was():
    assert otel_mlsec.__all__ == [
        "Config", "ConfigError", "FeatureSettings", "Finding", "ModelSettings", "Reference", "Severity",
        "event_time", "instrument", "principal", "uninstrument", "watch",
    ]  # fmt: skip
    assert all(hasattr(otel_mlsec, name) for name in otel_mlsec.__all__)


def test_importing_and_instrumenting_loads_no_numpy_and_no_framework_and_starts_no_thread():
    code = """
import sys, threading
import otel_mlsec
otel_mlsec.instrument()
heavy = [m for m in ("numpy", "scipy", "sklearn", "pandas", "xgboost", "rich", "fastapi") if m in sys.modules]
assert not heavy, heavy
assert threading.active_count() == 1, threading.enumerate()
"""

    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(otel_mlsec, "instrumnt")
