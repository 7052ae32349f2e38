"""What the worker does with calls of language models: bytes become turns, detectors see them twice, findings and spans leave.

Importing this imports numpy and RE2, so it happens with the first such call.
"""

from __future__ import annotations

import collections
import hashlib
import itertools
import math
import time
import weakref
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from opentelemetry.context import Context
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import Span, SpanContext

from otel_mlsec.blocked import Blocked
from otel_mlsec.capture import identity
from otel_mlsec.capture.foreign import Foreign
from otel_mlsec.capture.foreign import whole as foreign
from otel_mlsec.capture.llm import Answered, Asked, Attempts, Exchange, prompt, whole
from otel_mlsec.config import Config
from otel_mlsec.detectors.drift.text import TextDrift
from otel_mlsec.detectors.llm import build
from otel_mlsec.detectors.llm.fusion import judge
from otel_mlsec.emit.emitter import Emitter
from otel_mlsec.emit.redact import redacted
from otel_mlsec.errors import contained, qualified_name
from otel_mlsec.finding import Finding
from otel_mlsec.observation import Completion, Ending, Meaning, Model, Prediction
from otel_mlsec.pipeline.clock import Clock
from otel_mlsec.pipeline.life import LASTS, Life
from otel_mlsec.pipeline.turns import Heard, Judge, Turns, digest_of, remember
from otel_mlsec.reference.reference import Reference
from otel_mlsec.references import References
from otel_mlsec.second import Second
from otel_mlsec.text.turn import TextDetector, Turn, Verdict

MAX_OPEN = 4096  # spans of calls that have not ended; of more, the oldest is ended as it stands
SWEEP_EVERY = 1.0  # s between looks for calls that nobody can end any more
UNFINISHED, TIMEOUT = "unfinished", "timeout"

Item = Asked | Answered | Foreign


class Slower(Protocol):
    """A second opinion, in a thread of its own."""

    def offer(self, turn: Turn, call: Hashable) -> None: ...

    def pending(self, call: Hashable) -> bool: ...

    def findings(self) -> Sequence[tuple[Hashable, Turn, Finding]]: ...

    def drain(self, timeout: float) -> bool: ...

    def stop(self) -> object: ...


_numbers = itertools.count()


@dataclass(slots=True, eq=False)
class _Call:
    """What is remembered of a call until its span has ended: none of its texts."""

    completion: Completion
    span: Span | None
    context: Context
    heard: Heard = field(default_factory=Heard)
    whose: str = field(default_factory=lambda: f"call {next(_numbers)}")  # like nobody else's
    unread: int = 0  # texts that were too many to be judged
    action: str = ""
    enforced: tuple[str, ...] = ()  # detectors for whose findings the action was taken
    findings: list[Finding] = field(default_factory=list[Finding])
    lost: bool = False  # nobody holds its exchange any more
    until: float = 0.0  # when a span that waits for a second opinion is ended, s of `now`


