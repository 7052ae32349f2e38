"""HopSkipJump with labels only, and its variants that look for a way past detectors.

Chen, Jordan and Wainwright 2020, "HopSkipJumpAttack".  The variants keep their probes further apart, as OARS does where it is
rejected (Feng, Hooda, Mangaokar and others 2023, "Stateful defenses … are not yet secure"), or blind them by features that do not
matter (Chen, Carlini and Wagner 2019, "query blinding").  A silent monitor rejects nothing, so nothing is adapted on the way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otel_mlsec.arrays import Floats, Ints, Masks
from otel_mlsec.attack.knowledge import Ask, Knowledge
from otel_mlsec.attack.victim import Victim, other

ROUNDS = 40
PROBES = 20  # of the first round; five more in each
LOOKED_AT = 40  # rows on which an attacker tries which features matter


@dataclass(frozen=True, slots=True)
class _Search:
    """How carefully it goes."""

    reach: float = 1.0  # multiplies the distance of probes
    tolerance: float = 0.02  # of the way between two points, at which halving ends

    def run(self, victim: _Blinded, natural: Floats, g: np.random.Generator) -> None:
        start, d = victim.start, len(victim.start)
        at = self._halved(victim, other(victim.asked, natural, g))
        for number in range(ROUNDS):
            distance = float(np.linalg.norm(at - start))
            radius = max(distance / np.sqrt(d) * self.reach, 1e-3)
            directions = g.normal(size=(PROBES + 5 * number, d))
            directions /= np.linalg.norm(directions, axis=1, keepdims=True)
            signs = np.where(victim.asked(at + radius * directions), 1.0, -1.0)
            mean = signs.mean()
            normal = ((signs - (mean if abs(mean) < 1 else 0.0))[:, None] * directions).mean(axis=0)
            normal /= np.linalg.norm(normal) + 1e-12
            step = distance / np.sqrt(number + 1)
            while step > self.tolerance * distance:  # shorter ones would be near what was asked, and gain little
                if victim.asked((at + step * normal)[None])[0]:
                    at = self._halved(victim, np.clip(at + step * normal, 0.0, 1.0))
                    break
                step /= 2

    def _halved(self, victim: _Blinded, far: Floats) -> Floats:
        """A point near the boundary between the victim and one with another label."""
        low, high = 0.0, 1.0
        while high - low > self.tolerance:
            middle = (low + high) / 2
            if victim.asked((victim.start + middle * (far - victim.start))[None])[0]:
                high = middle
            else:
                low = middle
        return victim.start + high * (far - victim.start)


@dataclass(frozen=True, slots=True)
class _Blinded:
    """A victim some of whose features are replaced in every question by those of natural rows."""

    victim: Victim
    natural: Floats  # (m, d) of the box as 0 to 1
    chaff: Ints  # features
    g: np.random.Generator

    @property
    def start(self) -> Floats:
        return self.victim.start

    def asked(self, unit: Floats) -> Masks:
        """(n, d) -> (n,) whether the label is another one."""
        if len(self.chaff):
            unit = unit.copy()
            unit[:, self.chaff] = self.natural[self.g.integers(len(self.natural), size=len(unit))][:, self.chaff]
        return self.victim.is_adversarial(unit)


def hop_skip_jump(ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> None:
    _searched(_Search(), ask, knowledge, g)


def oars_r3(ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> None:
    _searched(_Search(reach=3.0, tolerance=0.1), ask, knowledge, g)


def oars_r6(ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> None:
    _searched(_Search(reach=6.0, tolerance=0.2), ask, knowledge, g)


def oars_chaff(ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> None:
    """The half of the features that matter least is chaff; the attacker finds it out with questions of his own."""
    _searched(_Search(reach=3.0, tolerance=0.1), ask, knowledge, g, blinded=True)


def _searched(search: _Search, ask: Ask, knowledge: Knowledge, g: np.random.Generator, *, blinded: bool = False) -> None:
    natural = knowledge.unit(knowledge.own)
    victim = Victim(ask, knowledge, g)
    chaff = _idle(ask, knowledge, g)[: knowledge.n_features // 2] if blinded else np.zeros(0, np.int64)
    search.run(_Blinded(victim, natural, chaff, g), natural, g)


def _idle(ask: Ask, knowledge: Knowledge, g: np.random.Generator) -> Ints:
    """Features, first those whose exchange between natural rows changes the fewest labels."""
    rows = knowledge.natural(min(LOOKED_AT, len(knowledge.own)), g)
    labels = ask(rows).argmax(axis=1)
    at = g.permutation(knowledge.n_features)[:64]  # of thousands of features some are enough
    changed = np.full(knowledge.n_features, np.inf)
    for feature in at:
        exchanged = rows.copy()
        exchanged[:, feature] = rows[g.permutation(len(rows)), feature]
        changed[feature] = (ask(exchanged).argmax(axis=1) != labels).mean()
    return np.argsort(changed, kind="stable")
