"""Evasion by probabilities, for tables: the libraries have these for images only.

All move within the box as 0 to 1, start from a natural row and end when its label has changed.
"""

from __future__ import annotations

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.attack.knowledge import Ask, Knowledge
from otel_mlsec.attack.victim import Victim

REACH = 0.1  # of the box that a feature may be moved by, where an attack has such a bound


def zoo(ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> None:
    """Symmetric differences of eight features at a time (Chen, Zhang, Sharma and others 2017)."""
    victim = Victim(ask, knowledge, g)
    at, d = victim.start.copy(), knowledge.n_features
    while True:
        chosen = g.choice(d, min(d, 8), replace=False)
        steps = np.eye(d)[chosen] * 0.01
        likely = victim.lead(np.concatenate([at + steps, at - steps]))
        slope = likely[: len(chosen)] - likely[len(chosen) :]
        at = _moved(at, chosen, -0.05 * np.sign(slope))
        if victim.is_other(at):
            return


def nes(ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> None:
    """Antithetic random directions (Ilyas, Engstrom, Athalye and Lin 2018)."""
    victim = Victim(ask, knowledge, g)
    at = victim.start.copy()
    while True:
        directions = g.normal(size=(20, knowledge.n_features))
        chance = np.log(victim.chance(np.concatenate([at + 0.02 * directions, at - 0.02 * directions])) + 1e-9)
        slope = ((chance[:20] - chance[20:])[:, None] * directions).mean(axis=0)
        at = np.clip(at - 0.03 * np.sign(slope), 0.0, 1.0)
        if victim.is_other(at):
            return


def simba(ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> None:
    """One feature at a time, kept where it helps (Guo, Gardner, You and others 2019)."""
    victim = Victim(ask, knowledge, g)
    at, best = victim.start.copy(), victim.start_chance
    while True:
        for feature in g.permutation(knowledge.n_features):
            for step in (-REACH, REACH):
                moved = _moved(at, feature, step)
                chance = float(victim.chance(moved[None])[0])
                if victim.found:
                    return
                if chance < best:
                    at, best = moved, chance
                    break


def square(ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> None:
    """Random search over groups of features at the edge of what is allowed (Andriushchenko, Croce and others 2020)."""
    victim = Victim(ask, knowledge, g)
    start, d = victim.start, knowledge.n_features
    at = np.clip(start + REACH * g.choice([-1, 1], d), 0.0, 1.0)
    best = float(victim.chance(at[None])[0])
    tried = 0
    while not victim.found:
        size = max(1, int(d * 0.3 * max(0.1, 1 - tried / 1000)))
        chosen = g.choice(d, size, replace=False)
        moved = at.copy()
        moved[chosen] = np.clip(start[chosen] + REACH * g.choice([-1, 1], size), 0.0, 1.0)
        chance = float(victim.chance(moved[None])[0])
        if chance < best:
            at, best = moved, chance
        tried += 1


def _moved(at: Floats, features: object, by: Floats | float) -> Floats:
    step = np.zeros(len(at))
    step[features] = by  # pyright: ignore[reportArgumentType, reportCallIssue] - an index or several
    return np.clip(at + step, 0.0, 1.0)
