"""The families of attacks: one row each; how one is carried out and what it gained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from zlib import crc32

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.attack import art, decisions, extraction, poisoning, scores
from otel_mlsec.attack.knowledge import Ask, Knowledge, Spent, Unsuitable
from otel_mlsec.attack.record import Recorder
from otel_mlsec.attack.surrogate import fidelity

Run = Callable[[Ask, Knowledge, np.random.Generator], None]
Threat = Literal["evasion", "extraction", "poisoning"]

LEARNED = 0.8  # agreement with the target beyond chance (Cohen's kappa) from which a copy is of use


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One way of attacking.  An evasion first asks the row that is to be answered otherwise; most run until they are `Spent`."""

    name: str
    threat: Threat
    decision_based: bool  # labels are enough
    run: Run
    rounded: bool = True  # what it sends is written as natural rows are
    library: bool = False  # made by adversarial-robustness-toolbox
    says: str  # one line for a person who chooses


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What one attack asked, and gained."""

    family: str
    rows: Floats  # (q, d) in their order
    answers: Floats  # (q, k)
    success: bool
    effect: float
    """Evasion: distance of the nearest row with another label, L2 in widths of the box (inf: none).  Extraction: share of
    unseen natural rows that a copy answers as the target does.  Poisoning: by how much more often rows with the trigger get
    their most frequent label than rows without."""
    error: str = ""  # why it ended early, where it could not go on


def _family(
    name: str,
    threat: Threat,
    run: Run,
    says: str,
    *,
    decision_based: bool = True,
    rounded: bool | None = None,
    library: bool = False,
) -> Family:
    return Family(
        name=name, threat=threat, decision_based=decision_based, run=run, library=library, says=says,
        rounded=threat != "evasion" if rounded is None else rounded,
    )  # fmt: skip


TABLE: dict[str, Family] = {
    family.name: family
    for family in (
        _family("uniform_box", "extraction", extraction.uniform_box, "rows from anywhere in the box"),
        _family("gauss_box", "extraction", extraction.gauss_box, "normal rows, half as wide again as natural ones"),
        _family("marginal", "extraction", extraction.marginal, "Knockoff with natural cells, each feature by itself"),
        _family("natural", "extraction", extraction.natural, "Knockoff with natural rows: a batch job to look at"),
        _family("jbda", "extraction", extraction.jbda, "Jacobian-based augmentation of a small natural seed"),
        _family("adaptive", "extraction", extraction.adaptive, "line searches to the copy's own boundary, retrained"),
        _family("active_learning", "extraction", extraction.active_learning, "natural rows that the copy is least sure of"),
        _family("copycat", "extraction", art.copycat, "Copycat with natural cells, each feature by itself", library=True),
        _family("knockoff", "extraction", art.knockoff, "Knockoff nets that choose groups by reward", library=True),
        _family("hop_skip_jump", "evasion", art.hop_skip_jump, "HopSkipJump", library=True),
        _family("boundary", "evasion", art.boundary, "boundary attack", library=True),
        _family("sign_opt", "evasion", art.sign_opt, "Sign-OPT", library=True),
        _family("zoo", "evasion", scores.zoo, "finite differences, feature by feature", decision_based=False),
        _family("nes", "evasion", scores.nes, "natural evolution strategies", decision_based=False),
        _family("simba", "evasion", scores.simba, "one feature at a time, kept if it helps", decision_based=False),
        _family("square", "evasion", scores.square, "random groups of features to the edge", decision_based=False),
        _family("hop_skip_jump_rounded", "evasion", decisions.hop_skip_jump, "HopSkipJump, written as the data is", rounded=True),
        _family("oars_r3", "evasion", decisions.oars_r3, "HopSkipJump whose probes keep three times the distance", rounded=True),
        _family("oars_r6", "evasion", decisions.oars_r6, "HopSkipJump whose probes keep six times the distance", rounded=True),
        _family("oars_chaff", "evasion", decisions.oars_chaff, "the same, blinded by features that do not matter", rounded=True),
        _family("feature_poisoning", "poisoning", poisoning.trigger, "few rows that carry a fixed trigger on two features"),
    )
}  # fmt: skip


def carry_out(
    family: Family | str, ask: Ask, knowledge: Knowledge, *, seed: int, budget: int, held: Floats | None = None
) -> Trace:
    """Make one attack.

    Args:
        held: (len(knowledge.held), k) what the target answers to `knowledge.held`; asked here, beyond the budget, where it is
            needed and not given.

    Raises:
        ValueError: the target's answers are no probabilities of classes, or budget is not positive.
        ImportError: what the family needs is not installed.
        Exception: whatever the target raises.
    """
    family = TABLE[family] if isinstance(family, str) else family
    recorder = Recorder(ask, budget, knowledge.decimals if family.rounded else ())
    error = ""
    try:
        family.run(recorder, knowledge, np.random.default_rng([seed, crc32(family.name.encode())]))  # each its own victim
    except Spent:
        pass
    except Unsuitable as unsuitable:
        error = str(unsuitable)
    rows, answers = recorder.rows, recorder.answers
    if not len(rows):
        return Trace(family=family.name, rows=np.zeros((0, knowledge.n_features)), answers=np.zeros((0, knowledge.n_classes)),
                     success=False, effect=np.inf if family.threat == "evasion" else 0.0, error=error)  # fmt: skip
    if family.threat == "evasion":
        effect = nearest(rows, answers, knowledge)
        success = bool(np.isfinite(effect))
    else:
        held = np.asarray(ask(knowledge.held)) if held is None else held
        if family.threat == "extraction":
            effect, kappa = fidelity(knowledge, rows, answers, held, seed=seed)
            success = kappa >= LEARNED
        else:
            effect = poisoning.takeover(answers, held)
            success = effect >= poisoning.TAKEN_OVER
    return Trace(family=family.name, rows=rows, answers=answers, success=success, effect=effect, error=error)


def nearest(rows: Floats, answers: Floats, knowledge: Knowledge) -> float:
    """Distance of the first row to the nearest one with another label; inf where all have its label."""
    labels = answers.argmax(axis=1)
    other = labels != labels[0]
    if not other.any():
        return float("inf")
    unit = knowledge.unit(rows)
    return float(np.linalg.norm(unit[other] - unit[0], axis=1).min())
