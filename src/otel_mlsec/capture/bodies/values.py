"""What is read from the body of a request to a language model, and from the body of its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from otel_mlsec.observation import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a language model was asked."""

    api: str  # which shape the bodies have: a key of `apis.TABLE`
    provider: str  # `gen_ai.provider.name`, or the host where OpenTelemetry has no name for it
    operation: str  # `gen_ai.operation.name`
    model: str  # as asked for
    inputs: tuple[Text, ...] = ()
    stream: bool = False  # the answer comes in pieces
    conversation: str = ""  # id by which the provider joins calls; "" where the body has none
    principal: str = ""  # whom the application says it asks for: a claim
    partial: bool = False  # some of what the model reads is on the server
    unknown: Mapping[str, int] = field(default_factory=dict[str, int])  # types of blocks that no table has, and how often
    unread: int = 0  # texts, or parts that may hold some, that were left out as there were too many
    attributes: Mapping[str, str | int | float] = field(default_factory=dict[str, str | int | float])  # `gen_ai.request.*` …


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a language model said."""

    outputs: tuple[Text, ...] = ()
    model: str = ""  # as answered: often with its version
    response_id: str = ""
    finish_reasons: tuple[str, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    ended: bool = False  # the answer came to its own end, as the provider says it
    error: str = ""  # what the provider calls the failure that the body tells of; "unreadable" where nobody can read it
    unknown: Mapping[str, int] = field(default_factory=dict[str, int])
    unread: int = 0
