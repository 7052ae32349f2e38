"""One text by itself, without the conversation it is from: the same answer for the same words, whoever asked before."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass

from otel_mlsec.finding import Finding
from otel_mlsec.observation import Completion, Model, Role, Text
from otel_mlsec.pipeline.recent import Recent
from otel_mlsec.pipeline.turns import Judge, digest_of_text
from otel_mlsec.text.reading import Reading
from otel_mlsec.text.turn import Judged, TextDetector, Turn, Verdict

MAX_RULINGS = 4096
NOBODY = Model(name="")


@dataclass(frozen=True, slots=True)
class Ruling:
    verdict: Verdict
    findings: tuple[Finding, ...]  # the worst first


class Alone:
    """For any thread, one at a time.  State: what was said of the last 4096 texts; detectors are as new for each text.

    Args:
        judge: of texts that a model is given.
        detectors: of what they find in one text.
    """

    def __init__(self, judge: Judge, detectors: Sequence[TextDetector]) -> None:
        self._judge = judge
        self._detectors = [(detector, detector.snapshot()) for detector in detectors]
        self.forked()
        _all.add(self)

    def forked(self) -> None:
        """In the child: who held a lock, or was in the middle of a text, is not there."""
        self._rulings: Recent[Ruling] = Recent(MAX_RULINGS)
        self._remembering = threading.RLock()  # the collector may run in there, and finalize what asks
        self._judging = threading.RLock()
        for detector, as_new in self._detectors:
            if as_new:
                detector.restore(as_new)

    def known(self, text: Text) -> Ruling | None:
        """What was said of it, if that is remembered; waits for nobody who judges."""
        return self._remembered(digest_of_text(text))

    def ruled(self, text: Text) -> Ruling:
        digest = digest_of_text(text)
        ruling = self._remembered(digest)
        if ruling is not None:
            return ruling
        with self._judging:
            ruling = self._remembered(digest)  # another thread was faster
            if ruling is None:
                turn = _answer(text) if text.role is Role.ASSISTANT else self._question(text)
                verdict = turn.inputs[0].verdict if turn.inputs else Verdict()
                ruling = Ruling(verdict, tuple(sorted(self._found(turn), key=lambda finding: -finding.severity)))
                with self._remembering:
                    self._rulings.put(digest, ruling)
            return ruling

    def _remembered(self, digest: bytes) -> Ruling | None:
        with self._remembering:
            return self._rulings.get(digest)

    def _question(self, text: Text) -> Turn:
        reading = Reading(text)
        verdict = Verdict() if text.role is Role.SYSTEM else self._judge(reading)
        return Turn(completion=_call(), inputs=(Judged(reading=reading, verdict=verdict, fresh=True),))

    def _found(self, turn: Turn) -> list[Finding]:
        found: list[Finding] = []
        for detector, as_new in self._detectors:
            try:
                found += detector.update(turn)
            finally:
                if as_new:
                    detector.restore(as_new)
        return found


_all: weakref.WeakSet[Alone] = weakref.WeakSet()  # at-fork handlers are for life


def _forked() -> None:
    for each in tuple(_all):
        each.forked()


os.register_at_fork(after_in_child=_forked)


def _answer(text: Text) -> Turn:
    return Turn(completion=_call(), inputs=(), outputs=(Reading(text),), answered=True)


def _call() -> Completion:
    return Completion(model=NOBODY, operation="chat")
