"""Requests of every kind: what is sent is what was to be sent, and seen if it can be."""

import asyncio
import copy
import gzip
import inspect
import json
import os
import pickle
import threading

import httpx
import httpx2
import pytest
from opentelemetry import context, trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from tests.capture.llm.wire import TEXT, chat, clients, provider

from otel_mlsec.capture import identity, llm
from otel_mlsec.capture.llm import exchange as bounds
from otel_mlsec.capture.llm import send, streams
from otel_mlsec.detector import Guarded
from otel_mlsec.observation import Ending

URL = "https://a.example/v1/chat/completions"
ASK = {"model": "m", "messages": [{"role": "user", "content": "Where is it?"}]}
BODY = json.dumps(ASK).encode()
BOTH = pytest.mark.parametrize("library", [httpx, httpx2])


def recorded(library):
    """-> a provider that notes what it is sent, also where that is a stream, and the notes."""
    sent = []

    def handle(request):
        request.read() if isinstance(request.stream, library.SyncByteStream) else None
        sent.append((bytes(request.content), dict(request.headers)))
        return library.Response(200, json=chat())

    async def ahandle(request):
        await request.aread()
        return handle(request)

    return library.MockTransport(handle), library.MockTransport(ahandle), sent


@BOTH
def test_a_body_that_is_a_stream_is_seen_as_it_is_sent(one, library):
    transport, _, sent = recorded(library)
    parts = (bytes([byte]) for byte in BODY)
    library.Client(transport=transport).post(URL, content=parts)

    completion = one()
    assert [text.text for text in completion.inputs] == ["Where is it?"]
    assert "".join(text.text for text in completion.outputs) == TEXT
    assert sent[0][0] == BODY
    assert sent[0][1]["transfer-encoding"] == "chunked"


@BOTH
def test_a_body_that_is_an_asynchronous_stream_is_seen_as_it_is_sent(one, library):
    _, transport, sent = recorded(library)

    async def parts():
        for start in range(0, len(BODY), 10):
            yield BODY[start : start + 10]

    async def ask():
        await library.AsyncClient(transport=transport).post(URL, content=parts())

    asyncio.run(ask())

    assert [text.text for text in one().inputs] == ["Where is it?"]
    assert sent[0][0] == BODY


