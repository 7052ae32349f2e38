"""The one thread that detects: started by the first call, drained before the process or the SDK ends, new in every fork."""

from __future__ import annotations

import atexit
import multiprocessing.util
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any, Generic, TypeVar

from otel_mlsec.errors import contained
from otel_mlsec.pipeline.inbox import Inbox, Sized

POLL = 0.02  # s
BATCH = 256  # calls handled together
EXIT_TIMEOUT = 5.0  # s that the end of the process may be held up
FORK_TIMEOUT = 1.0  # s that a fork may be held up

T = TypeVar("T", bound=Sized)


class Worker(Generic[T]):
    """Hands what waits in the inbox to `handle`, in batches, from a daemon thread of its own.

    `quiet` gives the context in which it works, so that a detector that calls a model is not observed.  `idle` is called at
    every look, and with True by who drains: what is sent next is to be up to date.  `close` is called when nothing more will be
    handled, at the end of the process at the latest.  Never in two threads at once.  `flush` sends on what was handled, in
    processes in which nobody else would.
    """

    def __init__(
        self,
        inbox: Inbox[T],
        handle: Callable[[Sequence[T]], None],
        *,
        quiet: Callable[[], AbstractContextManager[Any]],
        idle: Callable[[bool], None],
        flush: Callable[[], object] = lambda: None,
        close: Callable[[], object] = lambda: None,
    ) -> None:
        self._inbox, self._handle, self._quiet, self._idle, self._flush = inbox, handle, quiet, idle, flush
        self._close = close
        self._reset()
        _workers.add(self)

    def _reset(self) -> None:
        self._busy = threading.RLock()  # held while something is handled
        self._starting = threading.RLock()  # the collector may run in there, and finalize what puts
        self._thread: threading.Thread | None = None
        self._finalizer: multiprocessing.util.Finalize | None = None
        self._stop = False
        self._handled = 0

    def before_fork(self) -> None:
        """Wait for the end of a batch: the child would inherit locks of the SDK and of imports that nobody there can release."""
        self._busy.acquire(timeout=FORK_TIMEOUT)

    def after_fork_in_parent(self) -> None:
        with suppress(RuntimeError):  # it took too long to get
            self._busy.release()

    def after_fork_in_child(self) -> None:
        self._inbox.reset()
        self._reset()

    def put(self, item: T) -> bool:
        """Never blocks, never raises; false if it was dropped."""
        accepted = self._inbox.put(item)
        if self._thread is None and accepted:
            with contained("worker start"):
                self._start()
        return accepted

    def _start(self) -> None:
        with self._starting:
            thread = threading.Thread(target=self._work, name="otel-mlsec", daemon=True)
            if self._thread is not None or self._stop:
                return
            self._thread = thread
            self.drain_at_exit()
            try:
                thread.start()
            except RuntimeError:  # no thread to be had now; the next call tries again
                self._thread = None
                raise

    def drain_at_exit(self) -> None:
        """Before all that has been registered so far: atexit runs the last first, and providers flush there, too."""
        atexit.unregister(self._exit)
        atexit.register(self._exit)
        if multiprocessing.parent_process() is not None:
            if self._finalizer is not None:
                self._finalizer.cancel()
            self._finalizer = multiprocessing.util.Finalize(None, self._exit_of_child, exitpriority=100)

    def _exit(self) -> None:
        with contained("worker exit"):
            self.drain(EXIT_TIMEOUT)
            self._closed()

    def _closed(self) -> None:
        if self._busy.acquire(timeout=FORK_TIMEOUT):
            try:
                self._close()
            finally:
                self._busy.release()

    def _exit_of_child(self) -> None:
        """Forked children of `multiprocessing` run finalizers and no atexit handlers: what the SDK holds would be lost there."""
        self._exit()
        with contained("worker flush"):
            self._flush()

    def _work(self) -> None:
        try:
            with self._quiet():
                while not self._stop:
                    with self._busy, contained("worker idle"):
                        self._idle(False)
                    while self._handle_batch():
                        pass
                    time.sleep(POLL)
        finally:  # a library in Rust that panics raises what is no Exception: the next call begins anew
            if not self._stop:
                self._thread = None

    def _handle_batch(self) -> bool:
        with self._busy:
            items = self._inbox.take(BATCH)
            if items:
                try:
                    with contained("worker handle"):
                        self._handle(items)
                finally:
                    self._handled += len(items)
            return bool(items)

    def drain(self, timeout: float) -> bool:
        """Wait until all that was accepted so far is handled, at most `timeout` s; from any thread."""
        if threading.current_thread() is self._thread:
            return True  # a provider flushed from within detection: waiting for ourselves would never end
        wanted = self._inbox.accepted
        end = time.monotonic() + timeout
        while self._handled < wanted and self._alive() and time.monotonic() < end:
            time.sleep(0.002)
        if self._busy.acquire(timeout=max(0.0, end - time.monotonic())):
            try:
                with contained("worker idle"):
                    self._idle(True)
            finally:
                self._busy.release()
        return self._handled >= wanted

    def stop(self, timeout: float = EXIT_TIMEOUT) -> bool:
        """Drain, then end the thread; what comes afterwards is dropped and counted."""
        drained = self.drain(timeout)
        with contained("worker exit"):
            self._closed()
        self._inbox.closed = True
        self._stop = True
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
        atexit.unregister(self._exit)
        return drained

    def _alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()


_workers: weakref.WeakSet[Worker[Any]] = weakref.WeakSet()  # at-fork handlers are for life, workers are not


def _before_fork() -> None:
    for worker in tuple(_workers):
        worker.before_fork()


def _after_fork_in_parent() -> None:
    for worker in tuple(_workers):
        worker.after_fork_in_parent()


def _after_fork_in_child() -> None:
    for worker in tuple(_workers):
        worker.after_fork_in_child()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
