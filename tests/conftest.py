"""In tests our own errors are not contained: a bug is a failure, not a count."""

import os
from collections.abc import Iterator

import pytest

from otel_mlsec import errors


@pytest.fixture(autouse=True)
def _errors_raise(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(errors, "raising", True)
    errors.counts.clear()
    yield
    errors.counts.clear()


@pytest.fixture(autouse=True, scope="session")
def _state(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Spools of tests, and of processes that they start, are not the user's."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))
