"""The worker's side by itself: what is dropped, what fails, what never ends, what comes late."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry import trace

from otel_mlsec import errors
from otel_mlsec.capture import bodies, identity
from otel_mlsec.capture.llm import Answered, Asked, Exchange
from otel_mlsec.capture.llm.exchange import Ended
from otel_mlsec.config import Config
from otel_mlsec.dialogue import MAX_OPEN, Dialogue
from otel_mlsec.emit.delivery import Delivery
from otel_mlsec.emit.emitter import Emitter
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.pipeline.life import Life
from otel_mlsec.text.turn import Turn, Verdict

httpx = pytest.importorskip("httpx2")

BODY = b'{"model":"m","messages":[{"role":"user","content":"%b"}]}'
ANSWER = (
    b'{"id":"1","model":"m-1","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"leak"}}]}'
)


def exchange(said: bytes = b"hello", **fields: Any) -> Exchange:
    return Exchange(
        submit=lambda _: True, url=httpx.URL("https://api.openai.com/v1/chat/completions"), path="/v1/chat/completions",
        body=BODY % said, who=identity.NOBODY, served=None, time=None, span=trace.INVALID_SPAN_CONTEXT, attached=False,
        start_ns=10**18, **fields,
    )  # fmt: skip


def answered(of: Exchange, ended: Ended = Ended.READ) -> Answered:
    of.end_ns, of.ended, of.status, of.content, of.content_type = of.start_ns + 10**9, ended, 200, ANSWER, "application/json"
    return Answered(of)


class Words:
    """Finds a word before the answer and another after it; fails at a third."""

    name = "llm/words"

    def update(self, turn: Turn) -> list[Finding]:
        texts = [reading.text.text for reading in turn.outputs] if turn.answered else [
            judged.reading.text.text for judged in turn.inputs if judged.fresh
        ]  # fmt: skip
        if "poison" in texts:
            raise ValueError("poison")
        return [finding(turn, f"llm.{text}") for text in texts if text in ("attack", "leak")]

    def snapshot(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Any, /) -> None:
        pass


def finding(turn: Turn, kind: str) -> Finding:
    call = turn.completion
    return Finding(
        kind=kind, detector="llm/words", title="t", summary="s", severity=Severity.HIGH, score=4.0, threshold=3.0,
        model=call.model, time=call.time, first_seen=call.time, principal=call.principal,
    )  # fmt: skip


@dataclass
class Slow:
    """A second opinion that comes when it is told to."""

    asked: list[tuple[Turn, Any]] = field(default_factory=list)
    due: list[Any] = field(default_factory=list)
    stopped: bool = False

    def offer(self, turn: Turn, call: Any) -> None:
        self.asked.append((turn, call))

    def pending(self, call: Any) -> bool:
        return any(call is waiting for _, waiting in self.asked)

    def findings(self) -> list[Any]:
        due, self.due = self.due, []
        return due

    def answer(self) -> None:
        self.due = [(call, turn, finding(turn, "llm.second")) for turn, call in self.asked]
        self.asked = []

    def drain(self, timeout: float) -> bool:
        return True

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def dialogue(world: Any) -> Callable[..., Dialogue]:
    def make(**fields: Any) -> Dialogue:
        emitter = Emitter(
            delivery=Delivery(()),
            version="0", tracer_provider=world.tracers, meter_provider=world.meters, logger_provider=world.loggers,
            queue=lambda: (0, 0), errors=dict,
        )  # fmt: skip
        return Dialogue(Config(), emitter, judge=lambda _: Verdict(), detectors=[Words()], life=Life(), **fields)

    return make


def test_a_call_whose_question_found_no_room_is_judged_before_and_after(world, dialogue):
    dialogue().handle([answered(exchange(b"attack"))])

    assert world.kinds() == ["llm.attack", "llm.leak"]
    [span] = world.spans()
    assert span.attributes["mlsec.finding.count"] == 2
    assert (span.start_time, span.end_time) == (10**18, 10**18 + 10**9)


def test_all_findings_of_a_call_belong_to_its_one_span_and_the_model_is_the_same_in_all(world, dialogue):
    call, made = exchange(b"attack"), dialogue()
    made.handle([Asked(call)])
    before = world.kinds()
    made.handle([answered(call)])

    [span] = world.spans()
    assert before == ["llm.attack"]
    assert {each.span_id for each in world.findings()} == {span.context.span_id}
    assert len({each.attributes.get("mlsec.model.version", "") for each in world.findings()}) == 1
    assert span.attributes["gen_ai.response.model"] == "m-1"


def test_one_poisonous_call_costs_the_others_nothing_and_still_has_its_span(world, dialogue, monkeypatch):
    monkeypatch.setattr(errors, "raising", False)
    calls = [exchange(b"attack"), exchange(b"poison"), exchange(b"hello")]

    dialogue().handle([Asked(call) for call in calls] + [answered(call) for call in calls])

    assert len(world.spans()) == 3
    assert world.kinds() == ["llm.attack", "llm.leak", "llm.leak", "llm.leak"]
    assert errors.counts == {"detect llm/words": 1}


def test_what_is_no_call_of_a_model_is_nothing(world, dialogue):
    call = exchange()
    call.body = b"no json"

    dialogue().handle([Asked(call), answered(call)])

    assert world.spans() == []


def test_a_span_waits_for_a_second_opinion_and_has_its_finding(world, dialogue):
    slow, now = Slow(), [0.0]
    made, call = dialogue(second=slow, now=lambda: now[0]), exchange()
    made.handle([Asked(call), answered(call)])
    waiting = len(world.spans())
    slow.answer()
    made.idle(False)

    [span] = world.spans()
    assert waiting == 0
    assert [event.attributes["mlsec.finding.type"] for event in span.events] == ["llm.leak", "llm.second"]
    assert span.end_time == 10**18 + 10**9


def test_it_waits_no_longer_than_it_may_and_what_comes_late_is_a_record(world, dialogue):
    slow, now = Slow(), [0.0]
    made, call = dialogue(second=slow, now=lambda: now[0]), exchange()
    made.handle([Asked(call), answered(call)])
    now[0] = 0.9
    made.idle(False)
    early = len(world.spans())
    now[0] = 1.1
    made.idle(False)
    slow.answer()
    made.idle(False)

    [span] = world.spans()
    assert early == 0
    assert span.attributes["mlsec.detection.status"] == "timeout"
    assert world.kinds() == ["llm.leak", "llm.second"]
    assert world.findings()[-1].span_id == span.context.span_id


def test_at_the_end_a_span_that_still_waits_is_ended_and_the_second_opinion_stopped(world, dialogue):
    slow = Slow()
    made, call = dialogue(second=slow), exchange()
    made.handle([Asked(call), answered(call)])
    made.close()

    [span] = world.spans()
    assert span.attributes["mlsec.detection.status"] == "timeout"
    assert slow.stopped


def test_a_call_that_nobody_can_end_any_more_has_a_span_all_the_same(world, dialogue):
    made, call = dialogue(), exchange(b"attack")
    made.handle([Asked(call)])
    del call
    gc.collect()
    made.idle(True)

    [span] = world.spans()
    assert span.attributes["mlsec.detection.status"] == "unfinished"
    assert span.attributes["mlsec.finding.count"] == 1


def test_open_calls_are_bounded_and_one_that_was_cut_off_gets_no_second_span(world, dialogue):
    made = dialogue()
    calls = [exchange() for _ in range(MAX_OPEN + 1)]
    made.handle([Asked(call) for call in calls])
    cut_off = world.spans()
    made.handle([answered(calls[0])])

    assert len(cut_off) == len(world.spans()) == 1
    assert world.kinds() == ["llm.leak"]


def test_attempts_are_one_call_which_failed_if_the_last_did(world, dialogue):
    made, first = dialogue(now=lambda: 0.0), exchange(b"attack")
    second = exchange(b"attack", previous=first)
    first.error = second.error = "429"
    first.patience, second.patience = 10.0, 0.0
    made.handle([Asked(first), answered(first, Ended.REFUSED)])
    held = len(world.spans())
    made.handle([Asked(second), answered(second, Ended.REFUSED)])

    [span] = world.spans()
    assert held == 0
    assert span.attributes["error.type"] == "429"
    assert world.series("mlsec.detection.processed") == {(): 1}


def test_no_text_is_kept_of_a_call_that_waits_for_its_answer(dialogue):
    made, call = dialogue(), exchange(b"zebra")
    made.handle([Asked(call)])

    assert not call.call.completion.inputs


def test_a_body_that_makes_us_fail_is_a_call_that_was_not_read(dialogue, world, monkeypatch):
    monkeypatch.setattr(errors, "raising", False)
    monkeypatch.setattr(bodies, "request", lambda *_: 1 / 0)
    made, call = dialogue(), exchange()

    made.handle([Asked(call), answered(call)])

    assert [span.name for span in world.spans()] == ["chat unnamed"]
    assert sum(world.series("mlsec.completion.unread_texts").values()) == 1


def test_an_answer_that_makes_us_fail_ends_its_span(dialogue, world, monkeypatch):
    monkeypatch.setattr(errors, "raising", False)
    monkeypatch.setattr(bodies, "answer", lambda *_: 1 / 0)
    made, call = dialogue(), exchange(b"attack")

    made.handle([Asked(call), answered(call)])

    [span] = world.spans()
    assert span.attributes["mlsec.finding.count"] == 1
    assert (span.end_time - span.start_time) == 10**9


def test_leaks_to_nobody_are_not_one_where_nothing_new_was_said(dialogue, world):
    made = dialogue()
    calls = [exchange(b"x") for _ in range(3)]
    for call in calls:
        call.body = b'{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","content":"Yes:"}]}'
        made.handle([Asked(call), answered(call)])

    assert world.kinds() == ["llm.leak"] * 3
