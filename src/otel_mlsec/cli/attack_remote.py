"""Attacks on a service of this machine; its findings arrive as its telemetry does.

A finding belongs to the attack during which the row that decided was asked, by the time in it.  Benign traffic is sent before the
attacks and not among them, since from outside nobody can tell whose finding it is.
"""

from __future__ import annotations

import argparse
import secrets
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import numpy as np
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from otel_mlsec.arrays import Floats
from otel_mlsec.attack.answering import Answering
from otel_mlsec.attack.columns import Columns
from otel_mlsec.attack.endpoint import Endpoint
from otel_mlsec.attack.families import Family, carry_out
from otel_mlsec.attack.knowledge import Knowledge
from otel_mlsec.attack.outcome import Calm, Outcome, Told
from otel_mlsec.attack.rehearsal import DRIFT
from otel_mlsec.attack.traffic import Traffic
from otel_mlsec.cli.attack_data import Data
from otel_mlsec.cli.receiver import Receiver
from otel_mlsec.cli.record import records
from otel_mlsec.cli.wire import Request
from otel_mlsec.emit import names
from otel_mlsec.emit.record import Record
from otel_mlsec.finding import Status

MAX_HEARD = 10_000  # findings that are remembered; a service that tells more is not attacked but broken
SLACK = 0.001  # s by which a time that went through another process may be wrong


class Heard:
    """Findings that arrived.  State: at most 10,000."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._told: list[tuple[float, float, Told]] = []  # time in it, time of arrival
        self._born = time.time()  # findings that bear an earlier time are of a clock that the application tells

    def take(self, request: Request) -> None:
        if isinstance(request, ExportLogsServiceRequest):
            for record in records(request):
                if record.event == names.FINDING_EVENT and _counts(record):
                    with self._changed:
                        if len(self._told) < MAX_HEARD:
                            self._told.append((record.time, time.time(), _told(record)))
                        self._changed.notify_all()

    def since(self, start: float) -> list[tuple[float, float, Told]]:
        """That were decided at or after a time, or arrived after it and bear a time of the application's own."""
        with self._changed:
            return [each for each in self._told if each[0] >= start - SLACK or (each[1] >= start and each[0] < self._born)]

    def wait(self, start: float, seconds: float) -> None:
        """Until there is one since `start`, or the seconds are over."""
        until = time.monotonic() + seconds
        while not self.since(start) and (left := until - time.monotonic()) > 0:
            with self._changed:
                self._changed.wait(min(left, 0.2))


class Remote:
    def __init__(
        self, endpoint: Endpoint, columns: Columns, traffic: Traffic, heard: Heard | None, settle: float, seed: int
    ) -> None:
        self._endpoint, self._columns, self._traffic, self._heard = endpoint, columns, traffic, heard
        self._settle, self._seed = settle, seed
        self._run = secrets.token_hex(4)  # principals are new in each run, or the service would remember them

    def learn(self, known: Floats) -> None:
        """What the target answers to natural rows.

        Raises:
            Unsuitable: it refuses them.
            ValueError: it does not answer, or not with classes.
        """
        knowledge = Knowledge.of(known, n_classes=2)
        said = self._endpoint.ask(self._columns.records(knowledge.held), f"measuring-{self._run}")
        self._answering = Answering(said)
        self._held = self._answering.of(said)
        self._knowledge = replace(knowledge, n_classes=self._answering.n_classes)

    def calm(self) -> Calm:
        traffic, start = self._traffic, time.time()
        for row, principal in zip(traffic.rows, traffic.principals.tolist(), strict=True):
            self._endpoint.ask(self._columns.records(row[None]), f"benign-{self._run}-{principal}")
        if self._heard is None or not len(traffic.rows):
            return Calm(queries=len(traffic.rows), watched=self._heard is not None)
        time.sleep(self._settle)
        return Calm(queries=len(traffic.rows), false_alarms=tuple(told for _, _, told in self._heard.since(start)))

    def attack(self, family: Family, *, budget: int, accounts: int, gap: float) -> Outcome:
        del gap
        start, sent = time.time(), list[float]()
        trace = carry_out(
            family, self._asking(family.name, accounts, sent), self._knowledge, seed=self._seed, budget=budget, held=self._held
        )
        outcome = Outcome(
            attack=family.name, threat=family.threat, queries=len(trace.rows), accounts=accounts, success=trace.success,
            effect=trace.effect, note=trace.error, watched=self._heard is not None,
        )  # fmt: skip
        if self._heard is None or not sent:
            return outcome
        self._heard.wait(start, self._settle)
        found = [(_query(sent, decided, arrived), told) for decided, arrived, told in self._heard.since(start)]
        if not found:
            return outcome
        at, told = min(found, key=lambda each: each[0])
        return replace(outcome, detected_at=at, told=told)

    def _asking(self, name: str, accounts: int, sent: list[float]) -> Callable[[Floats], Floats]:
        chance = np.random.default_rng(self._seed)

        def ask(rows: Floats) -> Floats:
            said: list[object] = []
            for record in self._columns.records(rows):
                sent.append(time.time())
                said += self._endpoint.ask([record], f"{name}-{self._run}-{chance.integers(accounts)}")
            return self._answering.of(said)

        return ask


@contextmanager
def opened(options: argparse.Namespace, data: Data) -> Generator[Remote]:
    """The target, and the receiver of its findings where one is wanted.

    Raises:
        ValueError: it cannot be asked, or the port is in use.
    """
    target = Endpoint(
        options.url, template=options.template, answer=options.answer, principal_header=options.principal_header,
        own=options.i_own_this_target,
    )  # fmt: skip
    with ExitStack() as stack:
        endpoint = stack.enter_context(target)
        heard = None
        if options.listen is not None:
            heard = Heard()
            try:
                stack.enter_context(Receiver(heard.take, port=options.listen))
            except OSError as error:
                raise ValueError(f"port {options.listen} on 127.0.0.1 cannot be listened on ({error.strerror})") from error
        remote = Remote(endpoint, data.columns, data.traffic(options), heard, options.settle, options.seed)
        remote.learn(data.known)
        yield remote


def _query(sent: Sequence[float], decided: float, arrived: float) -> int:
    """From 1: the last that was sent when the row that decided was asked; where its time is another clock's, when it arrived."""
    known = decided if sent[0] - SLACK <= decided <= arrived else arrived
    return max(1, bisect_right(sent, known + SLACK))


def _counts(record: Record) -> bool:
    """It says that something is wrong now, and not that traffic changed."""
    return record.text(names.FINDING_STATUS) != Status.RESOLVED and not record.text(names.RULE_NAME).startswith(DRIFT)


def _told(record: Record) -> Told:
    return Told(
        identifier=record.text(names.FINDING_ID), detector=record.text(names.RULE_NAME),
        severity=record.text(names.FINDING_SEVERITY), principals=tuple(filter(None, [record.text(names.USER_HASH)])),
    )  # fmt: skip
