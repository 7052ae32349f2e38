"""Clients of models as people use them: each call is seen once, with what was asked and what was answered."""

import asyncio
import sys
from importlib import import_module

import httpx
import httpx2
import pytest
from tests.capture.llm.wire import TEXT, clients, provider

from otel_mlsec.observation import Ending


def sdk(name):
    """None where it is not installed; what needs it is skipped by its name then."""
    try:
        return import_module(name)
    except ImportError:
        return None


SDKS = {"azure": "openai", "mistral": "mistralai.client", "gemini": "google.genai"}  # by the first word of a shape
openai, anthropic, groq, together = sdk("openai"), sdk("anthropic"), sdk("groq"), sdk("together")
cohere, ollama, genai, mistral = sdk("cohere"), sdk("ollama"), sdk("google.genai"), sdk("mistralai.client")
SAY = [{"role": "user", "content": "Where is it?"}]
KEY = {"api_key": "k", "max_retries": 0}


def openai_chat(c):
    return c(openai.OpenAI).chat.completions.create(model="m", messages=SAY)


def openai_chat_stream(c):
    return list(c(openai.OpenAI).chat.completions.create(model="m", messages=SAY, stream=True))


def openai_helper(c):
    with c(openai.OpenAI).chat.completions.stream(model="m", messages=SAY) as stream:
        return list(stream)


def openai_parse(c):
    return c(openai.OpenAI).chat.completions.parse(model="m", messages=SAY)


def openai_raw(c):
    return c(openai.OpenAI).chat.completions.with_raw_response.create(model="m", messages=SAY).parse()


def openai_raw_stream(c):
    with c(openai.OpenAI).chat.completions.with_streaming_response.create(model="m", messages=SAY) as response:
        return list(response.iter_lines())


def openai_responses(c):
    return c(openai.OpenAI).responses.create(model="m", input="Where is it?")


def openai_responses_stream(c):
    return list(c(openai.OpenAI).responses.create(model="m", input="Where is it?", stream=True))


def openai_responses_helper(c):
    with c(openai.OpenAI).responses.stream(model="m", input="Where is it?") as stream:
        return list(stream)


def openai_completions(c):
    return c(openai.OpenAI).completions.create(model="m", prompt="Where is it?")


def azure(c):
    http = c.http(transport(openai.AzureOpenAI))
    client = openai.AzureOpenAI(**KEY, api_version="v", azure_endpoint="https://a.example", http_client=http)
    return client.chat.completions.create(model="m", messages=SAY)


def anthropic_messages(c):
    return c(anthropic.Anthropic).messages.create(model="m", max_tokens=9, messages=SAY)


def anthropic_stream(c):
    return list(c(anthropic.Anthropic).messages.create(model="m", max_tokens=9, messages=SAY, stream=True))


def anthropic_helper(c):
    with c(anthropic.Anthropic).messages.stream(model="m", max_tokens=9, messages=SAY) as stream:
        return list(stream.text_stream)


def anthropic_beta(c):
    return c(anthropic.Anthropic).beta.messages.create(model="m", max_tokens=9, messages=SAY)


def groq_chat(c):
    return c(groq.Groq).chat.completions.create(model="m", messages=SAY)


def groq_stream(c):
    return list(c(groq.Groq).chat.completions.create(model="m", messages=SAY, stream=True))


def mistral_chat(c):
    return mistral.Mistral(api_key="k", client=c.http(httpx2)).chat.complete(model="m", messages=SAY)


def mistral_stream(c):
    return list(mistral.Mistral(api_key="k", client=c.http(httpx2)).chat.stream(model="m", messages=SAY))


def cohere_chat(c):
    return cohere.ClientV2(api_key="k", httpx_client=c.http(httpx)).chat(model="m", messages=SAY)


def cohere_stream(c):
    return list(cohere.ClientV2(api_key="k", httpx_client=c.http(httpx)).chat_stream(model="m", messages=SAY))


def gemini(c):
    client = genai.Client(api_key="k", http_options={"httpx_client": c.http(httpx)})
    return client.models.generate_content(model="m", contents="Where is it?")


def gemini_stream(c):
    client = genai.Client(api_key="k", http_options={"httpx_client": c.http(httpx)})
    return list(client.models.generate_content_stream(model="m", contents="Where is it?"))


def ollama_chat(c):
    return ollama.Client(transport=httpx.MockTransport(c.handle)).chat(model="m", messages=SAY)


def ollama_stream(c):
    return list(ollama.Client(transport=httpx.MockTransport(c.handle)).chat(model="m", messages=SAY, stream=True))


def ollama_generate(c):
    return ollama.Client(transport=httpx.MockTransport(c.handle)).generate(model="m", prompt="Where is it?")


def together_chat(c):
    return c(together.Together).chat.completions.create(model="m", messages=SAY)


SHAPES = [
    openai_chat, openai_chat_stream, openai_helper, openai_parse, openai_raw, openai_raw_stream, openai_responses,
    openai_responses_stream, openai_responses_helper, openai_completions, azure, anthropic_messages, anthropic_stream,
    anthropic_helper, anthropic_beta, groq_chat, groq_stream, mistral_chat, mistral_stream, cohere_chat, cohere_stream, gemini,
    gemini_stream, ollama_chat, ollama_stream, ollama_generate, together_chat,
]  # fmt: skip


class Made:
    """Makes clients whose provider is in this process."""

    def __init__(self, handle):
        self.handle = handle

    def http(self, library, asynchronous=False):
        return clients(self.handle, library)[asynchronous]

    def __call__(self, kind, asynchronous=False):
        return kind(**KEY, http_client=self.http(transport(kind), asynchronous))


