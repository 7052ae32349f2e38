"""The application's own functions that are told of findings, each in a thread of its own."""

from __future__ import annotations

import contextlib
import inspect
import logging
import queue
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

from otel_mlsec.errors import contained, qualified_name
from otel_mlsec.finding import Finding

MOST: Final = 16  # handlers
WAITING: Final = 256  # findings a handler
LIMIT: Final = 5.0  # s that a handler may take for one finding
TIMEOUT, DROPPED = "timeout", "dropped"  # error.type

Handler = Callable[[Finding], object]
_log = logging.getLogger("otel_mlsec")


class Handlers:
    """Detection never waits for one, and one never for another: who hangs misses findings, and only he does."""

    def __init__(self) -> None:
        self._running: list[_Running] = []
        self.counts: Counter[str] = Counter()  # calls by error.type, "" where it went well

    def add(self, handler: Handler) -> None:
        """Raises: TypeError for what cannot be called, or only in an event loop; ValueError beyond 16."""
        if not callable(handler) or inspect.iscoroutinefunction(handler):
            raise TypeError(f"on_finding takes a function that is no coroutine, got {handler!r}")
        if len(self._running) >= MOST:
            raise ValueError(f"on_finding takes at most {MOST} handlers")
        self._running.append(_Running(handler, self.counts))

    def tell(self, finding: Finding, quiet: Callable[[], AbstractContextManager[Any]]) -> None:
        for running in self._running:
            with contained("emit.handlers"):
                running.put(finding, quiet)

    def close(self, timeout: float) -> None:
        """Wait for what they have been told, at most `timeout` s; they stay."""
        end = time.monotonic() + timeout
        for running in self._running:
            running.finish(max(0.0, end - time.monotonic()))

    def forked(self) -> None:
        """In the child, which has none of the threads."""
        self._running = [_Running(running.handler, self.counts) for running in self._running]
        self.counts.clear()

    def clear(self) -> None:
        running, self._running = self._running, []
        for each in running:
            each.end()


class _Running:
    def __init__(self, handler: Handler, counts: Counter[str]) -> None:
        self.handler, self._counts = handler, counts
        self._waiting: queue.Queue[Finding | None] = queue.Queue(WAITING)
        self._thread: threading.Thread | None = None
        self._since: float | None = None  # when the call that runs was begun
        self._said = False

    @property
    def _name(self) -> str:
        return getattr(self.handler, "__qualname__", type(self.handler).__name__)

    def put(self, finding: Finding, quiet: Callable[[], AbstractContextManager[Any]]) -> None:
        since = self._since
        hangs = since is not None and time.monotonic() - since > LIMIT
        try:
            if hangs:
                raise queue.Full
            self._waiting.put_nowait(finding)
        except queue.Full:
            self._failed(TIMEOUT if hangs else DROPPED)
            return
        if self._thread is None:
            thread = threading.Thread(target=self._work, args=(quiet,), name="otel-mlsec handler", daemon=True)
            thread.start()  # where there is none to be had, the next finding tries again
            self._thread = thread

    def _work(self, quiet: Callable[[], AbstractContextManager[Any]]) -> None:
        with quiet():
            while (finding := self._waiting.get()) is not None:
                self._since = time.monotonic()
                try:
                    self.handler(finding)
                    took = time.monotonic() - self._since
                    if took > LIMIT:
                        self._failed(TIMEOUT)
                    else:
                        self._counts[""] += 1
                except BaseException as error:  # noqa: BLE001 - the user's code; SystemExit would end the thread unseen
                    self._failed(qualified_name(error), where=_where(error))
                finally:
                    self._since = None
                    self._waiting.task_done()

    def _failed(self, error_type: str, where: str = "") -> None:
        """Counted each time, and said once; without the message, which may quote what the handler was given."""
        self._counts[error_type] += 1
        if not self._said:
            self._said = True
            said = f"{error_type}{where}"
            _log.error("handler %s of findings failed (%s); mlsec.handler.calls counts its failures", self._name, said)

    def end(self) -> None:
        """Of the thread, once it has done what it was told."""
        with contextlib.suppress(queue.Full):  # it hangs; should it come back, it goes on with what waits
            self._waiting.put_nowait(None)

    def finish(self, timeout: float) -> None:
        end = time.monotonic() + timeout
        while self._thread is not None and self._waiting.unfinished_tasks and time.monotonic() < end:
            time.sleep(0.005)


def _where(error: BaseException) -> str:
    """The line that raised it."""
    raised = traceback.extract_tb(error.__traceback__)
    return f" in {raised[-1].filename}, line {raised[-1].lineno}" if raised else ""


HANDLERS: Final = Handlers()  # of this process; registered before or after it is instrumented


def on_finding(handler: Handler) -> Handler:
    """Call a function with every finding that leaves this process, until `uninstrument`; usable as a decorator.

    It runs in a daemon thread of its own, one finding at a time, and is not observed itself.  Of a handler that takes more than
    5 s for one finding, or for which 256 wait, findings are dropped until it has come back; its errors are contained.  All of
    that is counted in `mlsec.handler.calls` and logged once.  Findings reach backends whatever becomes of a handler.

    Args:
        handler: takes an `otel_mlsec.Finding`; what it returns is ignored.

    Returns:
        the handler.

    Raises:
        TypeError: it cannot be called, or is a coroutine function.
        ValueError: there are 16 already.

    Example:
        >>> import otel_mlsec
        >>> @otel_mlsec.on_finding
        ... def page(finding):
        ...     if finding.severity >= otel_mlsec.Severity.HIGH:
        ...         print(finding.title, finding.evidence)
        >>> otel_mlsec.uninstrument()
    """
    HANDLERS.add(handler)
    return handler
