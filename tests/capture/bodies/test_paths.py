"""Which requests may be calls of a language model, and who answers them."""

from __future__ import annotations

import pytest

from otel_mlsec.capture import bodies


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions",
        "/openai/deployments/d/chat/completions",
        "/v1/completions",
        "/v1/responses",
        "/v1/responses/",
        "/v1/responses/compact",
        "/v1/messages",
        "/v1/complete",
        "/v1beta/models/m:generateContent",
        "/v1beta/models/m:streamGenerateContent",
        "/v1/projects/p/locations/l/publishers/anthropic/models/m:streamRawPredict",
        "/model/anthropic.m-v1:0/invoke",
        "/model/anthropic.m-v1:0/invoke-with-response-stream",
        "/model/m/converse-stream",
        "/v1/chat",
        "/v2/chat",
        "/v1/generate",
        "/api/chat",
        "/api/generate",
        "/v1beta/interactions",
        "/v1/threads/thread_1/runs",
        "/v1/threads/runs",
        "/v1/conversations",
        "/v1/conversations#stream",
        "/v1/agents/completions",
        "/v1/fim/completions",
        "/v1/embeddings",
        "/v2/embed",
    ],
)
def test_calls_of_models_are_asked_for(path: str):
    assert bodies.asks("POST", path)
    assert not bodies.asks("GET", path)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "/v1/messages/count_tokens",
        "/v1/messages/batches",
        "/v1/responses/input_tokens",
        "/v1/threads/thread_1/messages",
        "/v1/models/m:countTokens",
        "/v1/rerank",
        "/v2/rerank",
        "/v1/moderations",
        "/v1/audio/speech",
        "/v1/images/generations",
        "/lambda/invoke",
        "/jobs/7/runs",
        "/live-stream",
        "/chat/completions.html",
    ],
)
def test_other_requests_are_not(path: str):
    assert not bodies.asks("POST", path)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"7",
        b"not json",
        b"{",
        b'{"messages": []}',
        b'{"model": 7, "messages": []}',
        b'{"model": "m"}',
        b'{"model": "m", "subject": "letter"}',
    ],
)
def test_a_body_without_a_model_or_anything_to_read_is_no_call(body: bytes):
    assert bodies.request("/v1/messages", "x.example", body) is None


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("api.openai.com", "openai"),
        ("eu.api.openai.com", "openai"),
        ("mine.openai.azure.com", "azure.ai.openai"),
        ("mine.services.ai.azure.com", "azure.ai.inference"),
        ("api.anthropic.com", "anthropic"),
        ("generativelanguage.googleapis.com", "gcp.gemini"),
        ("us-central1-aiplatform.googleapis.com", "gcp.vertex_ai"),
        ("api.mistral.ai", "mistral_ai"),
        ("api.cohere.ai", "cohere"),
        ("api.groq.com", "groq"),
        ("api.deepseek.com", "deepseek"),
        ("api.x.ai", "x_ai"),
        ("api.perplexity.ai", "perplexity"),
        ("bedrock-runtime.eu-west-1.amazonaws.com", "aws.bedrock"),
        ("api.openai.com.evil.example", "api.openai.com.evil.example"),
        ("notapi.openai.com", "notapi.openai.com"),
    ],
)
def test_providers_have_the_names_that_opentelemetry_gave_them(host: str, provider: str):
    request = bodies.request("/v1/chat/completions", host, b'{"model": "m", "messages": []}')

    assert request is not None and request.provider == provider
