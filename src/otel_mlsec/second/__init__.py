"""A heavier classifier of the operator's choice, behind the small model: in a thread of its own, never waited for.

The worker offers texts and takes what was found since; that is all it sees.  Importing this loads neither of the two libraries.
"""

from __future__ import annotations

import collections
import contextlib
import logging
import os
import random
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from otel_mlsec.config import Config
from otel_mlsec.detectors.llm.second_opinion import SecondOpinion
from otel_mlsec.errors import contained
from otel_mlsec.finding import Evidence, Finding
from otel_mlsec.pipeline.sampled import SampledInbox
from otel_mlsec.pipeline.worker import Worker
from otel_mlsec.second.labels import UnusableClassifier
from otel_mlsec.second.onnx import OnnxClassifier, Opinion
from otel_mlsec.text.reading import Reading
from otel_mlsec.text.turn import Judged, Turn

ITEMS = 256  # texts that may wait
ANSWERS = 1024  # that may wait to be taken
CHARACTERS = 16_000  # of a text: its first and last half of so many
GATE = 1.0  # score of the small model: one benign text in ten has it
SHARE = 0.01  # of all texts, whatever the small model says of them; all of them until the classifier is calibrated
_log = logging.getLogger("otel_mlsec")


@dataclass(slots=True, kw_only=True, eq=False)
class _Question:
    """One text that waits, and of its call what a finding says; no other text of it."""

    call: Hashable
    turn: Turn
    judged: Judged
    text: str = field(repr=False)
    cut: bool
    uniform: bool
    lot: float
    one_in: int = 1
    answer: Opinion | None = None

    @property
    def n_bytes(self) -> int:
        return 4 * len(self.text)


