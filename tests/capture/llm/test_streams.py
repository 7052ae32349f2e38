"""Streams that are read in part, twice, elsewhere, or not at all: each is seen once, and is to its reader what it was."""

import asyncio
import gc
import json
import threading

import httpx
import httpx2
import pytest
from tests.capture.llm.wire import STREAMS, TEXT, WORDS, chat_stream, clients, provider, sse

from otel_mlsec.capture.llm import exchange as bounds
from otel_mlsec.observation import Ending

openai = pytest.importorskip("openai", minversion="3")
ASK = {"model": "m", "messages": [{"role": "user", "content": "Where is it?"}], "stream": True}
URL = "https://a.example/v1/chat/completions"


def client(**how):
    return openai.OpenAI(api_key="k", max_retries=0, http_client=clients(provider(**how))[0])


def aclient(**how):
    return openai.AsyncOpenAI(api_key="k", max_retries=0, http_client=clients(provider(**how))[1])


def said(completion):
    return "".join(text.text for text in completion.outputs)


def test_a_stream_that_is_left_and_forgotten(seen, one):
    for event in client().chat.completions.create(**ASK):
        del event
        break
    gc.collect()

    completion = one()
    assert completion.ending in (Ending.CLOSED, Ending.ABANDONED)
    assert TEXT.startswith(said(completion)) and said(completion).startswith(WORDS[0])


def test_a_stream_whose_block_is_left_early(one):
    with client().chat.completions.create(**ASK) as stream:
        next(iter(stream))

    assert one().ending is Ending.CLOSED


def test_a_stream_that_is_closed(one):
    stream = client().chat.completions.create(**ASK)
    next(iter(stream))
    stream.close()

    completion = one()
    assert completion.ending is Ending.CLOSED
    assert said(completion) == WORDS[0]


def test_a_stream_that_nobody_reads(seen, one):
    client().chat.completions.create(**ASK)
    gc.collect()

    completion = one()
    assert completion.ending is Ending.ABANDONED
    assert completion.outputs == ()


def test_a_raw_stream_that_is_read_as_bytes(one):
    with client(compressed=True).chat.completions.with_streaming_response.create(**ASK) as response:
        read = b"".join(response.iter_bytes())

    assert read == chat_stream()
    assert said(one()) == TEXT


def test_an_asynchronous_stream_that_is_left(one):
    async def ask():
        async for _ in await aclient().chat.completions.create(**ASK):
            break

    asyncio.run(ask())
    gc.collect()

    assert said(one()) == WORDS[0]


def test_a_task_that_is_cancelled_while_it_reads(one):
    async def never(request):
        async def pieces():
            yield chat_stream()[:250]
            await asyncio.sleep(60)

        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=pieces())

    async def ask():
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(never))
        ai = openai.AsyncOpenAI(api_key="k", max_retries=0, http_client=http)

        async def read():
            async for _ in await ai.chat.completions.create(**ASK):
                pass

        task = asyncio.create_task(read())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(ask())

    completion = one()
    assert completion.ending is Ending.CLOSED
    assert said(completion) == WORDS[0]


def test_a_call_that_is_cancelled_before_it_is_answered(one):
    async def never(request):
        await asyncio.sleep(60)

    async def ask():
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(never))
        await asyncio.wait_for(http.post(URL, json=ASK), 0.05)

    with pytest.raises(TimeoutError):
        asyncio.run(ask())

    completion = one()
    assert (completion.ending, completion.error) == (Ending.CLOSED, "asyncio.exceptions.CancelledError")


def test_a_stream_that_is_read_in_another_task_and_in_another_thread(seen):
    async def ask():
        stream = await aclient().chat.completions.create(**ASK)
        await asyncio.create_task(drain(stream))

    async def drain(stream):
        async for _ in stream:
            pass

    asyncio.run(ask())
    stream = client().chat.completions.create(**ASK)
    reader = threading.Thread(target=lambda: list(stream))
    reader.start()
    reader.join()

    assert [said(completion) for completion in seen.answered()] == [TEXT, TEXT]


