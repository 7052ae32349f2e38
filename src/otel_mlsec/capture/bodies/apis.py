"""All APIs whose bodies can be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from otel_mlsec.capture.bodies import (
    anthropic,
    assistants,
    bedrock,
    chat,
    cohere,
    conversations,
    converse,
    embeddings,
    gemini,
    interactions,
    responses,
)
from otel_mlsec.capture.bodies.api import Api

TABLE: Final[Mapping[str, Api]] = {
    "chat": chat.CHAT,
    "completions": chat.COMPLETIONS,
    "responses": responses.RESPONSES,
    "messages": anthropic.MESSAGES,
    "complete": anthropic.COMPLETE,
    "gemini": gemini.GEMINI,
    "interactions": interactions.INTERACTIONS,
    "cohere_v1": cohere.V1,
    "cohere_v2": cohere.V2,
    "cohere_generate": cohere.GENERATE,
    "runs": assistants.RUNS,
    "conversations": conversations.CONVERSATIONS,
    "converse": converse.CONVERSE,
    "bedrock": bedrock.BEDROCK,
    "embeddings": embeddings.EMBEDDINGS,
}
