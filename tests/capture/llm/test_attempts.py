"""Requests that are tried again are one call; failures are told when nobody tries any more."""

import asyncio
import contextvars
import time
import traceback

import httpx2
import pytest
from tests.capture.llm.wire import TEXT, clients, provider

import otel_mlsec
from otel_mlsec.capture import llm
from otel_mlsec.capture.llm.exchange import LONGEST_PATIENCE, PATIENCE
from otel_mlsec.observation import Ending

openai, anthropic = pytest.importorskip("openai", minversion="3"), pytest.importorskip("anthropic", minversion="1")
ASK = {"model": "m", "messages": [{"role": "user", "content": "Where is it?"}]}
NOW = {"retry-after-ms": "1"}  # so that clients wait for no longer


def failing(*outcomes):
    """A provider that first fails: with a status, or with an exception."""
    left, answers = list(outcomes), provider()

    def handle(request):
        if not left:
            return answers(request)
        outcome = left.pop(0)
        if isinstance(outcome, int):
            return httpx2.Response(outcome, headers=NOW, json={"error": {"message": "secret words", "type": "x"}})
        raise outcome

    return handle


def ask(handle, retries=4, stream=False):
    client = openai.OpenAI(api_key="k", max_retries=retries, http_client=clients(handle)[0])
    answer = client.chat.completions.create(**ASK, stream=stream)
    return list(answer) if stream else answer


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(openai._base_client, "INITIAL_RETRY_DELAY", 0.01)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("outcomes", [(429,), (500, 503), (httpx2.ConnectError("x"), 429)], ids=["429", "500 503", "broken 429"])
def test_attempts_of_one_call_are_one_call(seen, outcomes, stream):
    before = time.time_ns()
    ask(failing(*outcomes), stream=stream)

    assert len(seen.items) == 2 * (len(outcomes) + 1)
    first = seen.items[0].exchange
    asked, answered = seen.calls()
    assert isinstance(asked, llm.Asked) and isinstance(answered, llm.Answered)
    assert asked.exchange is answered.exchange is first
    completion = llm.whole(answered)
    assert (completion.ending, completion.error) == (Ending.COMPLETE, "")
    assert "".join(text.text for text in completion.outputs) == TEXT
    assert before <= completion.start_ns == first.start_ns < completion.end_ns
    assert seen.attempts.flush() == []


def test_attempts_of_an_asynchronous_client_are_one_call(seen):
    async def go():
        http = clients(failing(429, 500))[1]
        client = anthropic.AsyncAnthropic(api_key="k", max_retries=4, http_client=http)
        provider_of_chat = openai.AsyncOpenAI(api_key="k", max_retries=4, http_client=http)
        await client.messages.create(max_tokens=9, **ASK)
        await provider_of_chat.chat.completions.create(**ASK)

    asyncio.run(go())

    assert [completion.ending for completion in seen.answered()] == [Ending.COMPLETE, Ending.COMPLETE]


def test_a_call_that_fails_for_good_is_told_once_when_nobody_tries_any_more(seen):
    with pytest.raises(openai.InternalServerError):
        ask(failing(500, 502, 503), retries=2)

    now = time.monotonic()
    [asked] = seen.calls(now)
    assert isinstance(asked, llm.Asked)
    assert seen.attempts.due(now + PATIENCE - 1) == []
    [answered] = seen.attempts.due(now + PATIENCE + 1)
    completion = llm.whole(answered)
    assert (completion.ending, completion.error, completion.outputs) == (Ending.FAILED, "503", ())
    assert answered.exchange is asked.exchange
    assert seen.attempts.due(now + 1000) == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refusal_that_nobody_retries_is_told_at_once(seen, status):
    with pytest.raises(openai.APIStatusError):
        ask(failing(status))

    [completion] = seen.answered()
    assert (completion.ending, completion.error) == (Ending.FAILED, str(status))


def test_a_refusal_that_says_so_itself_is_told_at_once(seen):
    refuse = lambda _: httpx2.Response(429, headers={"x-should-retry": "false"})  # noqa: E731
    with pytest.raises(openai.RateLimitError):
        ask(refuse)

    assert [completion.error for completion in seen.answered()] == ["429"]


