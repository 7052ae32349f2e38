"""Findings on their way to one receiver, kept until it has them."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from otel_mlsec.emit.record import Record
from otel_mlsec.emit.spool.home import Home
from otel_mlsec.emit.spool.store import Parcel, Store
from otel_mlsec.emit.transport import Answer, Transport
from otel_mlsec.errors import contained

MOST = 128  # records a request
GROUP = 0.02  # s for which what comes is synced together
LOOK = 60.0  # s after which it is looked for what dead processes have left
AGAIN = 600.0  # s after which what was refused is tried again
FIRST_WAIT, LONGEST_WAIT = 0.5, 60.0  # s between tries, doubled
LONGEST_ASKED = 3600.0  # s that a receiver may ask to wait
OLDEST = 7 * 86_400.0  # s that a record is kept, where there has been no receiver for PATIENCE
PATIENCE = 3600.0  # s: a clock that jumped ahead does not make the receiver be away

_log = logging.getLogger("otel_mlsec")


class Spool:
    """Keeps what it is given and sends it, at least once, from a thread of its own that the first record starts.

    Args:
        name: of the sink.
        connect: makes what takes records to the receiver, when there is the first: most processes need no library for it.
        home: directories on disk; None: in memory only.
        limit: bytes on disk.
        quiet: context in which the thread works, so that what it sends is not observed.
        again: s after which records that were refused are tried again.
        age: s after which a record is given up, where the receiver has been away for an hour at least.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], Transport],
        home: Home | None,
        *,
        limit: int = 64 << 20,
        quiet: Callable[[], AbstractContextManager[Any]],
        again: float = AGAIN,
        age: float = OLDEST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._whom = name if home is None or home.url == name else f"{name} at {home.url}"
        self._connect, self._quiet, self._again, self._age, self._clock = connect, quiet, again, age, clock
        self._transport: Transport | None = None
        self._store = Store(home, limit=limit, clock=clock)
        self._reset()

    def _reset(self) -> None:
        self._starting, self._sending = threading.Lock(), threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()  # of the thread that runs; never cleared
        self._tries = 0  # that failed, one after another
        self._n_refused = 0  # likewise
        self._try_at = self._look_at = self._refused_at = 0.0
        self._failing_since: float | None = None
        self._looked = False
        self._most = MOST
        self._said = ""  # what was logged of the receiver

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """Records by outcome and severity; only ever grows."""
        return self._store.counts

    @property
    def waiting(self) -> int:
        return self._store.waiting

    @property
    def size(self) -> int:
        return self._store.size

    @property
    def age(self) -> float:
        """s for which there has always been something that waits."""
        return self._store.age

    def start(self) -> None:
        """Deliver what earlier processes have left, if there is anything."""
        if self._store.abandoned:
            self._run()

    def deliver(self, timeout: float) -> bool:
        """Send what processes that are gone have left, for at most `timeout` s; did all of it arrive?"""
        end = self._clock() + timeout
        self._run()
        while self._clock() < end and not (self._looked and not self.waiting):
            time.sleep(0.01)
        return not self.waiting

    def put(self, record: Record) -> None:
        """Never waits for the receiver; for the disk, where the record is CRITICAL."""
        self._store.put(record)
        self._run()
        if not self._wake.is_set():
            self._wake.set()

    def _run(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        with self._starting, contained("spool start"):
            if self._thread is None or not self._thread.is_alive():
                self._stop = threading.Event()
                thread = threading.Thread(target=self._work, args=(self._stop,), name=f"otel-mlsec {self.name}", daemon=True)
                thread.start()  # not to be had while the interpreter ends: `flush` sends by itself then
                self._thread = thread

    def _work(self, stop: threading.Event) -> None:
        with self._quiet():
            while not stop.is_set():
                wait = LOOK
                with contained("spool"):
                    wait = self._turn(stop.is_set)
                self._wake.wait(wait)
                self._wake.clear()
                time.sleep(GROUP)

    def _turn(self, enough: Callable[[], bool]) -> float:
        """Send what waits, until it is enough; how long to wait for the next turn, s."""
        with self._sending:
            self._store.commit()
            if self._clock() >= self._look_at:
                self._look_around()
            while not enough():
                self._store.commit()  # of what came meanwhile
                left = self._try_at - self._clock()
                if left > 0:
                    return min(left, LOOK)
                parcel = self._store.next(self._most, refused=self._clock() >= self._refused_at)
                if parcel is not None:
                    self._send(parcel)
                elif self._store.more:
                    self._look_around()
                else:
                    return self._until_refused()
        return 0.0

    def _look_around(self) -> None:
        self._look_at = self._clock() + LOOK
        self._store.adopt()
        self._expire()
        self._looked = True

    def _until_refused(self) -> float:
        """s until what was refused is tried again, where there is any; never beyond the next look around."""
        left = self._refused_at - self._clock()
        return min(left, LOOK) if left > 0 and self._store.refused_waiting else LOOK

    def _expire(self) -> None:
        if self._failing_since is not None and self._clock() - self._failing_since > PATIENCE:
            self._store.expire(time.time() - self._age)

    def _send(self, parcel: Parcel) -> None:
        answer = Answer(taken=0, why="an error of ours")
        with contained(f"spool send {self.name}"):
            self._transport = self._transport or self._connect()
            answer = Answer(taken=0, refused=True, why="an error of ours")  # over one of the records: it must not hold up others
            answer = self._transport.send(parcel.records)
        taken = min(answer.taken, len(parcel.records))
        if taken:
            self._store.delivered(parcel, taken)
            self._n_refused = self._tries = 0
        if taken == len(parcel.records):
            self._went_well()
        elif not answer.refused:
            self._failed(answer)
        elif taken:
            self._most = 1  # one of the rest is refused; the next parcel begins with it
        elif len(parcel.records) > 1:
            self._most = len(parcel.records) // 2  # which one it is shows when they are few enough
        else:
            self._set_aside(parcel, answer)

    def _went_well(self) -> None:
        self._tries, self._failing_since = 0, None
        self._most = min(MOST, 2 * self._most)
        if self._said:
            _log.warning("findings are delivered to %s again", self._whom)
            self._said = ""

    def _failed(self, answer: Answer) -> None:
        self._try_at = self._clock() + max(_wait(self._tries), min(answer.wait, LONGEST_ASKED))
        self._tries += 1
        if self._failing_since is None:
            self._failing_since = self._clock()
        if not self._said:
            self._said = answer.why or "no reason given"
            _log.warning("findings cannot be delivered to %s (%s); they are kept and tried again", self._whom, answer.why)

    def _set_aside(self, parcel: Parcel, answer: Answer) -> None:
        self._store.refused(parcel)
        self._refused_at = self._clock() + self._again
        self._try_at = self._clock() + _wait(self._n_refused)  # it may be the receiver that is wrong, and not the record
        self._n_refused += 1
        _log.warning("a finding was refused by %s (%s); it is kept and tried again later", self._whom, answer.why)

    def flush(self, timeout: float) -> bool:
        """Wait until all is delivered, at most `timeout` s, and not at all for a receiver that was just not to be had."""
        end = self._clock() + timeout
        if self._thread is None or not self._thread.is_alive():
            self._send_here(end)
        self._wake.set()
        while self.waiting and not self._tries and self._thread is not None and self._thread.is_alive() and self._clock() < end:
            time.sleep(0.005)
        return not self.waiting

    def _send_here(self, end: float) -> None:
        if self.waiting and not self._tries:
            with self._quiet(), contained("spool"):
                self._turn(lambda: self._clock() >= end)

    def close(self, timeout: float) -> None:
        """Deliver what can be, and leave the rest to the next process."""
        end = self._clock() + timeout
        self.flush(timeout)
        self._stop.set()
        self._wake.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(max(0.1, end - self._clock()))
        lost = self._store.close()
        if lost:
            _log.warning("%d findings for %s were in memory only and are lost", lost, self.name)
        transport, self._transport = self._transport, None
        if transport is not None and (thread is None or not thread.is_alive()):  # else it is in the middle of a `send`
            with contained("spool close"):
                transport.close()

    def forked(self) -> None:
        """In the child: nothing of what waits is its own, and the connection is the parent's."""
        self._store.after_fork()
        if self._transport is not None:
            _parents.append(self._transport)  # kept, as it is: who closes it may wait for a lock that nobody here holds
        self._transport = None
        self._reset()


_parents: list[Transport] = []


def _wait(tries: int) -> float:
    """s, with chance in it, so that many processes do not come back at once."""
    return min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(tries, 16)) * random.uniform(0.5, 1.0)
