"""All references that settings name, at once: files, directories with versions, and what is not there."""

from pathlib import Path

import numpy as np
import pytest

from otel_mlsec.observation import Meaning, Model, Prediction
from otel_mlsec.reference import store
from otel_mlsec.reference.reference import Reference
from otel_mlsec.references import References, every


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


def asked(references: References, n: int) -> list[Reference | None]:
    calls = (Prediction(model=Model(name=f"m{i}\nforged"), method="chat", meaning=Meaning.RAW) for i in range(n))
    return [references.of(call, 1000.0) for call in calls]


def test_who_names_models_as_he_likes_makes_nobody_read_a_file_again(kept: Path):
    file = kept / "any.mlsec"
    Reference.fit(np.random.default_rng(1).normal(size=(200, 2))).save(file)
    references = References({"*": str(file)}, "", lambda _, __: None)

    before = asked(references, 3)
    Reference.fit(np.random.default_rng(1).normal(size=(300, 2))).save(file)
    after = asked(references, 3)

    assert [found.n_rows for found in before] == [200] * 3
    assert all(found is before[0] for found in before)
    assert [found.n_rows for found in after] == [300] * 3


def test_who_names_models_as_he_likes_does_not_fill_the_log(kept: Path, caplog: pytest.LogCaptureFixture):
    file, refused = kept / "damaged.mlsec", []
    file.write_bytes(b"otel-mlsec reference\n" + bytes(500))
    references = References({"*": str(file)}, "", lambda *why: refused.append(why))

    assert asked(references, 1000) == [None] * 1000

    assert len(refused) == 1000
    assert len(caplog.messages) == 257
    assert "forged" in caplog.messages[0]
    assert not any("\n" in message for message in caplog.messages)
    assert "are counted and not told" in caplog.messages[-1]