def test_a_timeout_is_a_failure_with_the_name_of_its_exception(seen):
    with pytest.raises(openai.APITimeoutError):
        ask(failing(httpx2.ReadTimeout("secret words")), retries=0)

    [completion] = seen.answered(flush=True)
    assert (completion.ending, completion.error) == (Ending.FAILED, "httpx2.ReadTimeout")


def test_the_time_that_a_provider_names_is_waited_for(seen):
    for seconds in ("30", "86400", "soon", "Wed, 21 Oct 2026 07:28:00 GMT"):
        clients(lambda _, s=seconds: httpx2.Response(429, headers={"retry-after": s}))[0].post(
            "https://a.example/v1/chat/completions", json={**ASK, "user": seconds}
        )

    patience = [item.exchange.patience for item in seen.items if isinstance(item, llm.Answered)]
    assert patience == [32.0, LONGEST_PATIENCE, PATIENCE, PATIENCE]


def test_the_same_question_of_somebody_else_is_another_call(seen):
    http = clients(failing(429))[0]
    post = lambda: http.post("https://a.example/v1/chat/completions", json=ASK)  # noqa: E731

    contextvars.copy_context().run(post)  # a request of another user of the server
    contextvars.copy_context().run(post)

    assert [completion.error for completion in seen.answered(flush=True)] == ["", "429"]


def test_another_question_after_a_failure_is_another_call(seen):
    http = clients(failing(429))[0]
    for question in ("one", "two"):
        body = {"model": "m", "messages": [{"role": "user", "content": question}]}
        http.post("https://a.example/v1/chat/completions", json=body)

    assert [completion.error for completion in seen.answered(flush=True)] == ["", "429"]


def test_the_same_question_after_the_failure_was_told_is_another_call(seen):
    http = clients(failing(429))[0]
    post = lambda: http.post("https://a.example/v1/chat/completions", json=ASK)  # noqa: E731
    post()
    [failed] = seen.answered(flush=True)
    post()

    asked, answered = seen.calls()
    assert failed.error == "429"
    assert isinstance(asked, llm.Asked)
    assert llm.whole(answered).error == ""


def test_failures_that_wait_are_bounded(seen):
    http = clients(lambda _: httpx2.Response(503))[0]
    for number in range(600):
        http.post("https://a.example/v1/chat/completions", json={**ASK, "user": str(number)})

    told = [item for item in seen.calls() if isinstance(item, llm.Answered)]
    assert len(told) + len(seen.attempts.flush()) == 600
    assert len(told) == 600 - 256


def test_who_asks_the_same_for_ever_is_told_of_now_and_then(seen):
    http = clients(lambda _: httpx2.Response(503))[0]
    for _ in range(30):
        http.post("https://a.example/v1/chat/completions", json=ASK)

    assert [type(item).__name__ for item in seen.calls()] == ["Asked", "Answered", "Asked", "Answered", "Asked"]
    assert len(seen.attempts.flush()) == 1


def test_the_same_words_of_somebody_else_are_no_other_attempt(seen):
    """Threads that serve one request after another share a context."""
    for who in ("alice", "bob"):
        with pytest.raises(openai.InternalServerError), otel_mlsec.principal(who):
            ask(failing(500), retries=0)

    completions = seen.answered(flush=True)

    assert len({completion.principal for completion in completions}) == len(completions) == 2


def test_nothing_that_reports_the_variables_of_a_failed_call_finds_a_prompt_in_ours(seen):
    with pytest.raises(openai.APIConnectionError) as raised, otel_mlsec.principal("alice"):
        ask(failing(httpx2.ConnectError("no")), retries=0)

    ours, error = [], raised.value.__cause__
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if "otel_mlsec" in frame.f_code.co_filename:
            ours += [repr(value) for value in frame.f_locals.values()]
    assert ours
    assert not any("Where is it" in each or "alice" in each for each in ours)