def test_a_stream_is_what_it_was_to_its_reader(seen):
    stream = client().chat.completions.create(**ASK)

    assert isinstance(stream, openai.Stream)
    assert isinstance(stream.response, httpx2.Response)
    assert isinstance(stream.response.stream, httpx2.SyncByteStream)
    list(stream)
    assert stream.response.elapsed.total_seconds() > 0
    assert stream.response.is_closed


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_bytes_that_a_stream_gives_again_are_kept_once(seen, library):
    """As the one of a recording; asynchronous clients read on after the last event."""
    body = chat_stream()
    handle = lambda _: library.Response(200, headers={"content-type": "text/event-stream"}, stream=library.ByteStream(body))  # noqa: E731
    http, ahttp = clients(handle, library)
    request = http.build_request("POST", URL, json=ASK)

    response = http.send(request, stream=True)
    assert b"".join(response.stream) == b"".join(response.stream) == body

    async def ask():
        response = await ahttp.send(request, stream=True)
        return [b"".join([piece async for piece in response.stream]) for _ in range(2)]

    assert asyncio.run(ask()) == [body, body]
    assert [said(completion) for completion in seen.answered()] == [TEXT, TEXT]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_connection_that_breaks_is_the_readers_to_see(seen, asynchronous):
    breaks = httpx2.ReadError("gone")
    http, ahttp = clients(provider(breaks=breaks))

    async def aread():
        async with ahttp.stream("POST", URL, json=ASK) as response:
            return [piece async for piece in response.aiter_bytes()]

    def read():
        with http.stream("POST", URL, json=ASK) as response:
            return list(response.iter_bytes())

    with pytest.raises(httpx2.ReadError) as raised:
        asyncio.run(aread()) if asynchronous else read()

    assert raised.value is breaks
    [completion] = seen.answered(flush=True)
    assert (completion.ending, completion.error) == (Ending.FAILED, "httpx2.ReadError")
    assert said(completion) == TEXT


def test_an_error_in_the_middle_of_an_answer_is_a_failure(one):
    events = [{"choices": [{"index": 0, "delta": {"content": "The "}}]}, {"error": {"message": "busy", "type": "overloaded"}}]
    handle = lambda _: httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=iter([sse(events)]))  # noqa: E731
    clients(handle)[0].post(URL, json=ASK)

    completion = one()
    assert completion.ending is Ending.FAILED
    assert completion.error and "busy" not in completion.error


def test_a_long_stream_is_kept_to_the_bound_with_its_end(seen, monkeypatch):
    monkeypatch.setattr(bounds, "STREAM", 10_000)
    monkeypatch.setattr(bounds, "TAIL", 2_000)
    word = lambda n: {"choices": [{"index": 0, "delta": {"content": f"w{n} "}}], "model": "m-1"}  # noqa: E731
    usage = {"prompt_tokens": 1, "completion_tokens": 9000, "total_tokens": 9001}
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage, "model": "m-1"}
    body = sse([*(word(n) for n in range(2000)), end, "[DONE]"])
    pieces = [body[start : start + 997] for start in range(0, len(body), 997)]
    handle = lambda _: httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=STREAMS[httpx2](pieces))  # noqa: E731
    with clients(handle)[0].stream("POST", URL, json=ASK) as response:
        read = b"".join(response.iter_bytes())

    exchange = seen.items[-1].exchange
    [completion] = seen.answered()
    assert read == body
    assert len(exchange.kept) == 10_000
    assert len(exchange.tail) <= 4_000
    assert (completion.output_tokens, completion.finish_reasons, completion.unread) == (9000, ("stop",), 1)
    assert said(completion).startswith("w0 w1 w2 ")
    assert said(completion).endswith("w1998 w1999 ")


def test_a_finalizer_that_runs_while_the_worker_takes_does_not_lock_it(seen):
    """The collector may run anywhere, and what it finds is handed over from there."""
    from otel_mlsec.pipeline.inbox import Inbox  # noqa: PLC0415 - of this test only

    inbox = Inbox(items=10, n_bytes=1 << 20)
    client().chat.completions.create(**ASK)
    item = seen.items[0]
    stream = client().chat.completions.create(**ASK)
    stream.response.stream._self_exchange.submit = inbox.put

    class Hostile:
        n_bytes = property(lambda _: (gc.collect(), item.n_bytes)[1])

    inbox.put(Hostile())
    del stream
    done = threading.Thread(target=inbox.take, args=(10,), daemon=True)
    done.start()
    done.join(5)

    assert not done.is_alive()
    assert len(inbox) == 1


def test_json_of_a_stream_that_was_read_whole(one):
    """`send` reads what is not asked for as a stream before it returns."""
    response = clients(provider(piece=7))[0].post(URL, json={**ASK, "stream": False})

    assert json.loads(response.content)["model"] == "m-1"
    assert said(one()) == TEXT
