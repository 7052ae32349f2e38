"""The law of layers in pyproject.toml, and that every detector and instrumentation is where its table says."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_imports_point_one_way():
    pytest.importorskip("importlinter")
    no_cache = "from importlinter.cli import lint_imports_command as lint; lint(['--no-cache'])"  # it misses new modules
    done = subprocess.run(
        [sys.executable, "-c", no_cache],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


@pytest.mark.parametrize("table", ["otel_mlsec.capture", "otel_mlsec.detectors"])
def test_every_row_of_a_table_can_be_imported(table):
    for path in import_module(table).TABLE.values():
        module, _, name = path.partition(":")
        assert not name or hasattr(import_module(module), name), path
