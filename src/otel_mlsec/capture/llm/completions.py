"""In the worker: bytes of an exchange become a call of a model, before its answer and after it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from otel_mlsec.capture import bodies, identity
from otel_mlsec.capture._owner import heard, newest
from otel_mlsec.capture.llm.decoded import decoded
from otel_mlsec.capture.llm.exchange import BODY, STREAM, Answered, Asked, Ended, Exchange
from otel_mlsec.errors import contained
from otel_mlsec.observation import Completion, Ending, Model

UNNAMED = "unnamed"  # a model whose request could not be read
STREAMS = ("text/event-stream", "application/x-ndjson", "application/stream+json")
VECTORS = 1 << 20  # bytes of an answer that has no texts, of which more is not worth its reading
ENDINGS = {Ended.READ: Ending.COMPLETE, Ended.CLOSED: Ending.CLOSED, Ended.ABANDONED: Ending.ABANDONED}


def prompt(item: Asked) -> Completion | None:
    """What the model is asked; None where no model is."""
    completion = _asked(item.exchange)
    mark = newest(completion.span.trace_id, completion.inputs) if completion is not None else None
    if completion is not None and mark is not None:
        heard.add(mark, completion.start_ns)  # a span that tells of the same call later is not another one
    return completion


def whole(item: Answered) -> Completion | None:
    """What it was asked and what it said; None where no model is."""
    exchange = item.exchange
    asked = _asked(exchange)
    if asked is None:
        return None
    completion = replace(
        asked,
        end_ns=max(exchange.end_ns, exchange.start_ns),
        ending=ENDINGS.get(exchange.ended or Ended.CLOSED, Ending.FAILED),
        error=exchange.error,
        streamed=asked.streamed or exchange.content_type.startswith(STREAMS),
    )
    request = _request(exchange)
    with contained("capture.bodies"):
        body = _answer_body(exchange)
        if request is None or not body or (request.operation == "embeddings" and len(body) > VECTORS):
            return completion
        return _answered(completion, exchange, request, body)
    return replace(completion, ending=Ending.UNKNOWN, unread=completion.unread + 1)


def _answered(completion: Completion, exchange: Exchange, request: bodies.Request, body: bytes) -> Completion:
    answer = bodies.answer(request, body, exchange.content_type)
    ending, error = completion.ending, completion.error
    if ending is not Ending.FAILED and answer.error:
        ending, error = Ending.FAILED, answer.error
    elif ending is not Ending.FAILED and answer.ended:  # clients close a stream when its last event has come
        ending = Ending.COMPLETE
    return replace(
        completion,
        model=replace(completion.model, version=answer.model),
        outputs=answer.outputs,
        ending=ending,
        error=error,
        response_id=answer.response_id,
        finish_reasons=answer.finish_reasons,
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        unknown=Counter(completion.unknown) + Counter(answer.unknown),
        unread=completion.unread + answer.unread + exchange.overflowed,
    )


def _request(exchange: Exchange) -> bodies.Request | None:
    """Parsed once, since both phases need it."""
    if not exchange.parsed:
        body = exchange.body
        if body is not None and exchange.body_encoding:
            body = decoded(body, exchange.body_encoding, BODY)
        exchange.parsed = True
        with contained("capture.bodies"):
            exchange.reading = bodies.request(exchange.path, exchange.url.host, body or b"{}")
            return exchange.reading
        exchange.body = None  # whatever makes us fail must not go unseen: it is unread
    return exchange.reading


def _asked(exchange: Exchange) -> Completion | None:
    request = _request(exchange)
    unread = exchange.body is None  # too long, or never sent
    if request is None and not unread:
        return None
    url, served = exchange.url, exchange.served
    attributes: dict[str, str | int | float] = {"server.address": url.host}
    if url.port is not None:
        attributes["server.port"] = url.port
    if served is not None and served.address:
        attributes["client.address"] = served.address
    unnamed = Completion(
        model=Model(name=UNNAMED, framework=url.host),
        operation="chat",
        principal=identity.pseudonym(_who(exchange, request.principal if request is not None else "")),
        time=exchange.start_ns / 1e9 if exchange.time is None else exchange.time,
        start_ns=exchange.start_ns,
        span=exchange.span,
        attached=exchange.attached,
        attributes=attributes,
        partial=True,
        unread=int(unread),
    )
    if request is None:
        return unnamed
    return replace(
        unnamed,
        model=Model(name=request.model, framework=request.provider),
        operation=request.operation,
        inputs=request.inputs,
        conversation=request.conversation,
        attributes={**attributes, **request.attributes},
        streamed=request.stream,
        partial=request.partial or unread,
        unknown=request.unknown,
        unread=request.unread + unread,
    )


def _who(exchange: Exchange, claimed: str) -> identity.Asked:
    """What the application said of this request wins over what came with it; a body is the application's, a header is not."""
    who = exchange.who
    return identity.Asked("user", claimed[: identity.LONGEST]) if claimed and who.kind not in ("app", "user") else who


def _answer_body(exchange: Exchange) -> bytes:
    if exchange.content is not None:
        return exchange.content
    if exchange.encoding:
        body = decoded(bytes(exchange.kept), exchange.encoding, STREAM, exchange.response_type)
        exchange.overflowed |= len(body) >= STREAM
        return body
    if exchange.tail and exchange.content_type.startswith(STREAMS):  # what is left out ends in the middle of an event
        return b"%b\n\n%b" % (exchange.kept, exchange.tail.partition(b"\n")[2])
    return bytes(exchange.kept)
