"""Errors and labels: false alarms and delays of `drift/concept` by each of its methods, and what `drift/performance` expects
without labels.  Part of `make evaluate-drift`; alone: `python -m evaluation.drift.concept`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from otel_mlsec.arrays import Floats
from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors.drift.concept import ConceptDrift
from otel_mlsec.detectors.drift.performance import Performance
from otel_mlsec.observation import Batch, Meaning, Model, Outcomes
from otel_mlsec.reference.reference import Reference
from otel_mlsec.settings import CONCEPT

BASE = 0.1  # share of errors while nothing has changed
RATES = (0.12, 0.15, 0.2, 0.3, 0.05)
ASKED = {("e-detector", 0.2): 350}  # labels, median
KNOWN = 10_000  # labelled rows of a reference
LONGEST = 30_000  # labels that a change is waited for
BEFORE = 5000  # labels before it
BATCH = 5000
MODEL = Model(name="m")
CLASSES = ("no", "yes")


def report(out: Console, *, runs: int = 40, labels: int = 1_000_000, references: int = 4) -> None:
    """Everything, of `labels` labels of each of so many references for false alarms, and of `runs` runs of each change."""
    known = [reference(seed) for seed in range(references)]
    out.rule("labels: false alarms")
    alarms(out, known, labels)
    out.print(delays(known, runs))
    out.print(elsewhere(known, runs))
    out.print(late(known, runs))
    out.print(expected(out, labels))


def alarms(out: Console, known: list[Reference], labels: int) -> None:
    for name, settings, meaning in METHODS:
        began, found = time.process_time(), 0
        for seed, each in enumerate(known):
            rng = np.random.default_rng((51, seed))
            detector = built(each, settings)
            for _ in range(labels // BATCH):
                if detector.update(stream(rng, BASE, BATCH, meaning)):
                    found += 1
                    detector = built(each, settings)
        n = labels * len(known)
        cost = (time.process_time() - began) / n * 1e6
        asked = " (asked: ≤ 1 per million)" if settings.concept == "e-detector" else ""
        out.print(
            f"{name}: {found} in {n / 1e6:.1f} M labels of {len(known)} references{asked}, {cost:.1f} µs a label with making it"
        )


def delays(known: list[Reference], runs: int) -> Table:
    table = Table(
        title=f"errors 10 % -> …, median labels of {runs} runs (reference {KNOWN:,} labels); in brackets what was missed"
    )
    for column in ("method", *(f"{rate:.0%}" for rate in RATES), "asked of 20%"):
        table.add_column(column)
    for name, settings, meaning in METHODS:
        cells = [_shown([delay(known, settings, meaning, rate, run) for run in range(runs)]) for rate in RATES]
        asked = ASKED.get((settings.concept, 0.2))
        table.add_row(name, *cells, f"≤ {asked}" if asked else "")
    return table


def delay(known: list[Reference], settings: ModelSettings, meaning: Meaning, rate: float, run: int) -> float:
    """Labels from the change until it is told; infinite where that is not within `LONGEST`."""
    rng = np.random.default_rng((52, run, round(1000 * rate)))
    detector = built(known[run % len(known)], settings)
    for size in (BEFORE - 25, int(rng.integers(25))):  # at any phase of the detector's blocks
        detector.update(stream(rng, BASE, size, meaning))
    return _until(detector, (stream(rng, rate, 25, meaning) for _ in range(LONGEST // 25)), lambda finding: True)


def elsewhere(known: list[Reference], runs: int) -> Table:
    """Changes that are of a part of the rows, of how sure answers are, and of a regression."""
    table = Table(title=f"other changes, median labels of {runs} runs")
    for column in ("change", "without slices", "with"):
        table.add_column(column)
    sliced = ModelSettings(slices=("level", "amount"))
    for share, name in ((0, "10 % -> 40 % errors in a level of 20 % of the rows"), (1, "10 % -> 60 % errors in one of 5 %")):
        cells = [
            _shown([_in_level(known, settings, share, run) for run in range(runs)]) for settings in (ModelSettings(), sliced)
        ]
        table.add_row(name, *cells)
    table.add_row("as right, but half as sure", _shown([_less_sure(known, run) for run in range(runs)]), "")
    for spread in (1.2, 1.5):
        table.add_row(f"a regression's error x {spread}", _shown([_of_values(spread, run) for run in range(runs)]), "")
    return table


def _in_level(known: list[Reference], settings: ModelSettings, which: int, run: int) -> float:
    rng = np.random.default_rng((53, run, which))
    detector = built(known[run % len(known)], settings)
    detector.update(stream(rng, BASE, BEFORE, Meaning.PROBABILITY))
    level, rate = ((2.0, 0.4), (4.0, 0.6))[which]

    def changed() -> Outcomes:
        x = inputs(rng, 25)
        return stream(rng, np.where(x[:, 1] == level, rate, BASE), 25, Meaning.PROBABILITY, x)

    return _until(detector, (changed() for _ in range(LONGEST // 25)), lambda finding: True)


def _less_sure(known: list[Reference], run: int) -> float:
    rng = np.random.default_rng((54, run))
    detector = built(known[run % len(known)], ModelSettings())
    detector.update(stream(rng, BASE, BEFORE, Meaning.PROBABILITY))
    parts = (stream(rng, BASE, 25, Meaning.PROBABILITY) for _ in range(LONGEST // 25))
    return _until(detector, (replace(p, outputs=0.5 + (p.outputs - 0.5) / 2) for p in parts), lambda finding: True)


def _of_values(spread: float, run: int) -> float:
    rng = np.random.default_rng((55, run))
    x = inputs(rng, KNOWN)
    truth = 100 + 10 * x[:, 0]
    said = truth + rng.standard_normal(KNOWN)
    known = Reference.of_matrix(
        x,
        ("amount", "level"),
        None,
        categorical=("level",),
        model=MODEL,
        created=0.0,
        truth=truth,
        answers=[(Meaning.VALUE, said)],
    )
    detector = built(known, ModelSettings())
    parts = (_values(rng, spread) for _ in range(LONGEST // 25))
    return _until(detector, parts, lambda finding: True)


def _values(rng: np.random.Generator, spread: float) -> Outcomes:
    plain = stream(rng, 0.0, 25, Meaning.LABEL)
    return replace(plain, meaning=Meaning.VALUE, truth=np.zeros(25), outputs=spread * rng.standard_normal((25, 1)), classes=())


def late(known: list[Reference], runs: int) -> Table:
    """A change to 20 % errors whose labels come late: judged by the label that comes, dated by the prediction."""
    table = Table(title=f"errors 10 % -> 20 % with late labels, medians of {runs} runs")
    for column in ("labels come after …", "predictions until told", "dated off by, predictions", "told before the change"):
        table.add_column(column)
    for name, lag in LAGS:
        results = [_late(known[run % len(known)], lag, run) for run in range(runs)]
        told = [r for r in results if r[0] >= 0]
        off = [abs(r[1]) for r in told]
        early = len(results) - len(told)
        table.add_row(name, _shown([r[0] for r in told]), f"{np.median(off):.0f}" if off else "", f"{early} of {runs}")
    return table


def _late(known: Reference, lag: Callable[[np.random.Generator, Floats], Floats], run: int) -> tuple[float, float]:
    """-> predictions from the change until it is told (negative: before it), and by how many its date is off."""
    rng = np.random.default_rng((56, run))
    n, change = 40_000, 15_000
    whole = stream(rng, np.where(np.arange(n) < change, BASE, 0.2), n, Meaning.LABEL)
    wrong = (whole.outputs[:, 0] != whole.truth).astype(np.float64)
    told = np.arange(n) + lag(rng, wrong)
    order = np.argsort(told, kind="stable")
    detector = built(known, ModelSettings())
    for at in range(0, n, 25):
        part = order[at : at + 25]
        columns = {name: getattr(whole, name)[part] for name in ("outputs", "truth")}
        found = detector.update(
            replace(whole, inputs=None, times=part.astype(np.float64), told=told[part], sources=("",) * len(part), **columns)
        )
        if found and found[0].subject == ("error",):
            return found[0].time - change, found[0].first_seen - change
    return np.inf, np.inf


LAGS: tuple[tuple[str, Callable[[np.random.Generator, Floats], Floats]], ...] = (
    ("at once", lambda rng, wrong: np.zeros(len(wrong))),
    ("5,000 predictions", lambda rng, wrong: np.full(len(wrong), 5000.0)),
    ("5,000 on average, exponential", lambda rng, wrong: rng.exponential(5000, len(wrong))),
    ("errors after 1,000 on average, the rest after 5,000", lambda rng, wrong: rng.exponential(5000 - 4000 * wrong)),
)


def expected(out: Console, rows: int) -> Table:
    """The truth beside what is expected without labels, of 20,000 rows each; and false alarms in `rows` rows."""
    table = Table(title="performance without labels, gradient boosting, 10,000 labelled rows in the reference")
    for column in ("change", "accuracy", "expected", "AUC", "expected", "told after, rows"):
        table.add_column(column)
    rng = np.random.default_rng(57)
    model = GradientBoostingClassifier(n_estimators=40, max_depth=3, subsample=0.5, random_state=0).fit(*crossed(rng, 8000))
    known = Reference.fit(*crossed(rng, KNOWN), model, name=MODEL.name)
    watching, told_anyway = Performance.build(known, ModelSettings()), 0
    assert watching is not None
    for at in range(0, rows, BATCH):
        told_anyway += bool(watching.update(_batch(model.predict_proba(crossed(rng, BATCH)[0]), at)))
    out.print(f"drift/performance: {told_anyway} alarms in {rows / 1e6:.1f} M rows that nothing has happened to")
    for name, shift, flips in WORLDS:
        x, y = crossed(rng, 20_000, shift, flips)
        said = model.predict_proba(x)
        detector = Performance.build(known, ModelSettings())
        assert detector is not None
        found = [f for at in range(0, len(x), 64) for f in detector.update(_batch(said[at : at + 64], at))]
        estimates = _of_all(known, said)
        told = f"{found[0].time + 1:.0f}" if found else "never"
        table.add_row(
            name, f"{((said[:, 1] > 0.5) == y).mean():.3f}", f"{estimates['accuracy']:.3f}",
            f"{roc_auc_score(y, said[:, 1]):.3f}", f"{estimates['auc']:.3f}", told,
        )  # fmt: skip
    return table


WORLDS = (
    ("none", 0.0, 0.0), ("covariate +0.5 sd", 0.5, 0.0), ("covariate +1 sd", 1.0, 0.0), ("covariate +2 sd", 2.0, 0.0),
    ("less spread, x 0.5", -1.0, 0.0), ("10 % of labels flipped", 0.0, 0.1), ("20 % of labels flipped", 0.0, 0.2),
)  # fmt: skip


def crossed(rng: np.random.Generator, n: int, shift: float = 0.0, flips: float = 0.0) -> tuple[Floats, Floats]:
    """Two features that matter, and their product; a negative shift halves all spreads instead."""
    x = rng.standard_normal((n, 6)) * (0.5 if shift < 0 else 1.0)
    x[:, 0] += max(0.0, shift)
    z = 1.2 * x[:, 0] - x[:, 1] + 0.8 * x[:, 0] * x[:, 1]
    y = rng.random(n) < 1 / (1 + np.exp(-z))
    return x, (y ^ (rng.random(n) < flips)).astype(np.float64)


def _of_all(known: Reference, said: Floats) -> dict[str, float]:
    """Estimates of all rows: the newest 1,000 to 2,000 are what a gauge shows."""
    detector = Performance.build(known, ModelSettings())
    assert detector is not None
    parts = []
    for at in range(0, len(said) - 1000 + 1, 1024):
        fresh = Performance.build(known, ModelSettings())
        assert fresh is not None
        fresh.update(_batch(said[at : at + 1024], at))
        parts.append(fresh.estimates())
    return {name: float(np.mean([part[name] for part in parts])) for name in parts[0]}


def _batch(outputs: Floats, first: int) -> Batch:
    n = len(outputs)
    return Batch(
        model=MODEL, meaning=Meaning.PROBABILITY, features=(), inputs=None, outputs=outputs, times=first + np.arange(float(n)),
        calls=np.zeros(n, np.int64), principals=("",), classes=CLASSES,
    )  # fmt: skip


def inputs(rng: np.random.Generator, n: int) -> Floats:
    return np.column_stack([rng.standard_normal(n), rng.choice(5, n, p=[0.4, 0.2, 0.2, 0.15, 0.05])])


def stream(rng: np.random.Generator, rates: Floats | float, n: int, meaning: Meaning, x: Floats | None = None) -> Outcomes:
    """Outcomes of `n` predictions of two classes, of which a share is wrong; times are their numbers."""
    wrong = rng.random(n) < np.broadcast_to(rates, n)
    said = rng.integers(0, 2, n)
    sure = rng.uniform(0.6, 0.99, n)
    late = np.where(said == 1, sure, 1 - sure)
    outputs = np.column_stack([1 - late, late]) if meaning is Meaning.PROBABILITY else said[:, None].astype(np.float64)
    return Outcomes(
        model=MODEL, meaning=meaning, features=("amount", "level"), inputs=inputs(rng, n) if x is None else x, outputs=outputs,
        truth=np.where(wrong, 1 - said, said).astype(np.float64), times=np.arange(float(n)), told=np.arange(float(n)),
        sources=("",) * n, classes=CLASSES,
    )  # fmt: skip


def reference(seed: int) -> Reference:
    known = stream(np.random.default_rng((58, seed)), BASE, KNOWN, Meaning.PROBABILITY)
    assert known.inputs is not None
    answers = [(Meaning.PROBABILITY, known.outputs), (Meaning.LABEL, (known.outputs[:, 1] > 0.5).astype(np.float64))]
    return Reference.of_matrix(
        known.inputs, known.features, None, categorical=("level",), model=MODEL, created=0.0, classes=CLASSES,
        truth=known.truth, answers=answers,
    )  # fmt: skip


def built(known: Reference, settings: ModelSettings) -> ConceptDrift:
    detector = ConceptDrift.build(known, settings)
    assert detector is not None
    return detector


METHODS = (
    ("e-detector, errors", ModelSettings(), Meaning.LABEL),
    ("e-detector, errors and log loss", ModelSettings(), Meaning.PROBABILITY),
    ("e-detector, and 15 slices", ModelSettings(slices=("amount", "level")), Meaning.PROBABILITY),
    ("Page–Hinkley", ModelSettings(concept="page-hinkley"), Meaning.LABEL),
    ("ADWIN", ModelSettings(concept="adwin"), Meaning.LABEL),
)
assert {settings.concept for _, settings, _ in METHODS} == set(CONCEPT)


def _until(detector: ConceptDrift, parts: Iterator[Outcomes], wanted: Callable[..., bool]) -> float:
    labels = 0
    for part in parts:
        found = [finding for finding in detector.update(part) if wanted(finding)]
        if found:
            return labels + found[0].time + 1
        labels += part.n_rows
    return np.inf


def _shown(results: list[float]) -> str:
    missed = sum(not np.isfinite(each) for each in results)
    median = float(np.median(results)) if results else np.inf
    return (f"{median:,.0f}" if np.isfinite(median) else "not found") + (f" ({missed} missed)" if missed else "")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=40, help="runs of each change (default 40)")
    options.add_argument("--labels", type=int, default=1_000_000, help="labels of each of four references (default a million)")
    asked = options.parse_args()
    report(Console(width=118), runs=asked.runs, labels=asked.labels)
