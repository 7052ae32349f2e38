"""Attacks on one's own models, to see whether they are found: families of attacks, and benign traffic to hide them in.

An attack asks a target (`Ask`) through a recorder with a budget; `carry_out` gives what it asked and what it gained.  `benign`
makes what honest clients ask, `mix` hides attacks in it.  Only on models that are your own.

>>> import numpy as np
>>> rows = np.random.default_rng(0).normal(size=(500, 4)).round(2)
>>> def target(x):
...     yes = 1 / (1 + np.exp(-3 * x[:, 0]))
...     return np.column_stack([1 - yes, yes])
>>> trace = carry_out("oars_r3", target, Knowledge.of(rows, n_classes=2), seed=1, budget=300)
>>> trace.success, len(trace.rows)
(True, 300)
"""

from otel_mlsec.attack.families import TABLE, Family, Trace, carry_out
from otel_mlsec.attack.knowledge import Ask, Knowledge
from otel_mlsec.attack.traffic import KINDS, Mixture, Traffic, benign, mix

__all__ = ["KINDS", "TABLE", "Ask", "Family", "Knowledge", "Mixture", "Trace", "Traffic", "benign", "carry_out", "mix"]
