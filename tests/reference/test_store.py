"""A directory of references: found by the model's name, versions kept, and no name leads out of it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_mlsec.reference import store


def add(folder: Path, name: str, text: str = "x") -> Path:
    return store.add(folder, name, lambda path, version: path.write_text(f"{text}{version}") and None)


def test_the_last_version_counts_until_an_earlier_one_is_wanted(tmp_path: Path):
    for _ in range(3):
        add(tmp_path, "fraud")

    assert store.find(tmp_path, "fraud").read_text() == "x3"
    assert store.roll_back(tmp_path, "fraud") == 2
    assert store.find(tmp_path, "fraud").read_text() == "x2"
    assert store.roll_back(tmp_path, "fraud", 3) == 3
    assert add(tmp_path, "fraud").name == "0004.mlsec"
    assert store.versions(tmp_path, "fraud") == [1, 2, 3, 4]
    assert (tmp_path / "fraud" / "current").read_text() == "0004\n"


def test_a_file_of_the_models_name_will_do(tmp_path: Path):
    (tmp_path / "fraud.mlsec").write_text("one")
    add(tmp_path, "wines")

    assert store.find(tmp_path, "fraud") == tmp_path / "fraud.mlsec"
    assert store.names(tmp_path) == ["fraud", "wines"]
    assert store.find(tmp_path, "other") is None
    assert store.find(tmp_path, "") is None


@pytest.mark.parametrize(("text", "why"), [("0007", "names version 7, which is not there (there are: 1)"), ("x", "must hold")])
def test_a_version_that_is_not_there_is_said(text: str, why: str, tmp_path: Path):
    add(tmp_path, "fraud")
    (tmp_path / "fraud" / "current").write_text(text)

    with pytest.raises(ValueError) as raised:
        store.find(tmp_path, "fraud")

    assert why in str(raised.value)


def test_there_is_nothing_to_go_back_to(tmp_path: Path):
    add(tmp_path, "fraud")

    with pytest.raises(ValueError, match="no version of 'fraud' before 1"):
        store.roll_back(tmp_path, "fraud")
    with pytest.raises(ValueError, match="no version 5 of 'fraud'; there are 1"):
        store.roll_back(tmp_path, "fraud", 5)
    with pytest.raises(ValueError, match="has no versions of a reference of 'other'"):
        store.roll_back(tmp_path, "other")


def test_what_fails_leaves_what_was(tmp_path: Path):
    add(tmp_path, "fraud")

    def fails(path: Path, version: int) -> None:
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        store.add(tmp_path, "fraud", fails)

    assert store.versions(tmp_path, "fraud") == [1]
    assert store.find(tmp_path, "fraud").read_text() == "x1"


def test_many_who_add_at_once_have_numbers_of_their_own(tmp_path: Path):
    made: list[Path] = []
    threads = [threading.Thread(target=lambda: made.append(add(tmp_path, "fraud"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(made)) == 16
    assert store.versions(tmp_path, "fraud") == list(range(1, 17))
    assert store.find(tmp_path, "fraud") is not None


@settings(max_examples=60, deadline=None)
@given(
    name=st.one_of(st.text(min_size=1, max_size=40), st.sampled_from(["..", ".", "../x", "/etc/passwd", "a" * 5000, "\ud800"]))
)
def test_no_name_leads_out_of_the_directory(name: str, tmp_path_factory: pytest.TempPathFactory):
    outer = tmp_path_factory.mktemp("outer")
    inner = outer / "store"
    inner.mkdir()
    (outer / "x.mlsec").write_text("outside")
    try:
        path = add(inner, name)
    except OSError:  # too long for a file
        assert store.find(inner, name) is None
        return

    assert path.resolve().is_relative_to(inner.resolve())
    assert path.resolve().parent != inner.resolve()
    assert store.find(inner, name) == path
    assert [entry.name for entry in outer.iterdir() if entry.name != "store"] == ["x.mlsec"]
