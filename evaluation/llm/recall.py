"""What is found at which share of benign texts, on sources that the model has not seen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evaluation.llm.calibrate import totals_of
from evaluation.llm.data import GROUPS, Rows, balanced
from evaluation.llm.folds import LEVELS, Folds
from evaluation.llm.report import out, table, upper

Chosen = npt.NDArray[np.bool_]
LENGTHS = (0, 50, 100, 300, 600, 1200)  # characters


def recall(made: Folds) -> None:
    rows = made.rows
    out.print(
        "Rules were written while looking at one half of the texts; weights and constants were decided on the first and third "
        "group; the other two were looked at five times.  Nominal shares are of the same benign texts, sources weighted alike."
    )
    for name, chosen in (("all rows", np.ones(len(rows), bool)), ("rows that no rule was written on", made.blind)):
        _found(made, name, chosen)
    benign = made.held_out & ~rows.attack
    shown = table("Benign texts that reach the score, in % (sources balanced; 95 % bound of the plain share)", "texts", *LEVELS)
    for name, of in (
        ("users'", benign & ~rows.document),
        ("users', no rule written on", benign & ~rows.document & made.blind),
        ("documents", benign & rows.document & ~rows.about_attacks),
        ("documents, no rule written on", benign & rows.document & ~rows.about_attacks & made.blind),
        ("documents about attacks", benign & rows.about_attacks),
    ):
        shown.add_row(f"{name} ({of.sum():,})", *_shares(made.digits[of], balanced(rows.source[of])))
    out.print(shown)
    _lengths(made)
    _parts(made)


def _found(made: Folds, name: str, chosen: Chosen) -> None:
    shown = table(f"Recall out of source, {name} (asked: mean ≥ .51 at 1 %, ≥ .38 at 0.1 %)", "attacks", *LEVELS)
    attacks = made.held_out & made.rows.attack & chosen
    for group, label in enumerate(GROUPS):
        of = attacks & (made.rows.group == group)
        shown.add_row(f"{label} ({of.sum():,})", *(f"{(made.digits[of] >= level).mean():.3f}" for level in LEVELS.values()))
    means = [mean_recall(made.rows, made.digits, attacks, level) for level in LEVELS.values()]
    shown.add_row("mean of groups", *(f"{mean:.3f}" for mean in means), style="bold")
    shown.add_row("of all attacks", *(f"{(made.digits[attacks] >= level).mean():.3f}" for level in LEVELS.values()))
    out.print(shown)


def mean_recall(rows: Rows, score: npt.NDArray[np.float64], attacks: Chosen, least: float) -> float:
    """Mean over the groups of attacks of the share that scores at least so much."""
    return float(np.mean([(score[attacks & (rows.group == group)] >= least).mean() for group in range(len(GROUPS))]))


def limit_at(score: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], share: float) -> float:
    """The least score that at most so much of the weight reaches; weights sum to 1."""
    order = np.argsort(-score, kind="stable")
    reached = np.cumsum(weights[order])
    first = int(np.searchsorted(reached, share + 1e-12, side="right"))  # the largest that is not to be reached
    return float(np.nextafter(score[order][min(first, len(score) - 1)], np.inf))


def _shares(digits: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> list[str]:
    cells: list[str] = []
    for level in LEVELS.values():
        over = digits >= level
        cells.append(f"{100 * (weights * over).sum():.3f} (≤ {100 * upper(int(over.sum()), len(over)):.3f})")
    return cells


def _lengths(made: Folds) -> None:
    """A threshold is for texts of all lengths together; long ones reach it more often."""
    rows = made.rows
    sizes = np.char.str_len(rows.text.astype(str))
    benign = made.held_out & ~rows.attack & ~rows.about_attacks
    shown = table(
        "Shares that reach the score by length, in %: attacks, benign users' texts, benign documents",
        "characters", *(f"{kind} {level}" for kind in ("attacks", "users'", "documents") for level in ("1 %", "0.1 %")),
    )  # fmt: skip
    for least, most in zip(LENGTHS, (*LENGTHS[1:], 1 << 40), strict=True):
        within = (sizes >= least) & (sizes < most)
        cells: list[str] = []
        for of in (made.held_out & rows.attack, benign & ~rows.document, benign & rows.document):
            chosen = made.digits[of & within]
            cells += [f"{100 * (chosen >= LEVELS[at]).mean():.2f}" if len(chosen) >= 100 else "–" for at in ("1 %", "0.1 %")]
        shown.add_row(f"from {least:,}", *cells)
    out.print(shown)


def _parts(made: Folds) -> None:
    """Each part alone, at the same share of benign users' texts."""
    rows = made.rows
    parts = {name: np.full(len(rows), np.nan) for name in ("rules alone", "model alone", "both, without views and signs")}
    bare = totals_of(made.scales, rows, {i: scored.bare() for i, scored in made.scored.items()})
    for index, scored in made.scored.items():
        first = scored.evidence[0]
        for part, score in zip(parts.values(), (first.fired.score, first.model, bare[index]), strict=True):
            part[index] = score
    parts["all of it"] = made.digits
    benign, attacks = made.held_out & ~rows.attack & ~rows.document, made.held_out & rows.attack
    weights = balanced(rows.source[benign])
    shown = table("Parts alone, at equal shares of benign users' texts (mean of groups)", "part", "1 %", "0.1 %")
    for name, score in parts.items():
        limits = [limit_at(score[benign], weights, share) for share in (0.01, 0.001)]
        shown.add_row(name, *(f"{mean_recall(rows, score, attacks, limit):.3f}" for limit in limits))
    out.print(shown)
