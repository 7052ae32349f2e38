"""Prompts that are not sent, or not as they are: only where the configuration asks for it, and before a provider is called.

A request is judged in the caller's thread, which takes its time: some 0.1 ms a text and 0.5 ms a kilobyte that was not seen
before.  Answers are never touched.  At most 512 Ki characters of a request that are new to the guard are judged, the newest
first; detection behind it counts what is left.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from otel_mlsec.blocked import Blocked
from otel_mlsec.capture import Patches, bodies
from otel_mlsec.config import Config
from otel_mlsec.detector import Guarded
from otel_mlsec.detectors.llm import build
from otel_mlsec.detectors.llm.fusion import judge
from otel_mlsec.errors import contained
from otel_mlsec.finding import Finding
from otel_mlsec.observation import Text
from otel_mlsec.pipeline.alone import Alone
from otel_mlsec.pipeline.turns import LEAST, LOOKED_AT, MAX_CHARACTERS, operators

NOTICE = "[removed: this text looked like an attack on the model]"
# Clients made by one generator: they take any Exception of a transport for a broken connection, try again and raise their own.
GENERATED = ("openai", "anthropic", "groq", "together", "cerebras.cloud.sdk", "llama_api_client", "writerai", "perplexity")


class _Carried(BaseException):
    """Takes a `Blocked` through a client that catches every `Exception`; nobody outside sees it."""

    def __init__(self, blocked: Blocked) -> None:
        super().__init__(blocked.explanation)
        self.blocked = blocked


_carrying: ContextVar[bool] = ContextVar("otel_mlsec_carrying", default=False)


def enforced(patches: Patches, config: Config) -> Guarding:
    """The guard of a configuration; clients that would hide what it raises are patched."""
    carry(patches)
    return Guarding(Alone(judge(), build(config.llm, only=config.enforce, adaptive=False)), config.enforce)


class Guarding:
    """Judges requests; a failure of its own lets them pass.

    Args:
        alone: with the detectors that are enforced.
        actions: `raise` or `replace`, by detector.
    """

    def __init__(self, alone: Alone, actions: Mapping[str, str]) -> None:
        self._alone, self._actions = alone, actions

    def __call__(self, host: str, path: str, body: bytes, /) -> Guarded:
        with contained("enforcement"):
            request = bodies.request(path, host, body)
            found = list(self._found(request.inputs)) if request is not None else []
            if found:
                return self._taken(body, found)
        return Guarded(body)

    def _found(self, texts: Sequence[Text]) -> Iterator[tuple[Text, Finding]]:
        left = MAX_CHARACTERS
        for text in reversed(texts):
            if operators(text):
                continue
            ruling = self._alone.known(text)
            if ruling is None:
                left -= max(LEAST, min(len(text.text), LOOKED_AT))
                if left < 0:
                    continue  # another may be known
                with contained("enforcement"):  # a text that cannot be judged must not let the others pass
                    ruling = self._alone.ruled(text)
            if ruling is not None:
                yield from ((text, finding) for finding in ruling.findings if finding.detector in self._actions)

    def _taken(self, body: bytes, found: Sequence[tuple[Text, Finding]]) -> Guarded:
        """What has no place of its own in the request cannot be replaced, so it is not sent."""
        detectors = tuple(dict.fromkeys(finding.detector for _, finding in found))
        refused = [finding for _, finding in found if self._actions[finding.detector] == "raise"]
        changed = None if refused else _without(body, [text for text, _ in found])
        if changed is not None:
            return Guarded(changed, "modified", detectors)
        worst = max(refused or [finding for _, finding in found], key=lambda finding: (finding.severity, finding.score))
        blocked = Blocked(
            f"{worst.title}: {worst.summary}",
            kind=worst.kind,
            detector=worst.detector,
            score=worst.score,
            threshold=worst.threshold,
        )
        return Guarded(body, "blocked", detectors, _Carried(blocked) if _carrying.get() else blocked)


def _without(body: bytes, texts: Sequence[Text]) -> bytes | None:
    """The request with a notice in the place of each text; None where one of them cannot be replaced."""
    try:
        request: Any = json.loads(body)
        for text in texts:
            *way, last = text.path
            place = request
            for step in way:
                place = place[step]
            if place[last] not in (text.text, NOTICE):  # NOTICE: two findings in one text
                return None
            place[last] = NOTICE
        return json.dumps(request, separators=(",", ":")).encode()
    except (ValueError, RecursionError, LookupError, TypeError):
        return None


def carry(patches: Patches) -> None:
    """Let `Blocked` pass through the generated clients, sync and async, streamed or not."""

    def request(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any, /) -> Any:
        with _SetDown():
            return wrapped(*args, **kwargs)

    def arequest(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any, /) -> Any:
        return awaited(wrapped(*args, **kwargs))  # what is wrong with the arguments is said now

    async def awaited(answer: Any) -> Any:
        with _SetDown():
            return await answer

    def imported(module: Any) -> None:
        patches.wrap(module, "SyncAPIClient.request", request, lambda: patches.active)
        patches.wrap(module, "AsyncAPIClient.request", arequest, lambda: patches.active)

    for package in GENERATED:
        patches.when_imported(f"{package}._base_client", imported)


class _SetDown:
    """What was carried this far is raised as what it is."""

    def __enter__(self) -> None:
        self._token = _carrying.set(True)

    def __exit__(self, _kind: object, error: BaseException | None, _tb: TracebackType | None) -> None:
        with suppress(ValueError):  # a coroutine that is closed in another context than it ran in
            _carrying.reset(self._token)
        if isinstance(error, _Carried):
            raise error.blocked from None
