"""Every text judged by a model that has seen nothing of its sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from evaluation.llm.calibrate import Scored, digits_of, scales, score
from evaluation.llm.corpora import all_of
from evaluation.llm.data import GROUPS, Rows, load
from evaluation.llm.train import Corpus, fit
from otel_mlsec.detectors.llm.classifier import Classifier
from otel_mlsec.detectors.llm.fusion import Judge, Scale

LEVELS = {"1 %": 2.0, "0.3 %": 2.523, "0.1 %": 3.0, "0.01 %": 4.0}  # nominal share of benign texts: score


@dataclass(frozen=True, slots=True)
class Folds:
    rows: Rows
    corpus: Corpus
    models: tuple[Classifier, ...]  # one a group, trained without it
    scored: Mapping[int, Scored]
    scales: tuple[Scale, Scale]
    digits: npt.NDArray[np.float64]  # (n_rows,) verdicts' scores; NaN for rows of no group
    blind: npt.NDArray[np.bool_]  # rows that nobody looked at when rules were written

    @property
    def held_out(self) -> npt.NDArray[np.bool_]:
        return self.rows.group >= 0

    def judge(self, group: int) -> Judge:
        return Judge(self.models[group], self.scales)


def folds() -> Folds:
    """Train once without each group, and score that group; templates are left out, since they are of the pool's own attacks."""
    rows = load()
    corpus = all_of(rows)
    models = tuple(fit(corpus, rows.group != group) for group in range(len(GROUPS)))
    scored: dict[int, Scored] = {}
    for group, model in enumerate(models):
        indices = np.flatnonzero(rows.group == group)
        scored |= dict(zip(indices.tolist(), score(model, rows.text[indices], rows.document[indices]), strict=True))
    pair = scales(rows, scored, rows.group >= 0)
    digits = np.full(len(rows), np.nan)
    for index, found in digits_of(pair, rows, scored).items():
        digits[index] = found
    blind = np.array([blake2b(text.encode("utf-8", "replace"), digest_size=1).digest()[0] % 2 == 1 for text in rows.text])
    return Folds(rows, corpus, models, scored, pair, digits, blind)
