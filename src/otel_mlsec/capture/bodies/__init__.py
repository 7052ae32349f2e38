"""Bodies of requests to language models and of their answers, read: every text with who speaks and whose words they are.

`asks` runs in the caller's thread; `request` and `answer` run in the worker's.
"""

from __future__ import annotations

from typing import Final

from otel_mlsec.capture.bodies import facts, parse
from otel_mlsec.capture.bodies.apis import TABLE
from otel_mlsec.capture.bodies.paths import asks, route
from otel_mlsec.capture.bodies.provider import provider
from otel_mlsec.capture.bodies.shapes import mapping, string
from otel_mlsec.capture.bodies.taken import Taken
from otel_mlsec.capture.bodies.values import Answer, Request

__all__ = ["UNREADABLE", "Answer", "Request", "answer", "asks", "request"]

UNREADABLE: Final = "unreadable"  # `Answer.error` of bytes that are no answer in any form that is known


def request(path: str, host: str, body: bytes) -> Request | None:
    """What a request asks, or None: no model is named in it or in its path, or it is no JSON of the kind.

    Args:
        path: of the URL, decoded.
        host: without a port.
        body: as it was sent; of one that was cut off, what was complete is read.
    """
    try:
        seen = mapping(parse.value(body)[0])
    except ValueError:
        return None
    found = route(path, seen)
    if found is None:
        return None
    api = TABLE[found.api]
    model = facts.model(seen) or found.model
    if not model or not any(key in seen for key in api.needs):
        return None
    taken = Taken()
    api.ask(seen, taken)
    conversation = found.thread or facts.conversation(seen)
    streams = seen.get("stream")
    return Request(
        api=found.api,
        provider=provider(host, path),
        operation=api.operation,
        model=model,
        inputs=taken.texts(),
        # Ollama streams unless it is told not to.
        stream=found.stream or streams is True or (streams is None and path.endswith(("/api/chat", "/api/generate"))),
        conversation=conversation,
        principal=facts.principal(seen),
        partial=taken.partial or bool(conversation),
        unknown=dict(taken.unknown),
        unread=taken.unread,
        attributes=facts.settings(seen, api.limits),
    )


def answer(request: Request, body: bytes, content_type: str) -> Answer:
    """What came back, in whichever form: JSON, an array of it, server-sent events, JSON lines, or AWS's frames.

    The bytes decide which; `content_type` is what the server says it is, and may be wrong or missing.  Never raises: of
    bytes that nobody can read, `error` says so.
    """
    parsed = parse.answer(body)
    if not parsed.events:
        return Answer(error=UNREADABLE if body.strip() else "", ended=False)
    api = TABLE[request.api]
    if parsed.streamed:
        whole, ended = api.join(parsed.events)
        ended = ended or parsed.done
        whole = {
            **whole,
            "error": whole.get("error") or next((e.data["error"] for e in parsed.events if e.data.get("error")), None),
        }
    else:
        whole, ended = parsed.events[0].data, not parsed.cut
    taken = Taken()
    api.say(whole, taken)
    read, written = facts.tokens(whole)
    error = facts.error(whole)
    return Answer(
        outputs=taken.texts(),
        model=facts.model(whole),
        response_id=(string(whole.get("id")) or string(whole.get("responseId")) or string(whole.get("response_id")))[
            : facts.LONGEST
        ],
        finish_reasons=facts.finish_reasons(whole),
        input_tokens=read,
        output_tokens=written,
        ended=ended and not error,
        error=error,
        unknown=dict(taken.unknown),
        unread=taken.unread,
    )
