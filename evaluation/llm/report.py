"""Tables of an evaluation, each beside what was asked of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from evaluation.llm import synthetic
from evaluation.llm.calibrate import reading
from evaluation.llm.data import GROUPS, balanced
from evaluation.llm.folds import LEVELS, Folds
from evaluation.llm.peers import peers
from evaluation.llm.transforms import TRANSFORMS, transformed
from otel_mlsec.config import LlmSettings
from otel_mlsec.detectors.llm import build
from otel_mlsec.detectors.llm.fusion import judge
from otel_mlsec.detectors.llm.persistence import evidence
from otel_mlsec.observation import Completion, Form, Model, Origin, Role, Text
from otel_mlsec.text.reading import Reading
from otel_mlsec.text.turn import Turn

out = Console(width=118)
Rows = npt.NDArray[np.bool_]
OUTPUTS = {"llm/secret_leak": 0.01, "llm/exfiltration": 0.05, "llm/pii_leak": None, "llm/system_prompt_leak": None}  # % asked
ANOTHER_SEED = 77


def table(title: str, *columns: str) -> Table:
    made = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for i, column in enumerate(columns):
        made.add_column(column, justify="left" if i == 0 else "right")
    return made


def upper(k: int, n: int) -> float:
    """95 % bound of a share (Wilson)."""
    z = 1.645
    p = k / n
    return (p + z * z / (2 * n) + z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n)


def recall(made: Folds) -> None:
    rows, digits = made.rows, made.digits
    attacks = made.held_out & rows.attack
    for name, chosen in (("all rows", np.ones(len(rows), bool)), ("rows that no rule was written on", made.blind)):
        shown = table(f"\nRecall out of source, {name} (asked: mean .51 at 1 %, .38 at 0.1 %)", "attacks", *LEVELS)
        for group, label in enumerate(GROUPS):
            of = attacks & chosen & (rows.group == group)
            shown.add_row(f"{label} ({of.sum():,})", *(f"{(digits[of] >= level).mean():.3f}" for level in LEVELS.values()))
        each = [[(digits[attacks & chosen & (rows.group == g)] >= level).mean() for g in range(4)] for level in LEVELS.values()]
        shown.add_row("mean of groups", *(f"{np.mean(of):.3f}" for of in each), style="bold")
        shown.add_row("of all attacks", *(f"{(digits[attacks & chosen] >= level).mean():.3f}" for level in LEVELS.values()))
        out.print(shown)
    shown = table("\nBenign texts that reach the score, in % (sources balanced; 95 % bound of the plain share)", "texts", *LEVELS)
    benign = made.held_out & ~rows.attack
    for name, of in (
        ("users'", benign & ~rows.document),
        ("users', no rule written on", benign & ~rows.document & made.blind),
        ("documents", benign & rows.document & ~rows.about_attacks),
        ("documents about attacks", benign & rows.about_attacks),
    ):
        weights = balanced(rows.source[of])
        cells = []
        for level in LEVELS.values():
            over = digits[of] >= level
            cells.append(f"{100 * (weights * over).sum():.3f} (≤ {100 * upper(int(over.sum()), int(of.sum())):.3f})")
        shown.add_row(f"{name} ({of.sum():,})", *cells)
    out.print(shown)
    _parts(made)


def _parts(made: Folds) -> None:
    """Each part alone, at the share of benign users' texts that the whole realises."""
    rows = made.rows
    whole = np.full(len(rows), np.nan)
    parts = {name: whole.copy() for name in ("rules, text as it stands", "model, text as it stands")}
    for index, scored in made.scored.items():
        first = scored.evidence[0]
        parts["rules, text as it stands"][index] = first.fired.score
        parts["model, text as it stands"][index] = first.model
    parts["all of it"] = made.digits
    benign = made.held_out & ~rows.attack & ~rows.document
    weights = balanced(rows.source[benign])
    shown = table("\nParts alone, at equal shares of benign users' texts (mean of groups)", "part", "1 %", "0.1 %")
    for name, score in parts.items():
        order = np.argsort(-score[benign], kind="stable")
        over = np.cumsum(weights[order])
        cells = []
        for share in (0.01, 0.001):
            limit = score[benign][order][np.searchsorted(over, share, side="right")]
            found = [(score[made.held_out & rows.attack & (rows.group == g)] > limit).mean() for g in range(4)]
            cells.append(f"{np.mean(found):.3f}")
        shown.add_row(name, *cells)
    out.print(shown)


