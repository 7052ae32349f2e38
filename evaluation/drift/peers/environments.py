"""Each peer's own environment, made once: what one needs is not what another can live with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PLACE = HERE.parents[2] / ".venv-peers"
LONGEST = 900  # s that an installation may take


class Absent(Exception):
    """A peer cannot take part; the message says why."""


def python_of(environment: str, place: Path = PLACE) -> Path:
    """Its Python, installed if it is not.

    Raises:
        Absent: what is pinned cannot be installed here.
    """
    pins = HERE / "pins" / f"{environment}.txt"
    home = place / environment
    python, stamp = home / "bin" / "python", home / "installed"
    wanted = pins.read_text("utf-8")
    if stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return python
    _run([sys.executable, "-m", "venv", str(home)])
    _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--prefer-binary", "-r", str(pins)])
    stamp.write_text(wanted, "utf-8")  # only now: an interrupted installation is done again
    return python


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Absent(f"it could not be installed: {error}") from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise Absent(f"it could not be installed: {said[-1][:200] if said else f'exit code {done.returncode}'}")
