"""In tests our own errors are not contained: a bug is a failure, not a count."""

from collections.abc import Iterator

import pytest

from otel_mlsec import errors


@pytest.fixture(autouse=True)
def _errors_raise(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(errors, "raising", True)
    errors.counts.clear()
    yield
    errors.counts.clear()
