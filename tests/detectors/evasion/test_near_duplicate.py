"""Probes around one row are found, whoever asks; what only looks alike is not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tests.detectors.attacked import WEIGHTS, D, Monitor, crowd, reference, rows, spacing

from otel_mlsec.arrays import Floats
from otel_mlsec.detectors.incident import QUIET
from otel_mlsec.finding import Finding, Severity, Status

ROW = ("evasion/near_duplicate",)
SEEDS = range(6)


def directions(seed: int, n: int) -> Floats:
    away = np.random.default_rng((41, seed)).standard_normal((n, D))
    return away / np.linalg.norm(away, axis=1, keepdims=True)


def star(seed: int, n: int, radius: float = 0.2) -> Floats:
    """A row, then n small changes of it, `radius` in spacings."""
    center = rows(100 + seed, 1)
    return np.concatenate([center, center + radius * spacing() * directions(seed, n)])


def boundary_walk(seed: int, n: int) -> Floats:
    """Blocks of probes around a point that moves a little after each block, as decision-based attacks do."""
    centers = np.cumsum(np.concatenate([rows(100 + seed, 1), 0.1 * spacing() * directions(seed + 1, n // 25)]), axis=0)
    return np.concatenate(
        [np.concatenate([c[None], c + 0.2 * spacing() * directions(seed + i, 24)]) for i, c in enumerate(centers)]
    )


def path(seed: int, n: int, step: float = 0.05) -> Floats:
    """A sensor that moves slowly."""
    return rows(100 + seed, 1) + np.cumsum(step * np.random.default_rng((43, seed)).standard_normal((n, D)), axis=0)


def drifting(seed: int, n: int) -> Floats:
    """A sensor that moves one way."""
    return rows(100 + seed, 1) + np.linspace(0, 4, n)[:, None] * directions(seed, 1) + 0.01 * directions(seed + 1, n)


def cloud(seed: int, n: int) -> Floats:
    """A noisy sensor that stands still; its mean is never asked."""
    return rows(100 + seed, 1) + 0.1 * np.random.default_rng((47, seed)).standard_normal((n, D))


def repeats(seed: int, n: int) -> Floats:
    return np.repeat(rows(100 + seed, 5), n // 5, axis=0)


def sliders(seed: int, n: int) -> Floats:
    """What if this were a little more?  One field at a time, from end to end."""
    x = np.repeat(rows(100 + seed, 1), n, axis=0)
    swept = np.arange(n) // 30 % D
    x[np.arange(n), swept] = -1.5 + 0.1 * (np.arange(n) % 30)
    return x


def of_the_row(x: Floats, seed: int, who: str | list[str] = "user:evil") -> list[Finding]:
    """What is told of rows that come among as many ordinary ones."""
    monitor = Monitor(ROW)
    monitor.see(rows(seed, 500), crowd(500, 20))
    among = rows(seed + 50, len(x))
    mixed = np.stack([x, among], axis=1).reshape(-1, D)
    names = [who] * len(x) if isinstance(who, str) else who
    return monitor.see(mixed, [name for pair in zip(names, crowd(len(x), 20), strict=True) for name in pair])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_star_is_told_within_twenty_probes(seed: int):
    [finding, *_] = of_the_row(star(seed, 20), seed)

    assert finding.status is Status.NEW
    assert finding.count <= 21
    assert finding.evidence["principals"] == ("user:evil",)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_walk_of_a_decision_based_attack_is_told(seed: int):
    found = of_the_row(boundary_walk(seed, 150), seed)

    assert found
    assert len({finding.subject for finding in found}) == 1


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", [path, drifting, cloud, repeats, sliders])
def test_what_only_looks_alike_is_not_told(kind: Callable[[int, int], Floats], seed: int):
    assert of_the_row(kind(seed, 600), seed) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_ordinary_rows_are_not_told(seed: int):
    assert Monitor(ROW).see(rows(seed + 10, 8000), crowd(8000, 100)) == []


@pytest.mark.parametrize("accounts", [1, 10, 50])
def test_rotating_the_accounts_changes_nothing(accounts: int):
    x = star(3, 60)

    [finding, *_] = of_the_row(x, 3, crowd(len(x), accounts, "evil"))

    assert finding.count <= 25
    assert finding.evidence["n_principals"] == min(accounts, int(finding.count))
    assert "user" not in str(finding.evidence["principals"])


def test_the_finding_describes_the_perturbation_as_it_was():
    center = rows(7, 1)
    center[0, 11] = 1.2345678
    signs = np.array([[1.0]])
    while len(signs) < 8:  # Hadamard's: as far from each other as can be
        signs = np.block([[signs, signs], [signs, -signs]])
    moved = np.zeros((16, D))
    moved[:, :8] = np.concatenate([signs, -signs]) * [0.05, 0.05, 0.05, 0.08, 0.05, 0.05, 0.05, 0.05]  # sd
    geometry = reference().geometry
    assert geometry is not None
    x = np.concatenate([center, center + moved * geometry.scale])

    [finding, *_] = Monitor(ROW).see(x, crowd(17, 2, "evil"), step=2.0)

    evidence = finding.evidence
    n = int(str(evidence["probes"]))
    assert 5 <= n <= 16
    assert evidence["linf_sd"] == pytest.approx(0.08, rel=1e-3)
    assert evidence["l2_sd"] == pytest.approx((7 * 0.05**2 + 0.08**2) ** 0.5, rel=1e-3)
    assert evidence["features_changed"] == 8
    assert evidence["sparsity"] == pytest.approx(1 - 8 / D)
    assert str(evidence["features"]).startswith("('f3'")
    assert set(evidence["features"]) <= set(geometry.names[:8])
    assert f"f3: {n} of {n} probes, 0.08 sd" in str(evidence["feature_changes"])
    assert evidence["n_principals"] == 2
    assert evidence["duration_s"] == pytest.approx(2.0 * (n - 1))
    assert "1.23" not in repr(finding)


def test_labels_that_flip_are_counted_and_make_it_worse():
    w = WEIGHTS
    center = rows(8, 1)
    center -= (center @ w)[:, None] * w / (w @ w)
    center -= 0.02 * w  # just on the side of "no"
    around = center + 0.2 * spacing() * directions(1, 60)
    flipped, same = around[around @ w > 0], around[around @ w <= 0]

    [with_flips, *_] = Monitor(ROW).see(np.concatenate([center, flipped[:20]]), "user:evil")
    [without, *_] = Monitor(ROW).see(np.concatenate([center - 3 * w, same[:20] - 3 * w]), "user:evil")

    assert with_flips.evidence["label_flips"] == with_flips.evidence["probes"]
    assert without.evidence["label_flips"] == 0
    assert (with_flips.severity, without.severity) == (Severity.HIGH, Severity.MEDIUM)
    assert with_flips.count < without.count or with_flips.score > without.score


def test_an_attack_is_one_finding_with_a_life():
    monitor = Monitor(ROW)
    found = monitor.see(boundary_walk(1, 400), "user:evil", step=0.1)

    assert [finding.status for finding in found] == [Status.NEW, Status.ONGOING]
    new, ongoing = found
    assert ongoing.count >= 10 * new.count
    assert monitor.see(rows(3, 10), crowd(10, 5), step=QUIET / 20) == []
    [resolved] = monitor.see(rows(4, 10), crowd(10, 5), step=QUIET / 8)
    assert resolved.status is Status.RESOLVED
    assert resolved.dedup_key == new.dedup_key == ongoing.dedup_key
    assert monitor.see(rows(5, 10), crowd(10, 5), step=QUIET) == []


def test_a_clock_that_jumps_back_ends_nothing_and_begins_nothing():
    monitor = Monitor(ROW)
    [new, *_] = monitor.see(star(1, 20), "user:evil")
    monitor.now -= 10 * QUIET

    later = monitor.see(np.concatenate([rows(3, 50), star(1, 40)[21:]]), "user:evil")

    assert all(finding.status is Status.ONGOING for finding in later)
    assert all(finding.dedup_key == new.dedup_key for finding in later)
    assert all(finding.first_seen <= finding.time for finding in later)


def test_a_hundred_thousand_rows_at_once_are_judged_as_one_after_another():
    monitor = Monitor(ROW)
    x = np.concatenate([rows(11, 60_000), star(5, 40), rows(12, 40_000)])

    found = monitor.see(x, "user:evil", size=len(x), step=0.001)

    assert {finding.evidence["principals"] for finding in found} == {("user:evil",)}
    assert len({finding.subject for finding in found}) == 1
