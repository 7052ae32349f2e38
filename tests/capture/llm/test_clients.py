"""Clients of models as people use them: each call is seen once, with what was asked and what was answered."""

import asyncio

import anthropic
import cohere
import groq
import httpx
import httpx2
import ollama
import openai
import pytest
import together
from google import genai
from mistralai.client import Mistral
from tests.capture.llm.wire import TEXT, clients, provider

from otel_mlsec.observation import Ending

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
    http = c.http(httpx2)
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
    return c(groq.Groq, httpx).chat.completions.create(model="m", messages=SAY)


def groq_stream(c):
    return list(c(groq.Groq, httpx).chat.completions.create(model="m", messages=SAY, stream=True))


def mistral_chat(c):
    return Mistral(api_key="k", client=c.http(httpx2)).chat.complete(model="m", messages=SAY)


def mistral_stream(c):
    return list(Mistral(api_key="k", client=c.http(httpx2)).chat.stream(model="m", messages=SAY))


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
    return c(together.Together, httpx).chat.completions.create(model="m", messages=SAY)


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

    def __call__(self, kind, library=httpx2):
        return kind(**KEY, http_client=self.http(library))


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_every_call_is_seen_once_with_prompt_and_answer(one, shape, compressed):
    shape(Made(provider(compressed=compressed)))

    completion = one()
    assert [text.text for text in completion.inputs] == ["Where is it?"]
    assert "".join(text.text for text in completion.outputs) == TEXT
    assert (completion.model.name, completion.ending, completion.error) == ("m", Ending.COMPLETE, "")
    assert 0 < completion.start_ns <= completion.end_ns


async def aopenai_chat(c):
    return await openai.AsyncOpenAI(**KEY, http_client=c.http(httpx2, True)).chat.completions.create(model="m", messages=SAY)


async def aopenai_stream(c):
    client = openai.AsyncOpenAI(**KEY, http_client=c.http(httpx2, True))
    return [event async for event in await client.chat.completions.create(model="m", messages=SAY, stream=True)]


async def aopenai_responses(c):
    client = openai.AsyncOpenAI(**KEY, http_client=c.http(httpx2, True))
    return [event async for event in await client.responses.create(model="m", input="Where is it?", stream=True)]


async def aanthropic(c):
    client = anthropic.AsyncAnthropic(**KEY, http_client=c.http(httpx2, True))
    async with client.messages.stream(model="m", max_tokens=9, messages=SAY) as stream:
        return [word async for word in stream.text_stream]


async def agroq(c):
    client = groq.AsyncGroq(**KEY, http_client=c.http(httpx, True))
    return [event async for event in await client.chat.completions.create(model="m", messages=SAY, stream=True)]


async def amistral(c):
    client = Mistral(api_key="k", async_client=c.http(httpx2, True))
    return [event async for event in await client.chat.stream_async(model="m", messages=SAY)]


async def acohere(c):
    client = cohere.AsyncClientV2(api_key="k", httpx_client=c.http(httpx, True))
    return [event async for event in client.chat_stream(model="m", messages=SAY)]


async def agemini(c):
    client = genai.Client(api_key="k", http_options={"httpx_async_client": c.http(httpx, True)})
    return [event async for event in await client.aio.models.generate_content_stream(model="m", contents="Where is it?")]


async def aollama(c):
    client = ollama.AsyncClient(transport=httpx.MockTransport(c.handle))
    return [event async for event in await client.chat(model="m", messages=SAY, stream=True)]


async def atogether(c):
    client = together.AsyncTogether(**KEY, http_client=c.http(httpx, True))
    return await client.chat.completions.create(model="m", messages=SAY)


ASYNC = [
    aopenai_chat, aopenai_stream, aopenai_responses, aanthropic, agroq, amistral, acohere, agemini, aollama, atogether,
]  # fmt: skip


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("shape", ASYNC, ids=lambda shape: shape.__name__)
def test_every_asynchronous_call_is_seen_once_with_prompt_and_answer(one, shape, compressed):
    asyncio.run(shape(Made(provider(compressed=compressed))))

    completion = one()
    assert [text.text for text in completion.inputs] == ["Where is it?"]
    assert "".join(text.text for text in completion.outputs) == TEXT
    assert completion.ending is Ending.COMPLETE


def test_embeddings_are_seen_with_their_texts_only(one):
    Made(provider())(openai.OpenAI).embeddings.create(model="m", input=["one", "two"])

    completion = one()
    assert (completion.operation, [text.text for text in completion.inputs]) == ("embeddings", ["one", "two"])
    assert completion.outputs == ()


@pytest.mark.parametrize("path", ["/v1/messages/count_tokens", "/v1/moderations", "/v2/rerank", "/v1/files"])
def test_what_is_no_question_to_a_model_is_not_seen(seen, path):
    with httpx2.Client(transport=httpx2.MockTransport(lambda _: httpx2.Response(200, json={}))) as client:
        client.post(f"https://a.example{path}", json={"model": "m", "input": "x"})

    assert seen.items == []