def transport(kind):
    """httpx or httpx2, as the base of the generated clients imports it."""
    base = sys.modules[f"{kind.__module__.partition('.')[0]}._base_client"]
    return getattr(base, "httpx2", None) or base.httpx


def needed(shape):
    word = shape.__name__.removeprefix("a_").partition("_")[0]
    pytest.importorskip(SDKS.get(word, word))


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_every_call_is_seen_once_with_prompt_and_answer(one, shape, compressed):
    needed(shape)
    shape(Made(provider(compressed=compressed)))

    completion = one()
    assert [text.text for text in completion.inputs] == ["Where is it?"]
    assert "".join(text.text for text in completion.outputs) == TEXT
    assert (completion.model.name, completion.ending, completion.error) == ("m", Ending.COMPLETE, "")
    assert 0 < completion.start_ns <= completion.end_ns


async def a_openai_chat(c):
    return await c(openai.AsyncOpenAI, True).chat.completions.create(model="m", messages=SAY)


async def a_openai_stream(c):
    client = c(openai.AsyncOpenAI, True)
    return [event async for event in await client.chat.completions.create(model="m", messages=SAY, stream=True)]


async def a_openai_responses(c):
    client = c(openai.AsyncOpenAI, True)
    return [event async for event in await client.responses.create(model="m", input="Where is it?", stream=True)]


async def a_anthropic(c):
    client = c(anthropic.AsyncAnthropic, True)
    async with client.messages.stream(model="m", max_tokens=9, messages=SAY) as stream:
        return [word async for word in stream.text_stream]


async def a_groq(c):
    client = c(groq.AsyncGroq, True)
    return [event async for event in await client.chat.completions.create(model="m", messages=SAY, stream=True)]


async def a_mistral(c):
    client = mistral.Mistral(api_key="k", async_client=c.http(httpx2, True))
    return [event async for event in await client.chat.stream_async(model="m", messages=SAY)]


async def a_cohere(c):
    client = cohere.AsyncClientV2(api_key="k", httpx_client=c.http(httpx, True))
    return [event async for event in client.chat_stream(model="m", messages=SAY)]


async def a_gemini(c):
    client = genai.Client(api_key="k", http_options={"httpx_async_client": c.http(httpx, True)})
    return [event async for event in await client.aio.models.generate_content_stream(model="m", contents="Where is it?")]


async def a_ollama(c):
    client = ollama.AsyncClient(transport=httpx.MockTransport(c.handle))
    return [event async for event in await client.chat(model="m", messages=SAY, stream=True)]


async def a_together(c):
    client = c(together.AsyncTogether, True)
    return await client.chat.completions.create(model="m", messages=SAY)


ASYNC = [
    a_openai_chat, a_openai_stream, a_openai_responses, a_anthropic, a_groq, a_mistral, a_cohere, a_gemini, a_ollama, a_together,
]  # fmt: skip


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("shape", ASYNC, ids=lambda shape: shape.__name__)
def test_every_asynchronous_call_is_seen_once_with_prompt_and_answer(one, shape, compressed):
    needed(shape)
    asyncio.run(shape(Made(provider(compressed=compressed))))

    completion = one()
    assert [text.text for text in completion.inputs] == ["Where is it?"]
    assert "".join(text.text for text in completion.outputs) == TEXT
    assert completion.ending is Ending.COMPLETE


def litellm_chat(c, **how):
    litellm = pytest.importorskip("litellm")
    litellm.client_session = c.http(httpx)
    return litellm.completion(model="openai/m", messages=SAY, api_key="k", **how)


@pytest.mark.filterwarnings("ignore")  # of a library's own
@pytest.mark.parametrize("stream", [False, True])
def test_a_library_above_the_clients_is_seen_once(one, stream):
    answer = litellm_chat(Made(provider()), stream=stream)
    list(answer)

    completion = one()
    assert [text.text for text in completion.inputs] == ["Where is it?"]
    assert "".join(text.text for text in completion.outputs) == TEXT


def test_embeddings_are_seen_with_their_texts_only(one):
    pytest.importorskip("openai")
    Made(provider())(openai.OpenAI).embeddings.create(model="m", input=["one", "two"])

    completion = one()
    assert (completion.operation, [text.text for text in completion.inputs]) == ("embeddings", ["one", "two"])
    assert completion.outputs == ()


def test_long_answers_of_numbers_are_not_read(one):
    long = {"object": "list", "model": "m-1", "data": [{"embedding": [0.123456789] * 200_000}], "usage": {"prompt_tokens": 9}}
    with httpx2.Client(transport=httpx2.MockTransport(lambda _: httpx2.Response(200, json=long))) as client:
        client.post("https://a.example/v1/embeddings", json={"model": "m", "input": "Where is it?"})

    completion = one()
    assert [text.text for text in completion.inputs] == ["Where is it?"]
    assert (completion.ending, completion.input_tokens) == (Ending.COMPLETE, None)


@pytest.mark.parametrize("path", ["/v1/messages/count_tokens", "/v1/moderations", "/v2/rerank", "/v1/files"])
def test_what_is_no_question_to_a_model_is_not_seen(seen, path):
    with httpx2.Client(transport=httpx2.MockTransport(lambda _: httpx2.Response(200, json={}))) as client:
        client.post(f"https://a.example{path}", json={"model": "m", "input": "x"})

    assert seen.items == []
