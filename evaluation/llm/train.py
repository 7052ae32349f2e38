"""The small model: logistic regression over hashed n-grams, by averaged stochastic gradient descent."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.linear_model import SGDClassifier

from evaluation.llm.data import Rows
from otel_mlsec.detectors.llm.classifier import FEWEST, PARTS, PASSAGE, PASSAGES, Classifier, cuts, features, sentence_ends
from otel_mlsec.text.cut import cut
from otel_mlsec.text.fold import folded
from otel_mlsec.text.ngrams import PART_BITS, WORD_BITS
from otel_mlsec.text.words import words_of

WIDTH = (1 << WORD_BITS) + (1 << PART_BITS)
MOST = 2000  # rows of one source and label that count in full; of n, each counts (2000 / n) ** .5
PASSAGE_WEIGHT = 0.4
SYNTHETIC_WEIGHT = 0.25
ALPHA, EPOCHS = 1e-7, 12


def plain(text: str) -> str:
    """As the first view of a text is."""
    return folded(cut(text)[0].encode("utf-8", "replace").decode("utf-8"))[0]


def matrix(texts: Iterable[str]) -> sp.csr_matrix:
    """(n, 393216) presence of n-grams, each row scaled as `Classifier.whole` does."""
    columns = [np.zeros(0, np.int64)]
    values = [np.zeros(0, np.float32)]
    ends = [0]
    for text in texts:
        words, parts = features(text)
        columns += [words, parts + (1 << WORD_BITS)]
        values.append(np.full(words.size, 1 / np.sqrt(max(FEWEST, words.size)), np.float32))
        values.append(np.full(parts.size, PARTS / np.sqrt(max(FEWEST, parts.size)), np.float32))
        ends.append(ends[-1] + words.size + parts.size)
    return sp.csr_matrix((np.concatenate(values), np.concatenate(columns), np.array(ends)), shape=(len(ends) - 1, WIDTH))


def passages(text: str, most: int) -> list[str]:
    """Pieces of a document, cut as the model cuts them."""
    words = words_of(plain(text))
    size = words.letters.size
    edges = [*cuts(sentence_ends(words.letters), size, PASSAGE, PASSAGES).tolist(), size]
    raw = plain(text).encode("utf-8", "surrogatepass")
    return [raw[a:b].decode("utf-8", "ignore") for a, b in pairwise(edges) if b - a > 20][:most]


def row_weights(rows: Rows) -> npt.NDArray[np.float64]:
    names = np.char.add(rows.source.astype(str), rows.attack.astype(int).astype(str))
    _, inverse, counts = np.unique(names, return_inverse=True, return_counts=True)
    return np.minimum(1.0, MOST / counts[inverse]) ** 0.5


@dataclass(frozen=True, slots=True)
class Corpus:
    """Everything that may be trained on, as n-grams."""

    rows: Rows
    grams: sp.csr_matrix  # of the rows
    weights: npt.NDArray[np.float64]
    passages: sp.csr_matrix  # of benign documents
    passage_row: npt.NDArray[np.int64]  # the row that a passage is of
    extra: sp.csr_matrix  # written by grammar, in every training
    extra_attack: npt.NDArray[np.bool_]


def corpus(rows: Rows, extra: Sequence[tuple[str, bool]], seed: int = 0) -> Corpus:
    """`extra`: text, and whether it attacks."""
    documents = np.flatnonzero(rows.document & rows.trainable & (np.char.str_len(rows.text.astype(str)) > 300))
    chosen = np.random.default_rng(seed).permutation(documents)[:4000]
    pieces = [(i, piece) for i in chosen for piece in passages(rows.text[i], 12)]
    return Corpus(
        rows=rows,
        grams=matrix(plain(text) for text in rows.text),
        weights=row_weights(rows),
        passages=matrix(piece for _, piece in pieces),
        passage_row=np.array([i for i, _ in pieces]),
        extra=matrix(plain(text) for text, _ in extra),
        extra_attack=np.array([attack for _, attack in extra]),
    )


def fit(corpus: Corpus, training: npt.NDArray[np.bool_]) -> Classifier:
    """The model, from those rows and all that is written by grammar."""
    rows = training & corpus.rows.trainable
    of_training = np.isin(corpus.passage_row, np.flatnonzero(rows))
    grams = sp.vstack([corpus.grams[rows], corpus.passages[of_training], corpus.extra]).tocsr()
    attack = np.concatenate([corpus.rows.attack[rows], np.zeros(of_training.sum(), bool), corpus.extra_attack])
    weights = np.concatenate(
        [
            corpus.weights[rows],
            np.full(of_training.sum(), PASSAGE_WEIGHT),
            np.full(len(corpus.extra_attack), SYNTHETIC_WEIGHT),
        ]
    )
    model = SGDClassifier(loss="log_loss", alpha=ALPHA, average=True, max_iter=EPOCHS, tol=None, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(grams, attack.astype(int), sample_weight=weights)
    coefficients = _as_stored(model.coef_[0])
    return Classifier(words=coefficients[: 1 << WORD_BITS], parts=coefficients[1 << WORD_BITS :], bias=float(model.intercept_[0]))


def _as_stored(coefficients: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Rounded to int8 by the largest: clipping the largest costs ten points of recall, rounding none."""
    scale = np.abs(coefficients).max() / 127
    return (np.round(coefficients / scale) * scale).astype(np.float32)
