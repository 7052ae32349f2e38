"""The file of a reference: it comes back as it was, or is refused with a sentence that says why."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors import TABLE, build
from otel_mlsec.reference import envelope
from otel_mlsec.reference.envelope import HEAD, MAGIC, SEAL, UNSIGNED
from otel_mlsec.reference.reference import Reference

KEY, OTHER_KEY = b"a key of sixteen bytes", b"another key, also long"
CITIES = ("Klagenfurt", "Bregenz", "Eisenstadt")
START = len(MAGIC) + HEAD.size


def reference() -> Reference:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "amount": rng.exponential(3, 2000),
            "city": rng.choice(CITIES, 2000),
            "code": rng.integers(0, 5, 2000),
            "empty": np.full(2000, np.nan),
            "odd": rng.choice([1.0, np.inf, np.nan], 2000),
            "age": rng.normal(40, 10, 2000),
            "heat": np.repeat(np.cumsum(rng.normal(0, 3, 84)), 24)[:2000] + rng.normal(0, 1, 2000),  # another one every day
        }
    )
    known = Reference.fit(frame, time=np.arange(2000) * 3600.0, categorical=["code"], name="m", version="7")
    x = frame[["amount", "code"]]
    late = x["amount"] + rng.normal(0, 1, 2000) > 2
    answered = Reference.fit(x, late, LogisticRegression().fit(x, late))
    own = {name: getattr(answered, name) for name in ("outputs", "truth", "calibration")}
    return Reference(**{f.name: getattr(known, f.name) for f in fields(known)} | own | {"classes": ("0", "1")})


REFERENCE = reference()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    REFERENCE.save(tmp_path / "m.ref")
    return tmp_path / "m.ref"


def equal(left: Any, right: Any, where: str = "") -> None:
    """All fields of all values, arrays by type and cell."""
    assert type(left) is type(right), where
    if isinstance(left, np.ndarray):
        assert left.dtype == right.dtype, where
        np.testing.assert_array_equal(left, right, err_msg=where)
    elif is_dataclass(left):
        for field in fields(left):
            equal(getattr(left, field.name), getattr(right, field.name), f"{where}.{field.name}")
    elif isinstance(left, tuple):
        assert len(left) == len(right), where
        for i, (a, b) in enumerate(zip(left, right, strict=True)):
            equal(a, b, f"{where}[{i}]")
    else:
        assert left == right, where


@pytest.mark.parametrize("key", [None, KEY])
def test_it_comes_back_as_it_was(tmp_path: Path, key: bytes | None):
    REFERENCE.save(tmp_path / "m.ref", key=key)

    equal(Reference.load(tmp_path / "m.ref", key=key), REFERENCE)
    assert envelope.is_signed(tmp_path / "m.ref") is (key is not None)


def test_a_signed_file_can_be_read_without_the_key(tmp_path: Path):
    REFERENCE.save(tmp_path / "m.ref", key=KEY)

    equal(Reference.load(tmp_path / "m.ref"), REFERENCE)


def test_saving_the_same_twice_is_the_same_file_and_leaves_no_other(path: Path):
    before = path.read_bytes()

    Reference.load(path).save(path)

    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_no_text_of_a_row_is_in_the_file(path: Path):
    whole = path.read_bytes()

    assert b"amount" in whole  # names of columns are
    assert not [city for city in CITIES if city.encode() in whole]


def test_wrong_keys_are_told_apart(tmp_path: Path):
    signed, unsigned = tmp_path / "signed.ref", tmp_path / "unsigned.ref"
    REFERENCE.save(signed, key=KEY)
    REFERENCE.save(unsigned)

    with pytest.raises(ValueError, match=r"signed\.ref is signed with another key"):
        Reference.load(signed, key=OTHER_KEY)
    with pytest.raises(ValueError, match=r"unsigned\.ref is not signed, and a reference key is set"):
        Reference.load(unsigned, key=KEY)


@settings(max_examples=150, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_refused(tmp_path_factory: pytest.TempPathFactory, place: float, bit: int):
    path = tmp_path_factory.mktemp("flipped") / "m.ref"
    REFERENCE.save(path, key=KEY)
    whole = bytearray(path.read_bytes())
    whole[int(place * len(whole))] ^= 1 << bit
    path.write_bytes(whole)

    with pytest.raises(ValueError, match=r"m\.ref (is not a reference|has format version|is damaged|is signed with another key)"):
        Reference.load(path, key=KEY)


REGIONS = {
    "magic": (0, "is not a reference of otel-mlsec"),
    "version": (len(MAGIC), "has format version 3, this release reads version 1: fit it again"),
    "length": (len(MAGIC) + 4, "is damaged: its contents do not match its SHA-256 digest"),
    "manifest": (START + 5, "is damaged: its contents do not match"),
    "arrays": (-2 * SEAL - 8, "is damaged: its contents do not match"),
    "digest": (-2 * SEAL, "is damaged: its contents do not match"),
    "signature": (-1, "is signed with another key"),
}


@pytest.mark.parametrize("region", REGIONS)
def test_each_region_has_its_sentence(tmp_path: Path, region: str):
    at, says = REGIONS[region]
    path = tmp_path / "m.ref"
    REFERENCE.save(path, key=KEY)
    whole = bytearray(path.read_bytes())
    whole[at] ^= 2
    path.write_bytes(whole)

    with pytest.raises(ValueError, match=says):
        Reference.load(path, key=KEY)


@pytest.mark.parametrize("kept", [0, 10, len(MAGIC), len(MAGIC) + 8, 200, 0.5, 0.99, -1])
def test_a_truncated_file_is_refused(path: Path, kept: float):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole)) if isinstance(kept, float) else kept])

    with pytest.raises(ValueError, match=r"is not a reference of otel-mlsec|is damaged"):
        Reference.load(path)


def test_another_file_and_no_file(tmp_path: Path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n" * 100)

    with pytest.raises(ValueError, match=r"a\.csv is not a reference of otel-mlsec"):
        Reference.load(tmp_path / "a.csv")
    with pytest.raises(FileNotFoundError):
        Reference.load(tmp_path / "none.ref")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path):
    with (tmp_path / "m.ref").open("wb") as file:
        file.truncate(envelope.MAX_BYTES + 1)  # sparse

    with pytest.raises(ValueError, match="a reference has at most"):
        Reference.load(tmp_path / "m.ref")


Forgery = Callable[[dict[str, Any]], object]


def forge(path: Path, change: Forgery = lambda _: None, *, text: bytes | None = None, more: bytes = b"") -> None:
    """A file with a right digest and another manifest: what somebody makes who knows the format."""
    whole = path.read_bytes()
    _, length = HEAD.unpack_from(whole, len(MAGIC))
    manifest = json.loads(whole[START : START + length])
    change(manifest)
    text = json.dumps(manifest).encode() if text is None else text
    body = MAGIC + HEAD.pack(1, len(text)) + text + whole[START + length : -2 * SEAL] + more
    path.write_bytes(body + hashlib.sha256(body).digest() + UNSIGNED)


def put(*keys: str | int, value: Any) -> Forgery:
    def change(manifest: dict[str, Any]) -> None:
        inner: Any = manifest
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value

    return change


EDGES = ("arrays", "inputs.0.edges")
HOSTILE: dict[str, tuple[Forgery, str]] = {
    "huge shape": (put(*EDGES, "shape", value=[1 << 60]), "impossible shape"),
    "product of shapes": (put(*EDGES, "shape", value=[1 << 27, 1 << 27]), "ends beyond the file"),
    "negative shape": (put(*EDGES, "shape", value=[-1]), "impossible shape"),
    "fractional shape": (put(*EDGES, "shape", value=[2.5]), "impossible shape"),
    "boolean shape": (put(*EDGES, "shape", value=[True]), "impossible shape"),
    "many dimensions": (put(*EDGES, "shape", value=[0] * 40), "impossible shape"),
    "two dimensions": (put(*EDGES, "shape", value=[1, 29]), "damaged"),
    "shape is a number": (put(*EDGES, "shape", value=3), "cannot be read"),
    "object dtype": (put(*EDGES, "dtype", value="|O"), r"of type '\|O', allowed are <f8, <i8, \|u1"),
    "unknown dtype": (put(*EDGES, "dtype", value="<f16"), "of type '<f16'"),
    "dtype of another array": (put(*EDGES, "dtype", value="<i8"), "an array of type <i8"),
    "no arrays": (lambda m: m.pop("arrays"), "cannot be read"),
    "arrays are a list": (put("arrays", value=[]), "cannot be read"),
    "array missing": (lambda m: m["arrays"].pop("outputs.0.values"), "damaged"),
    "no inputs": (lambda m: m.pop("inputs"), "'inputs' is missing"),
    "input is no table": (put("inputs", 0, value=3), "damaged"),
    "field missing": (lambda m: m["inputs"][0].pop("sd"), "fields are wrong: sd"),
    "unknown field": (put("surprise", value=1), "fields are wrong: surprise"),
    "unknown field of a column": (put("inputs", 0, "__class__", value="x"), "fields are wrong: __class__"),
    "text for a number": (put("n_rows", value="many"), "n_rows is str, must be int"),
    "boolean for a number": (put("inputs", 0, "sd", value=True), "sd is bool"),
    "number for text": (put("inputs", 0, "name", value=3), "name is int, must be str"),
    "classes of numbers": (put("classes", value=[1, 2]), "must be text"),
    "model is text": (put("model", value="m"), "damaged"),
    "unknown field of the model": (put("model", "path", value="/etc"), "damaged"),
    "not a number": (put("inputs", 0, "mean", value=float("nan")), "its manifest holds NaN"),
    "infinite": (put("cycle_rows", value=float("inf")), "its manifest holds Infinity"),
    "a number too large": (put("inputs", 0, "sd", value=10**400), "no number that a reference can hold"),
    "no row": (put("n_rows", value=0), "at least one row"),
    "no cycle": (put("cycle_rows", value=0.0), "at least one row and one cycle"),
    "columns without end": (lambda m: m["outputs"].extend(m["outputs"][:1] * 600), "at most 512 columns"),
    "inflation below one": (put("inputs", 0, "variance_inflation", value=1e-9), "do not fit"),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_manifest_is_refused_with_its_sentence(path: Path, what: str):
    change, says = HOSTILE[what]
    forge(path, change)

    with pytest.raises(ValueError, match=says) as refused:
        Reference.load(path)

    assert str(refused.value).startswith(f"{path} is damaged: ")


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 200_000, b'{"arrays": {}, "inputs": 1e999}'])
def test_a_manifest_that_is_none_is_refused(path: Path, text: bytes):
    forge(path, text=text)

    with pytest.raises(ValueError, match="is damaged"):
        Reference.load(path)


def test_bytes_that_belong_to_nothing_are_refused(path: Path):
    forge(path, more=b"hidden")

    with pytest.raises(ValueError, match="6 bytes belong to no array"):
        Reference.load(path)


@pytest.mark.parametrize(("array", "says"), [("edges", "do not fit"), ("counts", "do not fit"), ("level_bins", "do not fit")])
def test_arrays_that_do_not_fit_each_other_are_refused(path: Path, array: str, says: str):
    whole = bytearray(path.read_bytes())
    _, length = HEAD.unpack_from(whole, len(MAGIC))
    at = START + length
    listed = json.loads(whole[START : START + length])["arrays"]
    for name, each in listed.items():
        size = int(np.prod(each["shape"])) * {"<f8": 8, "<i8": 8, "|u1": 1}[each["dtype"]]
        if name == (f"inputs.1.{array}" if array == "level_bins" else f"inputs.0.{array}"):
            whole[at : at + size] = b"\xff" * size  # NaN, -1, bin 255
        at += size
    body = bytes(whole[: -2 * SEAL])
    path.write_bytes(body + hashlib.sha256(body).digest() + UNSIGNED)

    with pytest.raises(ValueError, match=says):
        Reference.load(path)


def test_whoever_can_write_the_file_but_has_no_key_cannot_change_it(path: Path):
    REFERENCE.save(path, key=KEY)
    forge(path, put("n_rows", value=5))
    whole = path.read_bytes()
    forged = whole[:-SEAL] + hmac.digest(OTHER_KEY, whole[: -2 * SEAL], "sha256")
    path.write_bytes(forged)

    with pytest.raises(ValueError, match="is signed with another key"):
        Reference.load(path, key=KEY)


def test_what_was_loaded_serves_every_detector(path: Path):
    built = {detector.name for detector in build(Reference.load(path), ModelSettings())}

    assert TABLE.keys() - built == {"drift/anchor"}  # which is for references that have no rhythm


def test_a_configuration_can_be_checked_without_numpy(path: Path):
    code = (
        "import sys; from otel_mlsec.reference.envelope import check;"
        f"print(check({str(path)!r})['n_rows'], 'numpy' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)

    assert done.stdout == "2000 False\n", done.stderr


@pytest.mark.parametrize("what", ["huge shape", "object dtype", "no arrays"])
def test_the_check_refuses_what_loading_would(path: Path, what: str):
    forge(path, HOSTILE[what][0])

    with pytest.raises(ValueError, match="is damaged"):
        envelope.check(path)


def test_a_device_without_an_end_is_not_read():
    with pytest.raises(ValueError, match="is not a reference"):
        Reference.load("/dev/zero")
