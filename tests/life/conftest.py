"""Lives of findings are measured by a clock that the tests set."""

from __future__ import annotations

import functools

import pytest

from otel_mlsec import agent
from otel_mlsec.pipeline.life import Life


class Time:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(agent, "Life", functools.partial(Life, now=made))
    return made
