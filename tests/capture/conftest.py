"""Real libraries, patched for one test and given back as they were."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from otel_mlsec import capture
from otel_mlsec.capture import server
from otel_mlsec.observation import Prediction

Asked = Callable[[Callable[[], Any]], list[Prediction]]


@pytest.fixture
def calls() -> Iterator[list[capture.Call]]:
    """What was handed over so far."""
    handed: list[capture.Call] = []
    patches = capture.Patches()

    def submit(call: capture.Call, /) -> bool:
        handed.append(call)
        return True

    capture.patch(patches, submit)
    server.patch(patches, server.Headers(principal="X-User", group="X-Tenant", forwarded="X-Forwarded-For"))
    yield handed
    patches.undo()


@pytest.fixture
def asked(calls: list[capture.Call]) -> Asked:
    """Run something, and say what was observed meanwhile."""

    def run(action: Callable[[], Any]) -> list[Prediction]:
        calls.clear()
        action()
        return [capture.prediction(call) for call in calls]

    return run