class Second:
    """One process's second classifier.

    `offer`, `pending` and `findings` are called from one thread, the worker's.  After a fork the child loads the files again,
    in a thread of its own.  Files that cannot be used are said once in the log, and then nothing is asked any more.

    Args:
        model: ONNX file.
        tokenizer: its `tokenizer.json`.
        label: output that means an attack, by index or name; see `labels.attack_labels`.
        quiet: context in which the thread works, so that it is not observed.
        seed: of what is sampled; None for one that nobody can know.
    """

    def __init__(
        self,
        model: Path,
        tokenizer: Path,
        *,
        label: str = "",
        false_alarms_per_million: float = 1000.0,
        quiet: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext,
        seed: int | None = None,
    ) -> None:
        self._files, self._label = (model.absolute(), tokenizer.absolute()), label
        self._rate = false_alarms_per_million
        self._seed = seed
        self._opinion: SecondOpinion | None = None
        self._inbox = SampledInbox[_Question](items=ITEMS, n_bytes=ITEMS * CHARACTERS * 4, refused=self._release)
        self._worker = Worker(self._inbox, self._answer, quiet=quiet, idle=lambda _last: None)
        self._begin()

    @classmethod
    def of(cls, config: Config, quiet: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext) -> Second | None:
        """None where the configuration names no classifier."""
        if not config.classifier:
            return None
        rate = config.llm.false_alarms_per_million
        return cls(Path(config.classifier), Path(config.classifier_tokenizer), false_alarms_per_million=rate, quiet=quiet)

    @property
    def dropped(self) -> collections.Counter[str]:
        """Texts that were offered in vain, by reason."""
        return self._inbox.dropped

    def offer(self, turn: Turn, call: Hashable) -> None:
        """Ask about the texts of a call that is not answered yet, as far as there is room; never blocks."""
        self._own()
        if self._useless or len(self._answers) >= ANSWERS:
            return
        slim: Turn | None = None
        for judged in turn.inputs:
            if not SecondOpinion.concerns(judged):
                continue
            known = self._opinion is not None and self._opinion.calibrated
            uniform = self._random.random() < SHARE if known else True
            if uniform or judged.verdict.score >= GATE:
                slim = slim or Turn(completion=replace(turn.completion, inputs=(), outputs=()), inputs=())
                question = _question(slim, judged, call, uniform, self._random.random())
                self._waiting[call] += 1  # before it can be refused
                if not self._worker.put(question):
                    self._release(question)

    def pending(self, call: Hashable) -> bool:
        """Is some text of that call still to be judged, or its answer to be taken?"""
        self._own()
        return call in self._waiting

    def findings(self) -> list[tuple[Hashable, Turn, Finding]]:
        """What was found since, with the call as `offer` was told it, and its turn without texts."""
        self._own()
        found: list[tuple[Hashable, Turn, Finding]] = []
        while self._answers:
            question = self._answers.popleft()
            self._release(question)
            if question.answer is not None and (opinion := self._judging()) is not None:
                told = opinion.judge(
                    question.turn, question.judged, question.answer.probability, _evidence(question), uniform=question.uniform
                )
                found += [(question.call, question.turn, finding) for finding in told]
        return found

    def drain(self, timeout: float) -> bool:
        """Wait until what was offered so far is judged, at most `timeout` s; then `findings` has it."""
        self._own()
        return self._worker.drain(timeout)

    def stop(self, timeout: float = 1.0) -> bool:
        self._own()
        return self._worker.stop(timeout)

    def _own(self) -> None:
        """In a forked child, begin anew: sessions, and what waits, are the parent's.  What was learned stays."""
        if self._pid != os.getpid():
            self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._random = random.Random(self._seed)
        self._classifier: OnnxClassifier | None = None
        self._useless = False
        self._answers: collections.deque[_Question] = collections.deque()
        self._waiting: collections.Counter[Hashable] = collections.Counter()

    def _release(self, question: _Question) -> None:
        self._waiting[question.call] -= 1
        if self._waiting[question.call] <= 0:
            del self._waiting[question.call]

    def _judging(self) -> SecondOpinion | None:
        if self._opinion is None and self._classifier is not None:
            self._opinion = SecondOpinion(
                classifier=self._classifier.name, digest=self._classifier.digest, false_alarms_per_million=self._rate
            )
        return self._opinion

    def _answer(self, questions: Sequence[_Question]) -> None:
        """In the thread of our own."""
        for question in questions:
            try:
                with contained("second classifier"):
                    classifier = self._loaded()
                    question.answer = classifier(question.text) if classifier is not None else None
            finally:
                question.text = ""
                self._answers.append(question)

    def _loaded(self) -> OnnxClassifier | None:
        if self._classifier is None and not self._useless:
            self._useless = True  # unless what follows succeeds
            try:
                self._classifier = OnnxClassifier(*self._files, self._label)
                self._useless = False
            except UnusableClassifier as error:
                _log.error("classifier %s is not used: it %s", self._files[0], error)
        return self._classifier


def _question(turn: Turn, judged: Judged, call: Hashable, uniform: bool, lot: float) -> _Question:
    text = _suspicious(judged)
    half = CHARACTERS // 2
    cut = len(text) > CHARACTERS
    about = Judged(reading=Reading(replace(judged.reading.text, text="")), verdict=judged.verdict, fresh=judged.fresh)
    return _Question(
        call=call, turn=turn, judged=about, text=text[:half] + text[-half:] if cut else text, cut=cut, uniform=uniform, lot=lot
    )


def _suspicious(judged: Judged) -> str:
    """The text as it stands, or as it was decoded if it was that which the small model suspects."""
    if layer := judged.verdict.layer:
        for view in judged.reading.seen.views:
            if view.layer == layer:
                return view.text
    return judged.reading.text.text


def _evidence(question: _Question) -> Evidence:
    told: dict[str, str | bool | int | float | tuple[str, ...]] = (
        {"sampled": f"1 in {question.one_in}"} if question.one_in > 1 else {}
    )
    if question.answer is not None:
        told["windows"] = question.answer.windows
        if question.cut or question.answer.cut:
            told["cut"] = True
    if question.judged.verdict.layer:
        told["layer"] = question.judged.verdict.layer
    return told
