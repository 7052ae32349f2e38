"""A copy of the target, learned from its answers: a small perceptron with one hidden layer."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.attack.knowledge import Knowledge

HIDDEN = 64
STEPS = 120_000  # rows that are looked at while it learns, at most 60 times each


class Surrogate:
    """Learns labels; sees rows as multiples of the standard deviation of natural ones.

    Raises:
        ImportError: scikit-learn is not installed.
    """

    def __init__(self, knowledge: Knowledge, *, seed: int = 0) -> None:
        self._center = knowledge.own.mean(axis=0)
        sd = knowledge.own.std(axis=0)
        self._scale = np.where(sd > 1e-9, sd, 1.0)
        self._n_classes, self._seed = knowledge.n_classes, seed
        self._classes = np.zeros(1, np.int64)  # that it has seen
        self._net: Any = None  # None: it knows one class only

    def fit(self, rows: Floats, answers: Floats) -> None:
        """From scratch; (n, d) and (n, k)."""
        labels = answers.argmax(axis=1)
        self._n_classes = answers.shape[1]
        self._classes, codes = np.unique(labels, return_inverse=True)
        self._net = None
        if len(self._classes) > 1:
            self._net = perceptron(self._seed, max_iter=max(10, min(60, STEPS // len(rows))))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it need not converge
                self._net.fit(self._standard(rows), codes)

    def answers(self, rows: Floats) -> Floats:
        """(n, k) probabilities; 0 for classes that it has not seen."""
        known = np.zeros((len(rows), self._n_classes))
        known[:, self._classes] = self._net.predict_proba(self._standard(rows)) if self._net is not None else 1.0
        return known

    def labels(self, rows: Floats) -> Ints:
        return self.answers(rows).argmax(axis=1)

    def uphill(self, rows: Floats) -> Floats:
        """(n, d) sign of the gradient of the probability of each row's own label, by back-propagation."""
        if self._net is None:
            return np.zeros(rows.shape)
        first, second = self._net.coefs_  # (d, h), (h, k) or (h, 1) for two classes
        hidden = self._standard(rows) @ first + self._net.intercepts_[0]
        if second.shape[1] == 1:
            second = np.hstack([-second, second])
        logits = np.maximum(hidden, 0.0) @ second
        intercepts = self._net.intercepts_[1]
        logits = logits + (intercepts if len(intercepts) > 1 else np.array([-intercepts[0], intercepts[0]]))
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        # d log p_y / d logits = e_y - p
        above = -chances
        above[np.arange(len(rows)), chances.argmax(axis=1)] += 1.0
        return np.sign((above @ second.T * (hidden > 0)) @ first.T)

    def _standard(self, rows: Floats) -> Floats:
        return np.clip((rows - self._center) / self._scale, -30.0, 30.0)


def perceptron(seed: int, **settings: Any) -> Any:
    """An untrained scikit-learn classifier.

    Raises:
        ImportError: scikit-learn is not installed.
    """
    try:
        network = import_module("sklearn.neural_network")
    except ImportError as error:
        raise ImportError("copies of a model need scikit-learn: pip install 'otel-mlsec[attack]'") from error
    return network.MLPClassifier((HIDDEN,), learning_rate_init=3e-3, batch_size=64, random_state=seed, **settings)


def fidelity(knowledge: Knowledge, rows: Floats, answers: Floats, held: Floats, *, seed: int) -> tuple[float, float]:
    """Share of `knowledge.held` on which a copy learned from the answers agrees with the target, and Cohen's kappa.

    Kappa, since a copy that always says the most frequent label agrees often and is worth nothing.
    """
    copy = Surrogate(knowledge, seed=seed)
    copy.fit(rows, answers)
    said, true = copy.labels(knowledge.held), held.argmax(axis=1)
    agreed = float((said == true).mean())
    k = max(answers.shape[1], held.shape[1])
    chance = float(np.bincount(said, minlength=k) @ np.bincount(true, minlength=k)) / len(true) ** 2
    return agreed, (agreed - chance) / (1 - chance) if chance < 1 else 0.0
