"""`Client.send` and `AsyncClient.send` of httpx and httpx2, where every client of a model meets the wire."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar, Token
from typing import Any

from opentelemetry import context, trace
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from otel_mlsec.capture import bodies, identity
from otel_mlsec.capture._owner import owner
from otel_mlsec.capture._patch import Patches
from otel_mlsec.capture.llm.decoded import decoded
from otel_mlsec.capture.llm.exchange import BODY, REFUSED, Ended, Exchange, failed
from otel_mlsec.capture.llm.streams import Sent, Tee
from otel_mlsec.detector import Guard, Submit
from otel_mlsec.errors import contained

LENGTHS = ("content-length", "transfer-encoding", "content-encoding")  # headers that tell of the body that was replaced
_site = contained("capture.llm")
_sending: ContextVar[Exchange | None] = ContextVar("otel_mlsec_sending", default=None)


def wrap(patches: Patches, module: Any, submit: Submit, guard: Guard | None = None) -> None:
    """Patch the clients of httpx or httpx2: `submit` gets an `Asked` before a provider is called, an `Answered` at the end."""

    def send(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any, /) -> Any:
        exchange = None
        with _site:
            exchange = _opened(_request(args, kwargs), submit)
        if exchange is None:
            return wrapped(*args, **kwargs)
        if guard is not None:
            args, kwargs = _guarded(guard, exchange, args, kwargs)
        token = _begun(exchange)
        try:
            response = wrapped(*args, **kwargs)  # the user's call: its errors are the user's
        except BaseException as error:
            with _site:
                exchange.raised(error, again=True)
            raise
        finally:
            _over(token, args, kwargs)
        with _site:
            _answered(exchange, response)
        return response

    def asend(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any, /) -> Any:
        exchange = None
        with _site:
            exchange = _opened(_request(args, kwargs), submit)
        if exchange is None:
            return wrapped(*args, **kwargs)
        if guard is not None:
            args, kwargs = _guarded(guard, exchange, args, kwargs)
        return awaited(exchange, wrapped(*args, **kwargs), args, kwargs)  # what is wrong with the arguments is said now

    async def awaited(exchange: Exchange, answer: Any, args: Any, kwargs: Any) -> Any:
        token = _begun(exchange)
        try:
            response = await answer
        except BaseException as error:
            with _site:
                exchange.raised(error, again=True)
            raise
        finally:
            _over(token, args, kwargs)
        with _site:
            _answered(exchange, response)
        return response

    def enabled() -> bool:
        return patches.active and is_instrumentation_enabled()

    patches.wrap(module, "Client.send", send, enabled)
    patches.wrap(module, "AsyncClient.send", asend, enabled)


def _request(args: Any, kwargs: Any) -> Any:
    return args[0] if args else kwargs.get("request")


def _opened(request: Any, submit: Submit) -> Exchange | None:
    """None for whatever is not a question to a model."""
    if getattr(request, "method", None) != "POST":
        return None
    url = request.url
    path = url.path
    if not bodies.asks("POST", path):
        return None
    try:
        body = request.content
    except RuntimeError:  # httpx: it is a stream, and nobody has read it
        body = None
    outer = _sending.get()
    if outer is not None and outer.path == path and body is not None and outer.body == body:
        return None  # a client that sends through another one
    here = context.get_current()
    span = trace.get_current_span(here)
    served = identity.request_of(span)
    theirs, attached = owner(span, path, request)
    exchange = Exchange(
        submit=submit,
        url=url,
        path=path,
        body=body if body is not None and len(body) <= BODY else None,
        who=identity.asked(here, span, served),
        served=served,
        time=identity.told_time(here) if here else None,
        span=theirs,
        attached=attached,
        start_ns=time.time_ns(),
        streamed_body=body is None,
    )
    if body is not None and not body.startswith(b"{"):
        exchange.body_encoding = str(request.headers.get("content-encoding") or "")
    if body is None:
        request.stream = Sent(request.stream, exchange)
    elif (last := failed.get()) is not None:
        exchange.follows(last())
        failed.set(None)
    return exchange


def _guarded(guard: Guard, exchange: Exchange, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """The arguments to go on with.  A body that is a stream is not there to be looked at, nor one that is too long."""
    if exchange.body is None:
        return args, kwargs
    body = exchange.body
    with _site:
        if exchange.body_encoding:
            body = decoded(body, exchange.body_encoding, BODY)
    guarded = guard(exchange.url.host, exchange.path, body)
    exchange.action, exchange.detectors = guarded.action, guarded.detectors
    if guarded.error is not None:
        with _site:
            exchange.blocked(guarded.error)
        raise guarded.error
    if guarded.action != "modified":
        return args, kwargs
    with _site:
        request = _request(args, kwargs)
        headers = [(name, value) for name, value in request.headers.raw if name.decode("latin-1").lower() not in LENGTHS]
        request = type(request)(request.method, request.url, headers=headers, content=guarded.body, extensions=request.extensions)
        return ((request, *args[1:]), kwargs) if args else (args, {**kwargs, "request": request})
    exchange.action, exchange.detectors = "", ()  # a request of a kind that cannot be made again is sent as it is
    return args, kwargs


def _begun(exchange: Exchange) -> Token[Exchange | None] | None:
    with _site:
        if not exchange.streamed_body:
            exchange.asked()
        return _sending.set(exchange)
    return None


def _over(token: Token[Exchange | None] | None, args: Any, kwargs: Any) -> None:
    with _site:
        if token is not None:
            with suppress(ValueError):  # a coroutine that was closed in another context than it ran in
                _sending.reset(token)
        request = _request(args, kwargs)
        if type(request.stream) is Sent:
            request.stream = request.stream.__wrapped__  # the user's own again


def _answered(exchange: Exchange, response: Any) -> None:
    headers, status = response.headers, response.status_code
    if status >= REFUSED:
        exchange.refused(status, headers)
        return
    exchange.status = status
    exchange.content_type = headers.get("content-type", "")
    if not response.is_closed:
        exchange.encoding = headers.get("content-encoding", "")
        exchange.response_type = type(response)
        response.stream = Tee(response.stream, exchange)
        return
    try:
        content = response.content
    except RuntimeError:  # closed by a hook of the user's, before it was read
        exchange.finish(Ended.CLOSED)
        return
    exchange.overflowed = len(content) > BODY
    exchange.content = content[:BODY]
    exchange.finish(Ended.READ)