def robustness(made: Folds) -> None:
    rows, chance = made.rows, np.random.default_rng(0)
    short = np.array([text.isascii() and 20 <= len(text) <= 1500 for text in rows.text])
    chosen = [
        (group, int(i))
        for group in (0, 2, 3)
        for i in chance.choice(np.flatnonzero(rows.attack & short & (rows.group == group)), 100, replace=False)
    ]
    harmless = chance.choice(np.flatnonzero(~rows.attack & ~rows.document & short & made.held_out), 400, replace=False)
    judges = {group: made.judge(group) for group in range(4)}
    shown = table(
        "\nEvasion: 300 attacks and 400 benign texts, changed (asked: ≥ .95 of plain for every encoding)",
        "change", "1 %", "of plain", "0.1 %", "of plain", "benign 1 %", "0.1 %",
    )  # fmt: skip
    plain: list[float] = []
    for name in TRANSFORMS:
        found = np.array([judges[g](reading(transformed(name, rows.text[i], seed=i), False)).score for g, i in chosen])
        benign = np.array(
            [judges[int(rows.group[i])](reading(transformed(name, rows.text[i], seed=int(i)), False)).score for i in harmless]
        )
        shares = [float((found >= level).mean()) for level in (2.0, 3.0)]
        plain = plain or shares
        cells = [cell for share, of in zip(shares, plain, strict=True) for cell in (f"{share:.3f}", f"{share / of:.2f}")]
        shown.add_row(name, *cells, *(f"{100 * (benign >= level).mean():.1f} %" for level in (2.0, 3.0)))
    out.print(shown)


def hard_negatives(made: Folds) -> None:
    shown = table("\nHard negatives, in % (texts written with another seed than those trained on)", "texts", *LEVELS)
    judged = judge()
    written: dict[str, list[tuple[str, bool]]] = {
        "questions about security, letters, code …": [
            (r.text, False) for r in synthetic.hard_negatives(ANOTHER_SEED, 2000) if not r.label
        ],
        "harmless role play": [(r.text, False) for r in synthetic.roleplay(ANOTHER_SEED, 2000) if not r.label],
        "tools' results and documents": [(r.text, True) for r in synthetic.documents(ANOTHER_SEED, 4000) if not r.label],
        "system prompts as users' texts (never judged as such)": [(r.text, False) for r in synthetic.guards(ANOTHER_SEED, 300)],
    }
    for name, texts in written.items():
        scores = np.array([judged(reading(text, document)).score for text, document in texts])
        shown.add_row(f"{name} ({len(texts):,})", *(f"{100 * (scores >= level).mean():.2f}" for level in LEVELS.values()))
    for source in sorted(set(made.rows.source[made.held_out & ~made.rows.attack])):
        of = made.held_out & ~made.rows.attack & (made.rows.source == source)
        cells = [f"{100 * (made.digits[of] >= level).mean():.2f}" for level in LEVELS.values()]
        if float(cells[0]) > 1:
            shown.add_row(f"{source} ({of.sum():,}, out of source)", *cells)
    out.print(shown)


