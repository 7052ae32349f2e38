"""Streams of bytes that are also seen by us: answers as they are read, bodies of requests as they are sent."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any

import wrapt

from otel_mlsec.capture.llm.exchange import BODY, Ended, Exchange
from otel_mlsec.errors import contained

_site = contained("capture.llm.stream")


class Tee(wrapt.ObjectProxy[Any]):
    """A response's stream that also keeps what passes, until it ends, is closed, or is forgotten.

    Only the first pass is kept: clients drain a stream that they have read, and one that a test or a cache made gives all of
    it again.
    """

    def __init__(self, stream: Any, exchange: Exchange) -> None:
        super().__init__(stream)
        self._self_exchange = exchange

    def __iter__(self) -> Iterator[bytes]:
        exchange = self._self_exchange
        if exchange.consumed:
            yield from self.__wrapped__
            return
        exchange.consumed = True
        keep, site = exchange.keep, _site
        try:
            for chunk in self.__wrapped__:
                with site:
                    keep(chunk)
                yield chunk
        except Exception as error:
            with site:
                exchange.raised(error, again=False)
            raise
        with site:
            exchange.finish(Ended.READ)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        exchange = self._self_exchange
        kept = not exchange.consumed
        exchange.consumed = True
        keep, site = exchange.keep, _site
        inner = self.__wrapped__.__aiter__()
        try:
            async for chunk in inner:
                if kept:
                    with site:
                        keep(chunk)
                yield chunk
        except Exception as error:
            with site:
                exchange.raised(error, again=False)
            raise
        finally:
            if isinstance(inner, AsyncGenerator):
                await inner.aclose()
        if kept:
            with site:
                exchange.finish(Ended.READ)

    def close(self) -> None:
        try:
            self.__wrapped__.close()
        finally:
            with _site:
                self._self_exchange.finish(Ended.CLOSED)

    async def aclose(self) -> None:
        try:
            await self.__wrapped__.aclose()
        finally:
            with _site:
                self._self_exchange.finish(Ended.CLOSED)

    def __del__(self) -> None:
        with _site:
            self._self_exchange.finish(Ended.ABANDONED)


class Sent(wrapt.ObjectProxy[Any]):
    """The body of a request that is a stream: seen as it is sent, not changed, and not read before."""

    def __init__(self, stream: Any, exchange: Exchange) -> None:
        super().__init__(stream)
        self._self_exchange = exchange
        self._self_kept = bytearray()

    def __iter__(self) -> Iterator[bytes]:
        self._self_kept.clear()  # sent again, after a redirect
        for chunk in self.__wrapped__:
            with _site:
                self._keep(chunk)
            yield chunk
        with _site:
            self._sent()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._self_kept.clear()
        inner = self.__wrapped__.__aiter__()
        try:
            async for chunk in inner:
                with _site:
                    self._keep(chunk)
                yield chunk
        finally:
            if isinstance(inner, AsyncGenerator):
                await inner.aclose()
        with _site:
            self._sent()

    def _keep(self, chunk: bytes) -> None:
        if len(self._self_kept) <= BODY:
            self._self_kept += chunk

    def _sent(self) -> None:
        if len(self._self_kept) <= BODY:
            self._self_exchange.body = bytes(self._self_kept)
        self._self_exchange.asked()
