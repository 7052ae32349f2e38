"""Attacks of adversarial-robustness-toolbox, asked through ours.

The library is imported here only, when the first of its attacks is made; without it the others still work.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.attack.extraction import permuted
from otel_mlsec.attack.knowledge import Ask, Knowledge, Unsuitable
from otel_mlsec.attack.surrogate import perceptron
from otel_mlsec.attack.victim import Victim, other

STOLEN = 1_000_000  # the recorder's budget ends an attack, not the library's
DATA = 4_000_000  # cells of unrelated data that a thief has
ROWS = 20_000  # in them, at most
GROUPS = 100


def hop_skip_jump(ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> None:
    _evade("HopSkipJump", ask, knowledge, g, max_iter=40, max_eval=200, init_eval=20, verbose=False, targeted=False)


def boundary(ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> None:
    _evade("BoundaryAttack", ask, knowledge, g, max_iter=500, num_trial=15, sample_size=10, verbose=False, targeted=False)


def sign_opt(ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> None:
    _evade(
        "SignOPTAttack", ask, knowledge, g, max_iter=1000, query_limit=STOLEN, k=50, num_trial=30, verbose=False, targeted=False
    )


def copycat(ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> None:
    """Correia-Silva, Berriel, Badue and others 2018; the thief's own net plays no part in what is asked."""
    with _quiet(g):
        data = knowledge.unit(_data(knowledge, g))
        attack = _module("attacks.extraction").CopycatCNN(
            _target(ask, knowledge, knowledge.n_classes), batch_size_fit=64, batch_size_query=64, nb_epochs=1, nb_stolen=len(data)
        )
        _made(lambda: attack.extract(data.astype(np.float32), thieved_classifier=_thief(knowledge, g)))


def knockoff(ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> None:
    """Orekondy, Schiele and Fritz 2019, with the groups of the thief's data chosen by reward."""
    with _quiet(g):
        rows = _data(knowledge, g)
        data = knowledge.unit(rows)
        attack = _module("attacks.extraction").KnockoffNets(
            _target(ask, knowledge, knowledge.n_classes), batch_size_fit=64, batch_size_query=64, nb_epochs=1,
            nb_stolen=len(data), sampling_strategy="adaptive", reward="loss", verbose=False,
        )  # fmt: skip
        sample = attack._sample_data

        def row(*of: Any) -> Any:
            return sample(*of).copy()  # the library keeps each row, and as a view each would keep its whole group

        attack._sample_data = row
        groups = _groups(data, knowledge.n_classes, g)
        _made(lambda: attack.extract(data.astype(np.float32), groups, thieved_classifier=_thief(knowledge, g)))


def _data(knowledge: Knowledge, g: np.random.Generator) -> Floats:
    return permuted(knowledge, max(1, min(ROWS, DATA // knowledge.n_features)), g)


def _groups(data: Floats, n: int, g: np.random.Generator) -> Any:
    """(m,) from 0 without a gap: which of n rows is the nearest.  The library draws from groups and fails on an empty one."""
    centers = data[g.choice(len(data), min(n, GROUPS, len(data)), replace=False)]
    distance = (centers**2).sum(axis=1) - 2 * data @ centers.T
    return np.unique(distance.argmin(axis=1), return_inverse=True)[1]


def _evade(name: str, ask: Ask, knowledge: Knowledge, g: np.random.Generator, **settings: Any) -> None:
    with _quiet(g):
        n_classes = max(knowledge.n_classes, 3)  # of two classes it takes labels for numbers; the third is never answered
        attack = getattr(_module("attacks.evasion"), name)(_target(ask, knowledge, n_classes), **settings)
        victim = Victim(ask, knowledge, g)
        # The library would look for a start with a generator of its own, which nobody can seed.
        begin = {"x_adv_init": other(victim.is_adversarial, knowledge.unit(knowledge.own), g)[None].astype(np.float32)}
        row = victim.start[None].astype(np.float32)
        _made(lambda: attack.generate(x=row, **(begin if name != "SignOPTAttack" else {})))


def _made(attack: Callable[[], Any]) -> None:
    try:
        attack()
    except (ValueError, TypeError, IndexError, ArithmeticError, AssertionError) as error:
        raise Unsuitable(f"{type(error).__name__}: {str(error).partition(chr(10))[0]}") from error


def _target(ask: Ask, knowledge: Knowledge, n_classes: int) -> Any:
    def asked(unit: Any) -> Any:
        rows = np.nan_to_num(np.asarray(unit, dtype=np.float64).reshape(len(unit), knowledge.n_features))
        answers = ask(knowledge.real(rows)).astype(np.float32)
        return np.pad(answers, ((0, 0), (0, max(0, n_classes - answers.shape[1]))))

    return _module("estimators.classification").BlackBoxClassifierNeuralNetwork(
        asked, input_shape=(knowledge.n_features,), nb_classes=n_classes, clip_values=(0.0, 1.0)
    )


def _thief(knowledge: Knowledge, g: np.random.Generator) -> Any:
    """A perceptron that the library can train step by step."""
    base = _module("estimators.classification.scikitlearn").ScikitlearnClassifier
    k = knowledge.n_classes

    def fit(self: Any, x: Any, y: Any, nb_epochs: int = 1, **_: Any) -> None:
        for _epoch in range(nb_epochs):
            self.model.partial_fit(x, np.argmax(y, axis=1), classes=np.arange(k))
        self.nb_classes = k

    net = perceptron(int(g.integers(2**31)))
    net.set_params(batch_size="auto")
    return type("Thief", (base,), {"fit": fit})(net)


@contextmanager
def _quiet(g: np.random.Generator) -> Generator[None]:
    """The library draws from numpy's global generator, which is given back as it was; and it warns of what it cannot import."""
    before = np.random.get_state()
    np.random.seed(int(g.integers(2**32)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        np.random.set_state(before)


def _module(name: str) -> Any:
    try:
        return import_module(f"art.{name}")
    except ImportError as error:
        raise ImportError("this attack needs adversarial-robustness-toolbox: pip install 'otel-mlsec[attack]'") from error
