"""Whose request is being served: kept from the moment the web framework is called until its answer is sent."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from contextvars import Token
from typing import Any

import wrapt
from opentelemetry.trace import SpanKind

from otel_mlsec.capture._patch import Patches, Wrapper
from otel_mlsec.capture.identity import LONGEST, Request, by_trace, serving
from otel_mlsec.errors import contained

ASGI = (("starlette.applications", "Starlette.__call__"), ("django.core.handlers.asgi", "ASGIHandler.__call__"))
WSGI = (("flask.app", "Flask.__call__"), ("django.core.handlers.wsgi", "WSGIHandler.__call__"))
TARGETS = ASGI + WSGI
_site = contained("capture.server")


def patch(patches: Patches, header: str = "") -> None:
    """`header` names who asks; empty, none does.  To be set only behind a proxy that sets it itself."""
    name = header.strip().lower()
    active = lambda: patches.active  # noqa: E731
    asgi = _asgi(name.encode("latin-1"))
    wsgi = _wsgi("HTTP_" + name.upper().replace("-", "_") if name else "")
    for module, path in ASGI:
        patches.wrap_when_imported(module, path, asgi, active)
    for module, path in WSGI:
        patches.wrap_when_imported(module, path, wsgi, active)


def on_start(span: Any) -> None:
    """For a span processor: joins the server span to its request, so that what is set on it later can be read."""
    with _site:
        if span.kind is SpanKind.SERVER:
            request = serving.get()
            if request is not None:
                request.span = span
                by_trace[span.get_span_context().trace_id] = request


def _asgi(header: bytes) -> Wrapper:
    def call(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any, /) -> Any:
        # Wrong arguments are refused here and not at the await: by that uvicorn tells an application from its factory.
        answer = wrapped(*args, **kwargs)
        scope = args[0] if args else kwargs["scope"]
        if scope["type"] not in ("http", "websocket"):
            return answer
        request = _inner()
        with _site:
            request.address = str((scope.get("client") or ("",))[0])
            if header:  # the last one is the nearest proxy's
                values = [value for name, value in scope["headers"] if name == header]
                request.header = values[-1][:LONGEST].decode("latin-1") if values else ""
        return _served(answer, request)

    return call


def _inner() -> Request:
    """An application may be mounted in another: its server span has been started already."""
    outer = serving.get()
    return Request(span=outer.span if outer is not None else None)


async def _served(answer: Any, request: Request) -> Any:
    token = serving.set(request)
    try:
        return await answer
    finally:
        _done(token)


def _wsgi(header: str) -> Wrapper:
    def call(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any, /) -> Any:
        request = _inner()
        with _site:
            environ = args[0] if args else kwargs["environ"]
            request.address = str(environ.get("REMOTE_ADDR") or "")
            request.header = str(environ.get(header, ""))[:LONGEST] if header else ""
        token = serving.set(request)
        try:
            body = wrapped(*args, **kwargs)
        except BaseException:
            _done(token)
            raise
        return Body(body, token)

    return call


class Body(wrapt.ObjectProxy[Any]):
    """A WSGI answer.  It may be made while it is sent, so the request is served until the server closes it."""

    def __init__(self, body: Any, token: Token[Request | None]) -> None:
        super().__init__(body)
        self._self_token = token

    def close(self) -> None:
        try:
            close = getattr(self.__wrapped__, "close", None)
            if close is not None:
                close()
        finally:
            _done(self._self_token)


def _done(token: Token[Request | None]) -> None:
    # Closed in another context than it was opened in, where there is nothing to take back; or closed twice.
    with suppress(ValueError, RuntimeError):
        serving.reset(token)
