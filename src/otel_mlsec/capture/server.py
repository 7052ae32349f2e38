"""Whose request is being served: kept from the moment the web framework is called until its answer is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import Token
from dataclasses import astuple, dataclass
from typing import Any

import wrapt
from opentelemetry.trace import SpanKind

from otel_mlsec.capture import sources
from otel_mlsec.capture._patch import Patches, Wrapper
from otel_mlsec.capture.identity import LONGEST, Request, by_trace, serving
from otel_mlsec.errors import contained

ASGI = (("starlette.applications", "Starlette.__call__"), ("django.core.handlers.asgi", "ASGIHandler.__call__"))
WSGI = (("flask.app", "Flask.__call__"), ("django.core.handlers.wsgi", "WSGIHandler.__call__"))
TARGETS = ASGI + WSGI
PRINCIPAL, GROUP, FORWARDED, AGENT = range(4)  # of a request's headers, those that are read
_site = contained("capture.server")


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """Names of those that say who asks; empty, none does.  To be set only behind a proxy that sets the headers itself."""

    principal: str = ""
    group: str = ""  # what many principals may share: an autonomous system, a tenant
    forwarded: str = ""  # addresses on the way here, as `X-Forwarded-For` has them

    def names(self) -> tuple[str, ...]:
        return tuple(name.strip().lower() for name in (*astuple(self), sources.AGENT))


NONE = Headers()


def patch(patches: Patches, headers: Headers = NONE) -> None:
    active = lambda: patches.active  # noqa: E731
    names = headers.names()
    places = {name: [i for i, other in enumerate(names) if other == name] for name in names if name}
    asgi = _asgi({name.encode("latin-1"): which for name, which in places.items()})
    wsgi = _wsgi({f"HTTP_{name.upper().replace('-', '_')}": which for name, which in places.items()})
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


def _asgi(wanted: Mapping[bytes, Sequence[int]]) -> Wrapper:
    def call(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any, /) -> Any:
        # Wrong arguments are refused here and not at the await: by that uvicorn tells an application from its factory.
        answer = wrapped(*args, **kwargs)
        scope = args[0] if args else kwargs["scope"]
        if scope["type"] not in ("http", "websocket"):
            return answer
        request = _inner()
        with _site:
            request.address = str((scope.get("client") or ("",))[0])[: sources.LONGEST]
            for name, value in scope["headers"]:  # of several of a name the last one is the nearest proxy's
                for which in wanted.get(name, ()):
                    _said(request, which, (value[-LONGEST:] if which == FORWARDED else value[:LONGEST]).decode("latin-1"))
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


def _wsgi(wanted: Mapping[str, Sequence[int]]) -> Wrapper:
    def call(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any, /) -> Any:
        request = _inner()
        with _site:
            environ = args[0] if args else kwargs["environ"]
            request.address = str(environ.get("REMOTE_ADDR") or "")[: sources.LONGEST]
            for name, places in wanted.items():
                for which in places if name in environ else ():
                    _said(request, which, str(environ[name]))
        token = serving.set(request)
        try:
            body = wrapped(*args, **kwargs)
        except BaseException:
            _done(token)
            raise
        return Body(body, token)

    return call


def _said(request: Request, which: int, value: str) -> None:
    if which == PRINCIPAL:
        request.header = value[:LONGEST]
    elif which == GROUP:
        request.group = value[: sources.LONGEST]
    elif which == AGENT:
        request.agent = value[: sources.LONGEST]
    else:
        request.address = sources.last_hop(value) or request.address


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
