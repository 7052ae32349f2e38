"""The command as it is installed."""

import subprocess
import sys
from importlib import import_module
from importlib.metadata import entry_points

import pytest

from otel_mlsec.cli import TABLE, main


def test_the_installed_command_is_this_function():
    [command] = entry_points(group="console_scripts", name="otel-mlsec")

    assert command.load() is main


@pytest.mark.parametrize("name", TABLE)
def test_every_row_has_help_of_its_own(name, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])

    said = capsys.readouterr().out
    assert said.startswith(f"usage: otel-mlsec {name}")
    assert {"configure", "run"} <= vars(import_module(TABLE[name][0])).keys()


def test_the_list_of_subcommands_imports_none_of_them():
    code = """
import sys
from otel_mlsec.cli import TABLE, main
try:
    main(["--help"])
finally:
    loaded = {module for module, _ in TABLE.values()} | {"rich", "numpy", "google.protobuf"}
    assert not loaded & set(sys.modules), loaded & set(sys.modules)
"""

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in TABLE)


@pytest.mark.parametrize("words", [[], ["nonsense"], ["tail", "--nonsense"]])
def test_unknown_words_are_refused_with_a_usage_line(words, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(words)

    assert capsys.readouterr().err.startswith("usage: otel-mlsec")
