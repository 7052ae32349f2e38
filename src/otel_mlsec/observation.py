"""What was captured, as plain values: one call of a model, and the rows of many calls; one call of a language model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # numpy is loaded when a model library is, not before
    from otel_mlsec.arrays import Floats, Ints

TEXT = 2.0**52  # cells that are not numbers are -(TEXT + 48-bit hash): exact in float64, and no number anybody measures


@lru_cache(maxsize=1 << 16)
def text_code(cell: str) -> float:
    """The number that stands for a text cell: the same in every process, and hard to collide on purpose (BLAKE2b).

    >>> text_code("JFK") == text_code("JFK") <= -TEXT
    True
    """
    digest = hashlib.blake2b(cell.encode("utf-8", "surrogatepass"), digest_size=6).digest()
    return -(TEXT + int.from_bytes(digest, "big"))


class Meaning(StrEnum):
    """What an output is."""

    LABEL = "label"  # indices into `classes`; -1 is a class that the model does not list
    PROBABILITY = "probability"
    LOG_PROBABILITY = "log_probability"
    MARGIN = "margin"  # decision_function
    SCORE = "score"  # score_samples
    VALUE = "value"  # regression
    RAW = "raw"  # the library does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Which model: what findings and detectors are about."""

    name: str
    version: str = ""
    framework: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One captured call.  Arrays are private copies of at most 256 rows of it, inputs and outputs of the same rows."""

    model: Model
    method: str
    meaning: Meaning
    inputs: Floats | None = None  # (n, n_features); text as `text_code`; None where they could not be copied
    outputs: Floats | None = None  # (n, k); None where the call raised or they could not be copied
    features: tuple[str, ...] = ()  # n_features names, or () where nobody named them
    classes: tuple[str, ...] = ()
    n_rows: int = 0  # of the call
    principal: str = ""  # `kind:pseudonym`, or "" for nobody
    time: float = 0.0  # s since the epoch: the event time that the application told, else the start of the call
    start_ns: int = 0
    end_ns: int = 0
    error: str = ""  # qualified name of the exception that the call raised
    span: Any = None  # opentelemetry.trace.SpanContext of the caller
    reference: Any = None  # what `watch(model, reference=…)` said
    schema: str = ""  # digest of the model's columns and classes, as it says them itself
    attributes: Mapping[str, str] | None = None  # client.address and the like, where known
    sources: tuple[str, ...] = ()  # `kind:pseudonym` of what many principals may share: a network prefix, a user agent
    id: str = ""  # by which the application tells its truth later
    made: bool = False  # the agent made the id, so that of its trace names it, too
    start: int = 0  # outputs are those of rows start, start + step … of the call
    step: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows of one model by one method, columnar, in the order in which the calls were made."""

    model: Model
    meaning: Meaning
    features: tuple[str, ...]  # n_features
    inputs: Floats | None  # (n, n_features); None for outputs whose inputs came in an earlier batch
    outputs: Floats | None  # (n, k)
    times: Floats  # (n,) s since the epoch
    calls: Ints  # (n,) index of the call that a row came in
    principals: tuple[str, ...]  # one a call
    classes: tuple[str, ...] = ()
    sources: tuple[tuple[str, ...], ...] = ()  # one a call, or () where nobody knows any
    n_asked: tuple[int, ...] = ()  # one a call: its rows, of which at most 256 are here; () where all are
    derived: dict[Any, Any] = field(default_factory=dict[Any, Any], compare=False, repr=False)  # what detectors share of it

    @property
    def n_rows(self) -> int:
        return len(self.times)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Answers of one model whose truth has become known, in the order in which the predictions were made."""

    model: Model
    meaning: Meaning
    features: tuple[str, ...]
    inputs: Floats | None  # (n, n_features)
    outputs: Floats  # (n, k)
    truth: Floats  # (n,) of a classifier the position in `classes`, -1 for a class that it does not list; else the value
    times: Floats  # (n,) s since the epoch, of the predictions
    told: Floats  # (n,) s since the epoch, when the truth was told
    sources: tuple[str, ...]  # (n,) who told it, "" for nobody
    classes: tuple[str, ...] = ()
    coverage: float = 1.0  # share of the predictions of the same cohorts whose truth is known by now

    @property
    def n_rows(self) -> int:
        return len(self.times)


@dataclass(frozen=True, slots=True, kw_only=True)
class Truths:
    """What the application said of predictions afterwards; all of the same length, at most 1,024."""

    ids: tuple[str, ...]  # "" for one that cannot be read
    labels: tuple[Any, ...] = field(repr=False)  # plain values; what is no text, number or truth value is no label
    rows: tuple[int, ...]  # of the calls
    times: tuple[float, ...]  # s since the epoch, when it was known
    sources: tuple[str, ...]  # who said it, "" for nobody

    @property
    def n_bytes(self) -> int:
        """What waiting costs, about."""
        texts = (len(label) for label in self.labels if isinstance(label, str | bytes))
        return 512 + 160 * len(self.ids) + sum(map(len, self.ids)) + sum(texts) + sum(map(len, self.sources))


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Origin(StrEnum):
    """Whose words they are: how far they can be trusted."""

    OPERATOR = "operator"  # the developer of the application
    USER = "user"
    MODEL = "model"
    TOOL = "tool"  # what a tool returned
    RETRIEVED = "retrieved"  # a document, a page, a search result
    TOOL_DESCRIPTION = "tool_description"  # what a third party says of its tool


class Form(StrEnum):
    """What kind of text it is."""

    TEXT = "text"
    REASONING = "reasoning"
    REFUSAL = "refusal"
    ARGUMENTS = "arguments"  # of a tool's call, one JSON text
    RESULT = "result"  # of a tool
    DESCRIPTION = "description"  # of tools and schemas


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One piece of what a language model was given, or gave."""

    text: str = field(repr=False)
    role: Role
    origin: Origin
    form: Form = Form.TEXT
    message: int = 0  # index of the message or item in the request, of the choice in the answer
    tool: str = ""  # name of the tool that is called, answers or is described, where the body says so
    path: tuple[str | int, ...] = ()  # where it stands in the request's JSON; () where it is put together from parts


