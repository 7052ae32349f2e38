"""All references that settings name, at once: files, directories with versions, and what is not there."""

from pathlib import Path

import numpy as np
import pytest

from otel_mlsec.reference import store
from otel_mlsec.reference.reference import Reference
from otel_mlsec.references import every


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    for n, name in ((200, "fraud"), (300, "fraud"), (400, "wines")):
        reference = Reference.fit(np.random.default_rng(n).normal(size=(n, 2)), name=name)
        store.add(tmp_path, name, lambda path, _, reference=reference: reference.save(path))
    return tmp_path


def test_a_directory_stands_for_what_counts_in_it(kept: Path):
    one = {name: reference.n_rows for name, reference in every({"wines": str(kept)}, None).items()}
    everything = {name: reference.n_rows for name, reference in every({"*": f"file://{kept}"}, None).items()}

    assert one == {"wines": 400}
    assert everything == {"fraud": 300, "wines": 400}


def test_what_is_named_by_itself_goes_before_the_directory(kept: Path):
    named = {"fraud": str(store.path_of(kept, "fraud", 1)), "*": str(kept)}

    assert {name: reference.n_rows for name, reference in every(named, None).items()} == {"fraud": 200, "wines": 400}


@pytest.mark.parametrize(
    ("told", "why"),
    [("https:///m.mlsec", "names no host"), ("http://127.0.0.1:1/m.mlsec", "cannot be reached"), ("none.mlsec", "none.mlsec")],
)
def test_what_is_not_there_is_said(told: str, why: str):
    with pytest.raises((ValueError, OSError), match=why):
        every({"*": told}, None)
