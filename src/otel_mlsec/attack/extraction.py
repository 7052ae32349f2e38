"""Families that learn a copy of the model from its answers."""

from __future__ import annotations

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.attack.knowledge import Ask, Knowledge, Spent
from otel_mlsec.attack.surrogate import Surrogate

AT_ONCE = 500  # rows of one round
SEED = 100  # natural rows that an augmentation starts from
MIXED = 6000  # candidates of one round of active learning, fewer where rows are wide
CELLS = 2_000_000  # in them
HALVINGS = 12


def uniform_box(ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> None:
    while True:
        ask(knowledge.box(AT_ONCE, g))


def gauss_box(ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> None:
    own = knowledge.own
    while True:
        ask(own.mean(axis=0) + 1.5 * own.std(axis=0) * g.normal(size=(AT_ONCE, knowledge.n_features)))


def marginal(ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> None:
    """Knockoff nets (Orekondy, Schiele and Fritz 2019) with what a table offers as unrelated data."""
    while True:
        ask(permuted(knowledge, AT_ONCE, g))


def natural(ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> None:
    """Knockoff nets with data of the same kind; cannot be told from a batch job."""
    while True:
        ask(knowledge.natural(len(knowledge.own), g))


def jbda(ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> None:
    """Papernot, McDaniel, Goodfellow and others 2017, "Practical black-box attacks": steps along the copy's own Jacobian."""
    rows = knowledge.natural(min(SEED, len(knowledge.own)), g)
    answers = ask(rows)
    copy = Surrogate(knowledge)
    direction = 1.0
    while True:
        copy.fit(rows, answers)
        new = np.clip(rows + direction * 0.1 * knowledge.width * copy.uphill(rows), knowledge.low, knowledge.high)
        new = new[g.permutation(len(new))[: 8 * AT_ONCE]]
        direction = -direction
        rows, answers = _with(rows, answers, new, ask(new))


def adaptive(ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> None:
    """Tramèr, Zhang, Juels and others 2016, "Stealing machine learning models": adaptive retraining."""
    rows = knowledge.box(AT_ONCE, g)
    answers = ask(rows)
    copy = Surrogate(knowledge)
    while True:
        copy.fit(rows, answers)
        new = _on_boundary(copy, knowledge, g)[:AT_ONCE]
        if not len(new):
            new = knowledge.box(SEED, g)
        rows, answers = _with(rows, answers, new, ask(new))


def active_learning(ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> None:
    """Least margin among natural rows and mixtures of two (Chandrasekaran, Chaudhuri, Giacomelli and others 2020)."""
    own = knowledge.own
    rows = knowledge.natural(min(300, len(own)), g)
    answers = ask(rows)
    copy = Surrogate(knowledge)
    n = max(AT_ONCE, min(MIXED, CELLS // knowledge.n_features))
    while True:
        copy.fit(rows, answers)
        one, other = own[g.integers(len(own), size=n)], own[g.integers(len(own), size=n)]
        share = g.random((n, 1))
        candidates = np.concatenate([one, share * one + (1 - share) * other])
        sure = np.sort(copy.answers(candidates), axis=1)
        new = candidates[np.argsort(sure[:, -1] - sure[:, -2], kind="stable")[:AT_ONCE]]
        rows, answers = _with(rows, answers, new, ask(new))


def permuted(knowledge: Knowledge, n: int, g: np.random.Generator) -> Floats:
    """(n, d) rows whose cells are natural, each feature drawn by itself."""
    own = knowledge.own
    return np.take_along_axis(own, g.integers(len(own), size=(n, knowledge.n_features)), axis=0)


def _on_boundary(copy: Surrogate, knowledge: Knowledge, g: np.random.Generator) -> Floats:
    """(≤ 2000, d) where the copy changes its mind between two rows of the box."""
    n = max(SEED, min(2000, CELLS // knowledge.n_features))
    one, other = knowledge.box(n, g), knowledge.box(n, g)
    label = copy.labels(one)
    apart = copy.labels(other) != label
    one, other, label = one[apart], other[apart], label[apart]
    if not len(one):
        return one
    for _ in range(HALVINGS):
        middle = (one + other) / 2
        same = (copy.labels(middle) == label)[:, None]
        one, other = np.where(same, middle, one), np.where(same, other, middle)
    return (one + other) / 2


def _with(rows: Floats, answers: Floats, new: Floats, new_answers: Floats) -> tuple[Floats, Floats]:
    if not len(new):
        raise Spent  # nothing left to ask
    return np.concatenate([rows, new]), np.concatenate([answers, new_answers])