class Dialogue:
    """One process's detection in texts; used by the worker's thread alone.

    Args:
        judge: of texts that a model is given.
        detectors: all of them; each says by itself whether it looks before the answer or after it.
        second: asked about inputs, and waited for no longer than `config.span_hold`.
        life: what of all findings is told; the process's, which others tell through, too.
        clock: that calls are timed by.
        now: s, of a clock that only goes forward.
    """

    def __init__(
        self,
        config: Config,
        emitter: Emitter,
        *,
        judge: Judge,
        detectors: Sequence[TextDetector],
        life: Life,
        clock: Clock | None = None,
        second: Slower | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config, self._emitter, self._now = config, emitter, now
        self._turns, self._attempts = Turns(judge), Attempts()
        self._life, self._clock = life, clock or Clock()
        self._detectors, self._second = tuple(detectors), second
        # The caller holds its exchange as long as the call lasts, and that holds its call.
        self._unended: collections.OrderedDict[_Call, weakref.ref[Exchange]] = collections.OrderedDict()
        self._held: collections.OrderedDict[_Call, None] = collections.OrderedDict()
        self._swept = 0.0
        self._n_seen = 0

    @classmethod
    def of(cls, config: Config, emitter: Emitter, life: Life, references: References) -> Dialogue:
        """With all that the package has."""
        if config.llm.off:
            return cls(config, emitter, judge=lambda _: Verdict(), detectors=(), life=life)
        return cls(
            config,
            emitter,
            judge=judge(),
            detectors=build(config.llm, key=identity.key(), known=partial(_texts, references), models=config.of),
            life=life,
            second=Second.of(config, suppress_instrumentation),
        )

    def handle(self, items: Sequence[Item]) -> None:
        began, self._n_seen = time.perf_counter(), 0
        self._clock.look()
        for item in items:
            with contained("dialogue"):  # one call must not cost the others their detection
                if isinstance(item, Foreign):
                    self._foreign(item)
                else:
                    self._each(self._attempts.take(item, self._now()))
        self._late_findings()
        self._emitter.detected(time.perf_counter() - began, self._n_seen)

    def idle(self, last: bool) -> None:
        """Calls that failed and were not tried again, opinions that came late, and spans that waited long enough."""
        self._each(self._attempts.flush() if last else self._attempts.due(self._now()))
        if last and self._second is not None:
            self._second.drain(self._config.span_hold)
        self._late_findings()
        for call in [call for call in self._held if last or call.until <= self._now()]:
            self._end(call, TIMEOUT)
        if last or self._now() - self._swept >= SWEEP_EVERY:
            self._swept = self._now()
            for call in [call for call, of in self._unended.items() if of() is None]:
                if call.lost or last:
                    self._cut_off(call)
                call.lost = True  # and not at once: what finalizes its stream may be about to say how it ended

    def close(self) -> None:
        """Nothing more will come: spans of calls that have not ended are ended as they stand."""
        self.idle(True)
        for call in list(self._unended):
            self._cut_off(call)
        if self._second is not None:
            self._second.stop()

    def _each(self, items: Iterable[Asked | Answered]) -> None:
        for item in items:
            with contained("dialogue"):
                self._asked(item) if isinstance(item, Asked) else self._answered(item)

    def _asked(self, item: Asked) -> None:
        completion = prompt(item)
        if completion is not None:
            self._begin(item.exchange, completion)

    def _answered(self, item: Answered) -> None:
        exchange = item.exchange
        try:
            completion = whole(item)
            if completion is not None:
                self._over(exchange, completion)
        finally:
            exchange.forget()

    def _over(self, exchange: Exchange, completion: Completion) -> None:
        if exchange.action == "blocked":
            completion = replace(completion, ending=Ending.FAILED, error=qualified_name(Blocked("", kind="", detector="")))
        call = exchange.call
        if not isinstance(call, _Call):  # there was no room for the question in the queue
            call = self._begin(exchange, _unanswered(completion))
        self._unended.pop(call, None)
        self._finish(call, completion)

    def _foreign(self, item: Foreign) -> None:
        completion = foreign(item)
        if completion is not None:
            call = self._open(_unanswered(completion))
            self._hear(call)
            self._finish(call, completion)

    def _begin(self, exchange: Exchange, completion: Completion) -> _Call:
        call = self._open(completion)
        call.action, call.enforced = exchange.action, exchange.detectors
        exchange.call = call
        self._unended[call] = weakref.ref(exchange)
        if len(self._unended) > MAX_OPEN:
            self._cut_off(next(iter(self._unended)))
        self._hear(call)
        return call

    def _open(self, completion: Completion) -> _Call:
        self._n_seen += 1
        span, context = self._emitter.asked(completion)
        model = replace(completion.model, version="")  # it is known with the answer only, and one attack is one series
        self._emitter.model_seen(model, [detector.name for detector in self._detectors])
        return _Call(completion, span, context)

    def _hear(self, call: _Call) -> None:
        """What the model is given is judged while it thinks."""
        with contained("detect"):
            turn = self._turns.asked(self._clock.steadied(call.completion))
            call.whose = _whose(turn) or call.whose
            call.heard, call.unread = remember(turn), turn.completion.unread - call.completion.unread
            self._look(call, turn)
            if self._second is not None:
                self._second.offer(turn, call)
        call.completion = replace(call.completion, inputs=())

    def _finish(self, call: _Call, completion: Completion) -> None:
        with contained("detect"):
            self._look(call, self._turns.answered(self._clock.steadied(completion), call.heard))
        kept = completion if self._config.capture_content else replace(completion, inputs=(), outputs=())
        call.completion = replace(kept, unread=completion.unread + call.unread)
        if self._second is not None and self._config.span_hold and self._second.pending(call):
            call.until = self._now() + self._config.span_hold
            self._held[call] = None
            if len(self._held) > MAX_OPEN:
                self._end(next(iter(self._held)), TIMEOUT)
        else:
            self._end(call)

    def _end(self, call: _Call, status: str = "") -> None:
        self._held.pop(call, None)
        self._emitter.answered(call.span, call.completion, call.findings, call.context, status)
        call.span = None  # findings that come later are records only

    def _cut_off(self, call: _Call) -> None:
        """A call that has not ended, as far as anybody can know; should it, its findings are records only."""
        self._unended.pop(call, None)
        if call.span is not None:
            self._emitter.cut_off(call.span, call.completion, call.findings, UNFINISHED)
            call.span = None

    def _look(self, call: _Call, turn: Turn) -> None:
        found: list[Finding] = []
        for detector in self._detectors:
            with contained(f"detect {detector.name}"):
                found += detector.update(turn)
        self._tell(call, turn, found)

    def _late_findings(self) -> None:
        if self._second is None:
            return
        with contained("second classifier"):
            for call, turn, finding in self._second.findings():
                if isinstance(call, _Call):
                    self._tell(call, turn, [finding])
        for call in [call for call in self._held if not self._second.pending(call)]:
            self._end(call)

    def _tell(self, call: _Call, turn: Turn, findings: Sequence[Finding]) -> None:
        for finding in findings:
            whose = "" if finding.detector == TextDrift.name else finding.principal or call.whose  # of all texts, nobody's
            plain = replace(self._clock.shown(finding, call.completion), model=replace(finding.model, version=""), whose=whose)
            if call.action and finding.detector in call.enforced:
                plain = replace(plain, action=call.action)
            if self._config.capture_content:
                plain = _quoted(plain, turn)
            for told in self._life.admitted(plain, _without_texts(turn.completion), lasts=LASTS if whose else math.inf):
                call.findings.append(told)
                self._emitter.finding(told, turn.completion, call.context)


def _texts(references: References, model: str) -> Reference | None:
    """What prompts and answers of a language model usually are, where settings name it."""
    call = Prediction(model=Model(name=model), method="chat", meaning=Meaning.RAW)
    now = time.time()
    references.asked(call, now)
    reference = references.of(call, now)
    return reference if reference is not None and reference.texts is not None else None


def _without_texts(completion: Completion) -> Completion:
    """What is remembered of a call until its finding is told again."""
    return replace(completion, inputs=(), outputs=())


def _unanswered(completion: Completion) -> Completion:
    """The same call as it was before its answer."""
    return replace(
        completion, outputs=(), end_ns=0, error="", ending=Ending.COMPLETE, finish_reasons=(), response_id="",
        model=replace(completion.model, version=""), input_tokens=None, output_tokens=None, unread=0,
    )  # fmt: skip


def _whose(turn: Turn) -> str:
    """Whose attack it is: of the principal, else within the conversation or the trace; of nobody, by what is said.

    "" where nothing is: then it is like no other, or one nobody's leak would hide another's.
    """
    completion = turn.completion
    span: Any = completion.span
    trace_id = format(span.trace_id, "032x") if isinstance(span, SpanContext) and span.is_valid else ""
    if completion.principal:
        return completion.principal
    if completion.conversation:  # as long as its client likes
        return hashlib.blake2b(completion.conversation.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return trace_id or digest_of(turn)


def _quoted(finding: Finding, turn: Turn) -> Finding:
    """With the beginning of the text that it is about, where that is known."""
    where = tuple(finding.evidence.get(key) for key in ("role", "origin", "form", "message"))
    readings = [*turn.outputs, *(judged.reading for judged in sorted(turn.inputs, key=lambda judged: -judged.verdict.score))]
    for reading in readings:
        text = reading.text
        if text.text and (text.role.value, text.origin.value, text.form.value, text.message) == where:
            return replace(finding, evidence={**finding.evidence, "excerpt": redacted(text.text)})
    return finding