def test_a_body_that_breaks_while_it_is_sent_is_the_callers_error(seen):
    def parts():
        yield BODY[:10]
        raise LookupError("of the user's")

    with pytest.raises(LookupError, match="of the user's"):
        httpx2.Client(transport=recorded(httpx2)[0]).post(URL, content=parts())

    [completion] = seen.answered(flush=True)
    assert (completion.ending, completion.error, completion.unread) == (Ending.FAILED, "LookupError", 1)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_body_that_is_too_long_is_seen_without_its_text(seen, one, monkeypatch, streamed):
    for module in (bounds, send, streams):
        monkeypatch.setattr(module, "BODY", 1000, raising=False)
    body = json.dumps({**ASK, "padding": "x" * 1000}).encode()
    httpx2.Client(transport=recorded(httpx2)[0]).post(URL, content=iter([body]) if streamed else body)

    completion = one()
    assert (completion.inputs, completion.unread, completion.partial) == ((), 1, True)
    assert completion.end_ns


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[1]", b'{"messages": []}', b"\xff\xfe{", b'{"model": 1}'])
def test_what_names_no_model_is_no_call(seen, body):
    clients(lambda _: httpx2.Response(200, json={}))[0].post(URL, content=body)

    assert seen.answered() == []


def test_a_compressed_request_is_read(one):
    transport, _, sent = recorded(httpx2)
    body = gzip.compress(BODY)
    httpx2.Client(transport=transport).post(URL, content=body, headers={"content-encoding": "gzip"})

    assert [text.text for text in one().inputs] == ["Where is it?"]
    assert sent[0][0] == body


def test_the_prompt_is_handed_over_before_the_provider_is_called(seen):
    def handle(request):
        [asked] = seen.items
        assert isinstance(asked, llm.Asked)
        [prompt] = seen.prompts()
        assert ([text.text for text in prompt.inputs], prompt.end_ns) == (["Where is it?"], 0)
        return httpx2.Response(200, json=chat())

    clients(handle)[0].post(URL, json=ASK)

    assert len(seen.items) == 2


@BOTH
def test_clients_made_before_and_of_subclasses_are_seen_and_what_is_sent_stays_the_same(seen, library):
    class Mine(library.Client):
        def send(self, request, **options):
            return super().send(request, **options)

    seen.patches.undo()
    transport, _, sent = recorded(library)
    made = [library.Client(transport=transport), Mine(transport=transport)]
    for client in made:
        client.post(URL, json=ASK)
    plain = list(sent)
    seen.watch()
    for client in made:
        client.post(URL, json=ASK)

    assert sent[2:] == plain
    assert len(seen.answered()) == 2


def test_a_client_that_sends_through_another_one_is_seen_once(seen):
    inner = clients(provider())[0]

    class Outer(httpx2.Client):
        def send(self, request, **options):
            return inner.send(request, **options)

    class Through(httpx2.BaseTransport):
        def handle_request(self, request):
            return inner.send(request, stream=True)

    Outer().post(URL, json=ASK)
    httpx2.Client(transport=Through()).post(URL, json=ASK)

    assert len(seen.answered()) == 2


def test_results_and_exceptions_are_what_they_were(seen):
    with pytest.raises(TypeError):
        httpx2.Client().send()
    with pytest.raises(TypeError):
        httpx2.AsyncClient().send(1, 2, 3)
    seen.accepts = False
    response = clients(provider())[0].post(URL, json=ASK)

    assert response.json()["model"] == "m-1"
    assert inspect.iscoroutinefunction(httpx2.AsyncClient.send)
    assert list(inspect.signature(httpx2.Client.send).parameters)[:2] == ["self", "request"]


def test_responses_and_clients_pickle_and_copy_as_before(seen):
    client = clients(provider())[0]
    response = client.post(URL, json=ASK)

    again = pickle.loads(pickle.dumps(response))  # noqa: S301 - made here
    assert again.json() == response.json()
    assert copy.copy(client.send) == client.send
    assert pickle.loads(pickle.dumps(httpx2.Client.send)) == httpx2.Client.send  # noqa: S301 - made here


def test_the_callers_context_is_left_as_it_was(seen):
    before = context.get_current()
    with clients(provider())[0].stream("POST", URL, json={**ASK, "stream": True}) as response:
        assert context.get_current() is before
        for _ in response.iter_bytes():
            assert context.get_current() is before

    assert context.get_current() is before
    assert send._sending.get() is None


def test_who_asked_is_what_the_application_says_then_what_the_body_claims(seen):
    http = clients(provider())[0]
    claim = {**ASK, "user": "u-1"}
    with identity.principal("alice"):
        http.post(URL, json=claim)
    http.post(URL, json=claim)
    http.post(URL, json=ASK)

    kinds = [completion.principal.partition(":")[0] for completion in seen.answered()]
    assert kinds == ["app", "user", ""]


def test_calls_in_silence_are_not_seen(seen):
    with suppress_instrumentation():
        clients(provider())[0].post(URL, json=ASK)

    assert seen.items == []


def test_what_is_undone_is_not_seen_any_more(seen):
    http, ahttp = clients(provider())
    seen.patches.undo()
    http.post(URL, json=ASK)
    asyncio.run(ahttp.post(URL, json=ASK))

    assert seen.items == []
    assert type(vars(httpx2.Client)["send"]).__name__ == "function"


def test_an_answer_that_is_open_at_a_fork_is_the_parents(seen):
    with clients(provider())[0].stream("POST", URL, json={**ASK, "stream": True}) as response:
        child = os.fork()
        if child == 0:
            list(response.iter_bytes())
            os._exit(len(seen.items))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        list(response.iter_bytes())

    assert status == 1  # what had been asked before
    assert [completion.ending for completion in seen.answered()] == [Ending.COMPLETE]


def test_the_span_of_the_caller_and_the_host_are_known(seen):
    here = trace.SpanContext(trace_id=1, span_id=2, is_remote=False, trace_flags=trace.TraceFlags(1))
    with trace.use_span(trace.NonRecordingSpan(here)):
        clients(provider())[0].post("http://localhost:8080/v1/chat/completions", json=ASK)

    [completion] = seen.answered()
    assert completion.span == here
    assert not completion.attached
    assert completion.attributes["server.address"] == "localhost"
    assert completion.attributes["server.port"] == 8080


def test_many_threads_are_each_seen_once(seen):
    http = clients(provider())[0]

    def go(number):
        for turn in range(20):
            http.post(URL, json={**ASK, "user": f"{number}-{turn}"})

    threads = [threading.Thread(target=go, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({completion.principal for completion in seen.answered()}) == 160


@BOTH
def test_a_guard_may_replace_what_is_sent(seen, library):
    transport, atransport, sent = recorded(library)
    harmless = json.dumps({"model": "m", "messages": [{"role": "user", "content": "[removed]"}]}).encode()
    seen.watch(lambda host, path, body: Guarded(harmless, "modified", ("llm/injection",)))
    library.Client(transport=transport).post(URL, json=ASK, headers={"x-mine": "1"})
    asyncio.run(library.AsyncClient(transport=atransport).post(URL, json=ASK))

    assert [body for body, _ in sent] == [harmless, harmless]
    assert sent[0][1]["content-length"] == str(len(harmless))
    assert sent[0][1]["x-mine"] == "1"
    assert [item.exchange.action for item in seen.items] == ["modified"] * 4
    assert [text.text for completion in seen.answered() for text in completion.inputs] == ["Where is it?"] * 2


@BOTH
def test_a_guard_may_refuse_to_send(seen, library):
    refusal = PermissionError("no")
    transport, atransport, sent = recorded(library)
    seen.watch(lambda host, path, body: Guarded(body, "blocked", ("llm/injection",), refusal))
    with pytest.raises(PermissionError) as raised:
        library.Client(transport=transport).post(URL, json=ASK)
    with pytest.raises(PermissionError):
        asyncio.run(library.AsyncClient(transport=atransport).post(URL, json=ASK))

    assert raised.value is refusal
    assert sent == []
    completions = seen.answered()
    assert [(completion.ending, completion.error) for completion in completions] == [(Ending.FAILED, "PermissionError")] * 2
