"""Where the agent meets the SDK: a span processor that forwards flush and shutdown, and the providers it is attached to."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import wrapt
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from otel_mlsec.capture import _owner, server
from otel_mlsec.errors import contained
from otel_mlsec.pipeline.worker import Worker

FLUSH = ("force_flush", "shutdown")  # of every provider
FLUSH_TIMEOUT = 30.0  # s, the SDK's own default
_site = contained("processor.span")


class DetectionProcessor(SpanProcessor):
    """Sees server spans start, so that a request's user is found; drains detection before spans are flushed.

    Detection itself is fed by capture and not by `on_end`: a span that is not sampled never gets here, and sampling at 1 %
    would hide 99 % of an attack.  Its spans are made by the worker, so they are ended when a drain returns.
    """

    def __init__(self) -> None:
        self.worker: Worker[Any] | None = None  # None: switched off; a provider cannot be told to forget a processor

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        if self.worker is not None:
            server.on_start(span)
            with _site:
                _owner.on_start(span)

    def on_end(self, span: ReadableSpan) -> None:
        """Calls of language models that only others see."""
        if self.worker is not None:
            with _site:
                _owner.on_end(span)

    def shutdown(self) -> None:
        self.force_flush()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        with contained("processor.flush"):
            return self.worker is None or self.worker.drain(timeout_millis / 1e3)
        return False


_processors: weakref.WeakKeyDictionary[Any, DetectionProcessor] = weakref.WeakKeyDictionary()  # one a provider, for its life


class Providers:
    """The providers that are flushed after us: those given, or the global ones, whenever they come."""

    def __init__(
        self, worker: Worker[Any], current: Callable[[], tuple[Any, ...]], deliver: Callable[[float], object] = lambda _: None
    ) -> None:
        """`current` gives the tracer, meter and logger provider of now; `deliver` sends, within s, what has a way of its own."""
        self._worker, self._current, self._deliver = worker, current, deliver
        self._seen: tuple[Any, ...] = ()
        self._wrapped: list[tuple[Any, str, Any]] = []
        self.settled = False  # all three are an SDK's, which is set once for the life of a process
        self.forked()

    def forked(self) -> None:
        self._looking = threading.Lock()  # who held it is not in the child

    def look(self) -> None:
        """Attach to what is new; called with every call of a model until all is there, so it costs little when nothing is."""
        if self._current() == self._seen:
            return
        if not self._looking.acquire(blocking=False):
            return  # another thread does, or this one, of which a finalizer ends a call
        try:
            providers = self._current()
            for provider in providers:
                if not any(provider is known for known in self._seen):
                    self._attach(provider)
            self._seen = providers
            self.settled = all(hasattr(provider, FLUSH[0]) for provider in providers)
            self._worker.drain_at_exit()  # a provider made after us would flush before us
        finally:
            self._looking.release()

    def flush(self) -> None:
        for provider in self._seen:
            if hasattr(provider, FLUSH[0]):
                with contained("processor.flush"):
                    provider.force_flush(int(FLUSH_TIMEOUT * 1e3))

    def _attach(self, provider: Any) -> None:
        if hasattr(provider, "add_span_processor"):
            processor = _processors.get(provider)
            if processor is None:
                processor = _processors[provider] = DetectionProcessor()
                provider.add_span_processor(processor)
            processor.worker = self._worker
        elif not hasattr(provider, "force_flush"):
            return  # a proxy, until the application sets its SDK up
        for name in FLUSH:
            if hasattr(provider, name):
                handle = wrapt.wrap_object(provider, name, wrapt.FunctionWrapper, (self._drain_first,))
                self._wrapped.append((provider, name, handle))

    def _drain_first(self, wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any, /) -> Any:
        with contained("processor.flush"):
            told = args[0] if args else kwargs.get("timeout_millis")
            end = time.monotonic() + (told / 1e3 if isinstance(told, int | float) else FLUSH_TIMEOUT)
            self._worker.drain(end - time.monotonic())
            self._deliver(max(0.0, end - time.monotonic()))
        return wrapped(*args, **kwargs)

    def detach(self) -> None:
        for provider, name, handle in reversed(self._wrapped):
            with contained("processor.detach"):
                wrapt.unwrap_object(provider, name, handle, missing_ok=True)
        for provider in self._seen:
            if isinstance(processor := _processors.get(provider), DetectionProcessor):
                processor.worker = None
        self._wrapped, self._seen, self.settled = [], (), False
