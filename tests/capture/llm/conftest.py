"""httpx and httpx2, patched for one test; what was handed over, read as the worker reads it."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from otel_mlsec import capture
from otel_mlsec.capture import foreign, llm
from otel_mlsec.detector import Guard
from otel_mlsec.observation import Completion


class Seen:
    """What was handed over."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.attempts = llm.Attempts()
        self.patches = capture.Patches()
        self.accepts = True

    def submit(self, item: Any, /) -> bool:
        self.items.append(item)
        return self.accepts

    def watch(self, guard: Guard | None = None) -> None:
        self.patches.undo()
        capture.patch(self.patches, self.submit, guard=guard)

    def calls(self, now: float | None = None) -> list[Any]:
        """Items of calls, whose attempts are put together, as the worker takes them."""
        taken: list[Any] = []
        for item in self.items:
            taken += [item] if isinstance(item, foreign.Foreign) else self.attempts.take(item, now or time.monotonic())
        self.items.clear()
        return taken

    def prompts(self) -> list[Completion]:
        return [found for item in self.items if isinstance(item, llm.Asked) and (found := llm.prompt(item)) is not None]

    def answered(self, flush: bool = False) -> list[Completion]:
        """Calls that have ended; `flush`: also those that might be tried again."""
        items = self.calls() + list(self.attempts.flush() if flush else ())
        found = (llm.whole(item) for item in items if isinstance(item, llm.Answered))
        return [completion for completion in found if completion is not None]


@pytest.fixture
def seen() -> Iterator[Seen]:
    watched = Seen()
    watched.watch()
    yield watched
    watched.patches.undo()


@pytest.fixture
def one(seen: Seen) -> Callable[[], Completion]:
    """The one call that was seen: asked once, answered once."""

    def only() -> Completion:
        kinds = [type(item).__name__ for item in seen.items]
        assert kinds == ["Asked", "Answered"]
        [completion] = seen.answered(flush=True)
        return completion

    return only