class Ending(StrEnum):
    """How an answer ended."""

    COMPLETE = "complete"
    CLOSED = "closed"  # by the client, before the end
    ABANDONED = "abandoned"  # a stream that nobody read to its end or closed
    FAILED = "failed"  # the provider refused, the connection broke, or the answer says so itself
    UNKNOWN = "unknown"  # the answer could not be read


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One captured call of a language model: before its answer (`ended_ns` is 0, no outputs), or after it."""

    model: Model  # name as asked for; version as answered; framework: `gen_ai.provider.name`
    operation: str  # `gen_ai.operation.name`: chat, text_completion, generate_content, embeddings
    inputs: tuple[Text, ...] = ()
    outputs: tuple[Text, ...] = ()
    conversation: str = ""  # id that application or API gave it; "" where nobody did
    principal: str = ""  # `kind:pseudonym`, or "" for nobody
    time: float = 0.0  # s since the epoch: the event time that the application told, else the start of the call
    start_ns: int = 0
    end_ns: int = 0
    ending: Ending = Ending.COMPLETE
    error: str = ""  # `error.type`: qualified name of the exception, or the status of a refusal
    span: Any = None  # opentelemetry.trace.SpanContext of the caller, or of the span that somebody else made of this call
    attached: bool = False  # true: that span is the call's; no second one is made
    attributes: Mapping[str, str | int | float] | None = None  # client.address, server.address and the like, where known
    response_id: str = ""
    finish_reasons: tuple[str, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    streamed: bool = False
    partial: bool = False  # some of the history is on the server: what is not here may still have been said
    unknown: Mapping[str, int] = field(default_factory=dict[str, int])  # types of blocks that nobody knows, and how often
    unread: int = 0  # texts that were left out, as there were too many

    @property
    def method(self) -> str:
        return self.operation
