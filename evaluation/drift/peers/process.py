"""A peer at work in a process of its own, asked row by row through pipes (`runners/runner.py` is the other end)."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from evaluation.drift.peers.environments import Absent
from evaluation.drift.peers.table import QUIET, Peer
from otel_mlsec.arrays import Floats

RUNNERS = Path(__file__).parent / "runners"
SMALL = "too small to show"  # who raises an alarm that is counted, and told to nobody
LONGEST = 300  # s that an answer may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    row: int  # rows since `again` at which it was raised
    columns: frozenset[int]  # that it names
    who: str = ""  # detector


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    seconds: float  # of CPU
    judged: int  # rows since `again`; a window that is not full is not judged
    alarms: tuple[Alarm, ...]


def reply_of(line: bytes, name: str) -> Reply:
    """What a runner told.

    Raises:
        Absent: it is not what a runner tells.
    """
    try:
        told = json.loads(line)
        alarms = tuple(Alarm(row=int(a["row"]), columns=frozenset(map(int, a["columns"]))) for a in told["alarms"])
        reply = Reply(seconds=float(told["seconds"]), judged=int(told["judged"]), alarms=alarms)
    except (ValueError, TypeError, KeyError) as error:
        raise Absent(f"the runner of {name} told {line[:80]!r}, which is no answer") from error
    if not (reply.seconds >= 0 and reply.judged >= 0 and all(0 < a.row <= reply.judged for a in alarms)):
        raise Absent(f"the runner of {name} told {line[:80]!r}, whose numbers cannot be")
    return reply


class Process:
    """Serves rows to a runner; use as a context."""

    def __init__(self, peer: Peer, python: Path, runners: Path = RUNNERS) -> None:
        self.name, self.longest = peer.name, peer.longest
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 -- closed in __exit__
        command = [str(python), str(runners / peer.runner), *([peer.kind] if peer.kind else [])]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, env={**os.environ, **QUIET}
        )
        self._waits = selectors.DefaultSelector()
        self._waits.register(self._pipe("stdout"), selectors.EVENT_READ)

    def __enter__(self) -> Process:
        try:
            told: dict[str, Any] = json.loads(self._line())
            self.version, self.settings = str(told["version"]), str(told["settings"])
        except (ValueError, TypeError, KeyError) as error:
            self.__exit__(None, None, None)
            raise Absent("its runner did not say who it is") from error
        except Absent:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        self._waits.close()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            if pipe is not None:
                pipe.close()

    def learn(self, rows: Floats, times: Floats | None) -> float:
        """-> CPU seconds."""
        return self._asked("learn", rows).seconds

    def again(self) -> None:
        """Forget the rows since the reference."""
        self._asked("again", np.empty((0, 0)))

    def update(self, rows: Floats, times: Floats) -> Reply:
        return self._asked("rows", rows)

    def _asked(self, what: str, rows: Floats) -> Reply:
        head = json.dumps({"ask": what, "shape": rows.shape}).encode() + b"\n"
        pipe = self._pipe("stdin")
        try:
            pipe.write(head + np.ascontiguousarray(rows, np.float64).tobytes())
            pipe.flush()
        except OSError as error:
            raise Absent(f"its runner ended: {self._last_error()}") from error
        return reply_of(self._line(), self.name)

    def _line(self) -> bytes:
        if not self._waits.select(LONGEST):
            raise Absent(f"its runner did not answer within {LONGEST} s")
        line = self._pipe("stdout").readline()
        if not line:
            raise Absent(f"its runner ended: {self._last_error()}")
        return line

    def _pipe(self, which: str) -> Any:
        return getattr(self._process, which)

    def _last_error(self) -> str:
        self._process.wait(10)
        self._errors.seek(0)
        said = [line for line in self._errors.read().decode("utf-8", "replace").splitlines() if line.strip()]
        return said[-1][:200] if said else f"exit code {self._process.returncode}"
