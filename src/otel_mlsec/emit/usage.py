"""Metrics of calls of language models: the two of the conventions, where nobody else makes them, and what was not read."""

from collections.abc import Mapping

from opentelemetry.context import Context
from opentelemetry.metrics import Meter

from otel_mlsec.emit import names
from otel_mlsec.emit.clean import text
from otel_mlsec.observation import Completion

NAME = 256  # bytes of a value: each is held for ever
MAX_TYPES = 64  # of unknown blocks; whoever sends them chooses their names
MAX_SERIES = 1000  # of an instrument: an SDK keeps each for ever, and behind a gateway who asks chooses the model's name
OTHER = "other"
# By whoever asks or answers.
CHOSEN = frozenset({names.PROVIDER_NAME, names.REQUEST_MODEL, names.RESPONSE_MODEL, names.SERVER_ADDRESS, names.ERROR_TYPE})
# Buckets of the conventions, s and tokens.
SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = tuple(float(4**power) for power in range(14))


class Usage:
    """The instruments of one process; attributes are of few values, never who asked."""

    def __init__(self, meter: Meter) -> None:
        self._types: set[str] = set()
        self._series: set[tuple[tuple[str, str], ...]] = set()
        self._duration = meter.create_histogram(
            names.OPERATION_DURATION, "s", "GenAI operation duration", explicit_bucket_boundaries_advisory=SECONDS
        )
        self._tokens = meter.create_histogram(
            names.TOKEN_USAGE,
            "{token}",
            "Number of input and output tokens used",
            explicit_bucket_boundaries_advisory=TOKENS,
        )
        self._unknown = meter.create_counter(
            names.UNKNOWN_BLOCKS,
            "{block}",
            "Blocks of requests and answers whose type nobody knows; what is text in them was read",
        )
        self._unread = meter.create_counter(
            names.UNREAD_TEXTS, "{text}", "Texts that were not judged, since a call had too many of them"
        )

    def answered(self, completion: Completion, context: Context) -> None:
        """`context` links to the call's span by an exemplar."""
        if completion.attached:
            return
        attributes = _attributes(completion)
        ended = self._bounded(_failed(attributes, completion))
        self._duration.record(max(0, completion.end_ns - completion.start_ns) / 1e9, ended, context)
        attributes = self._bounded(attributes)
        for kind, tokens in (("input", completion.input_tokens), ("output", completion.output_tokens)):
            if tokens is not None and tokens >= 0:
                self._tokens.record(tokens, {**attributes, names.TOKEN_TYPE: kind}, context)

    def not_read(self, completion: Completion, context: Context) -> None:
        """Of any call, also where somebody else makes its span."""
        provider = {names.PROVIDER_NAME: text(completion.model.framework, NAME)}
        for kind, count in list(completion.unknown.items())[:MAX_TYPES]:
            self._unknown.add(count, {**provider, names.BLOCK_TYPE: self._type(kind)}, context)
        if completion.unread:
            self._unread.add(completion.unread, provider, context)

    def _bounded(self, attributes: dict[str, str]) -> dict[str, str]:
        """Of more series than there may be, those that are new are one."""
        series = tuple(attributes.items())
        if series in self._series or len(self._series) < MAX_SERIES:
            self._series.add(series)
            return attributes
        return {name: OTHER if name in CHOSEN else value for name, value in attributes.items()}

    def _type(self, kind: str) -> str:
        name = text(kind, 64)
        if name not in self._types and len(self._types) >= MAX_TYPES:
            return OTHER
        self._types.add(name)
        return name


def _attributes(completion: Completion) -> dict[str, str]:
    said = {
        names.OPERATION_NAME: completion.operation,
        names.PROVIDER_NAME: completion.model.framework,
        names.REQUEST_MODEL: completion.model.name,
        names.RESPONSE_MODEL: completion.model.version,
        names.SERVER_ADDRESS: str((completion.attributes or {}).get(names.SERVER_ADDRESS, "")),
    }
    return {name: text(value, NAME) for name, value in said.items() if value}


def _failed(attributes: Mapping[str, str], completion: Completion) -> dict[str, str]:
    return {**attributes, names.ERROR_TYPE: text(completion.error, NAME)} if completion.error else dict(attributes)
