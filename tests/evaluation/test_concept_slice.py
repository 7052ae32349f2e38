"""A small seeded slice of what `make evaluate-drift` says of labels."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.drift.concept import BASE, BATCH, built, delay, reference, stream
from otel_mlsec.config import ModelSettings
from otel_mlsec.observation import Meaning

KNOWN = [reference(seed) for seed in (101, 102)]


@pytest.mark.parametrize("slices", [(), ("amount", "level")])
def test_two_hundred_thousand_labels_raise_no_alarm(slices: tuple[str, ...]):
    found = 0
    for seed, known in enumerate(KNOWN):
        detector, rng = built(known, ModelSettings(slices=slices)), np.random.default_rng((7, seed))
        found += sum(len(detector.update(stream(rng, BASE, BATCH, Meaning.PROBABILITY))) for _ in range(20))

    assert found == 0


def test_twice_as_many_errors_are_found_within_some_three_hundred_labels():
    delays = [delay(KNOWN, ModelSettings(), Meaning.LABEL, 0.2, run) for run in range(100, 120)]

    assert np.median(delays) <= 400
    assert max(delays) <= 1500
