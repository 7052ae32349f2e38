"""A change of free text is told by what a person can name, in its unit, once."""

from __future__ import annotations

import numpy as np

from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors.drift.data import DataDrift
from otel_mlsec.finding import Finding
from otel_mlsec.observation import Batch, Meaning, Model
from otel_mlsec.reference.reference import Reference
from otel_mlsec.table import table

KNOWN = [
    "the",
    "room",
    "was",
    "clean",
    "and",
    "the",
    "staff",
    "were",
    "friendly",
    "but",
    "it",
    "is",
    "too",
    "noisy",
    "for",
    "us",
    "we",
    "would",
    "come",
    "back",
    "to",
    "this",
]
OTHER = [
    "das",
    "zimmer",
    "war",
    "sauber",
    "und",
    "die",
    "leute",
    "waren",
    "nett",
    "zu",
    "uns",
    "wir",
    "kommen",
    "gerne",
    "wieder",
    "mit",
    "der",
    "familie",
]


def rows(seed: int, n: int, german: float = 0.0, shift: float = 0.0) -> dict[str, object]:
    chance = np.random.default_rng(seed)
    said = (chance.choice(OTHER if chance.random() < german else KNOWN, chance.integers(8, 20)) for _ in range(n))
    return {"price": chance.normal(shift, 1, n), "my: review": [" ".join(words.tolist()) for words in said]}


REFERENCE = Reference.fit(rows(0, 4000), texts=("my: review",))


def found(**changed: float) -> list[Finding]:
    detector = DataDrift.build(REFERENCE, ModelSettings())
    assert detector is not None
    assert REFERENCE.prose is not None
    findings: list[Finding] = []
    for seed in range(1, 60):
        given = rows(seed, 64, **changed)
        matrix, names = table(given)
        assert matrix is not None
        inputs, features = REFERENCE.prose.joined(given, matrix, names, 1)
        findings += detector.update(
            Batch(
                model=Model(name="stay"), meaning=Meaning.RAW, features=features, inputs=inputs, outputs=None,
                times=1e9 + np.arange(64), calls=np.zeros(64, np.int64), principals=("",),
            )
        )  # fmt: skip
    return findings


def test_a_language_comes_first_and_what_follows_from_it_is_no_finding_of_its_own():
    first, *more = found(german=0.2)

    assert first.summary.startswith("my: review: words never seen 0 % -> ")
    assert "my: review: texts in German 0 % -> " in str([f.evidence["effects"] for f in (first, *more)])
    assert len(more) <= 2
    assert not [f for f in more if all("pattern" in name or "entropy" in name for name in f.subject)]


def test_a_column_beside_the_text_is_told_as_ever():
    [only] = found(shift=1.0)

    assert only.subject == ("price",)
    assert only.summary.startswith("price +0.9")