def turns(made: Folds) -> None:
    """Five benign messages, then k attempts; limits at which one benign conversation of 20 messages in a hundred alarms."""
    rows, chance = made.rows, np.random.default_rng(1)
    user = made.held_out & ~rows.attack & ~rows.document
    weights = balanced(rows.source[user])
    e_of = np.vectorize(evidence)

    def summed(digits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        total = np.zeros(len(digits))
        most = total.copy()
        for each in e_of(digits).T:
            total = (1 + total) * each
            most = np.maximum(most, total)
        return most

    benign = chance.choice(made.digits[user], (20_000, 20), p=weights)
    limits = np.quantile(summed(benign), 0.99), np.quantile(benign.max(1), 0.99)
    shown = table(
        f"\nAttempts in one conversation: sum of evidence (limit {limits[0]:.0f}) and worst message (limit {limits[1]:.2f})",
        "attacks", *(f"{k} attempts" for k in (1, 3, 5, 10)),
    )  # fmt: skip
    for group, label in enumerate(GROUPS):
        attacks = made.digits[rows.attack & (rows.group == group)]
        cells = []
        for k in (1, 3, 5, 10):
            said = np.hstack([chance.choice(made.digits[user], (4000, 5), p=weights), chance.choice(attacks, (4000, k))])
            cells.append(f"{(summed(said) > limits[0]).mean():.2f} / {(said.max(1) > limits[1]).mean():.2f}")
        shown.add_row(label, *cells)
    out.print(shown)


def outputs(made: Folds) -> None:
    """Benign texts taken as answers to nobody's question."""
    benign = made.rows.text[~made.rows.attack & ~np.char.startswith(made.rows.kind.astype(str), "synth")]
    prompts = made.rows.text[made.rows.kind == "benign_system_prompt"]
    shown = table("\nFalse alarms in answers: benign texts of the pool", "detector", "alarms", "%", "95 % bound", "asked ≤ %")
    for name, most in OUTPUTS.items():
        [detector] = build(LlmSettings(), key=b"0123456789abcdef", only={name})
        alarms = 0
        for i, text in enumerate(benign):
            system = (Text(text=str(prompts[i % len(prompts)]), role=Role.SYSTEM, origin=Origin.OPERATOR),)
            said = Text(text=str(text), role=Role.ASSISTANT, origin=Origin.MODEL, form=Form.TEXT)
            call = Completion(model=Model(name="m"), operation="chat", inputs=system, outputs=(said,))
            alarms += bool(detector.update(Turn(completion=call, inputs=(), outputs=(Reading(said),), answered=True)))
        n = len(benign)
        shown.add_row(
            name, f"{alarms} of {n:,}", f"{100 * alarms / n:.4f}", f"{100 * upper(alarms, n):.4f}", str(most) if most else ""
        )
    out.print(shown)


def beside_peers(made: Folds) -> None:
    rows, chance = made.rows, np.random.default_rng(2)
    attacks = [
        int(i)
        for group in range(4)
        for i in chance.choice(np.flatnonzero(rows.attack & made.blind & (rows.group == group)), 400, replace=True)
    ]
    benign = np.flatnonzero(made.held_out & ~rows.attack & made.blind)
    benign = chance.choice(benign, 4000, replace=False, p=balanced(rows.source[benign]))
    shown = table(
        "\nBeside others, as they are shipped: 400 attacks of each group, 4,000 benign texts (no rule of ours written on any)",
        "rule set", "recall", "benign %", "licence",
    )  # fmt: skip
    for level in ("1 %", "0.1 %"):
        found, alarms = ((made.digits[of] >= LEVELS[level]).mean() for of in (attacks, benign))
        shown.add_row(f"otel-mlsec at nominal {level}", f"{found:.3f}", f"{100 * alarms:.2f}", "Apache-2.0", style="bold")
    for peer in peers(out.print):
        found, alarms = (np.mean([peer.flag(str(rows.text[i])) for i in of]) for of in (attacks, benign))
        shown.add_row(f"{peer.name} {peer.version}", f"{found:.3f}", f"{100 * alarms:.2f}", peer.licence)
    out.print(shown)
