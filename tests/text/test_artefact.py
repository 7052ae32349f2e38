"""What was learned and is shipped."""

from __future__ import annotations

import io
import zipfile
from importlib.resources import files

import numpy as np
import pytest

from otel_mlsec.text.artefact import FILE, MOST, artefact, load
from otel_mlsec.text.common import common
from otel_mlsec.text.ngrams import PART_BITS, WORD_BITS

RAW = (files("otel_mlsec.text") / FILE).read_bytes()


def test_it_is_at_most_a_megabyte():
    assert len(RAW) <= 1_000_000


def test_it_has_weights_words_and_templates_of_the_sizes_that_are_looked_up():
    arrays = artefact().arrays

    assert arrays["weights"].dtype == np.int8
    assert arrays["weights"].shape == ((1 << WORD_BITS) + (1 << PART_BITS),)
    assert arrays["common"].shape == ((1 << WORD_BITS) // 8,)
    assert arrays["shingles"].shape == arrays["shingle_family"].shape
    assert (np.diff(arrays["shingles"].astype(np.int64)) > 0).all()
    assert arrays["shingle_family"].max() < len(artefact().about["template_families"])


def test_it_names_its_sources_and_how_many_texts_each_gave():
    sources = artefact().about["sources"]

    assert len(sources) > 20
    assert sum(sources.values()) == artefact().about["rows"]["attack"] + artefact().about["rows"]["benign"]


def test_it_holds_numbers_and_no_pickle():
    with zipfile.ZipFile(io.BytesIO(RAW)) as file:
        dtypes = [np.lib.format.read_array(file.open(name), allow_pickle=False).dtype for name in file.namelist()]

    assert all(dtype.kind in "iu" for dtype in dtypes)


def test_one_that_is_too_large_is_refused_unread():
    with pytest.raises(ValueError, match=f"at most {MOST} bytes, got {MOST + 1}"):
        load(bytes(MOST + 1))


@pytest.mark.parametrize("raw", [b"", b"PK\x03\x04 and nothing else", RAW[:5000]])
def test_one_that_is_none_is_refused(raw: bytes):
    with pytest.raises((ValueError, EOFError, zipfile.BadZipFile)):
        load(raw)


def test_sentences_are_common_words_and_ciphers_are_not():
    said, n = common("The quick brown fox jumps over the lazy dog and runs into the forest")
    ciphered, _ = common("Gur dhvpx oebja sbk whzcf bire gur ynml qbt naq ehaf vagb gur sberfg")

    assert n >= 10
    assert said > 0.9
    assert ciphered < 0.4


def test_a_text_without_long_words_has_no_share():
    assert common("42 is it, ok? 无 же") == (0.0, 0)
