"""Extraction by one account, by many, and a search around one place: which detector tells of what, of whom, and how often."""

from __future__ import annotations

import numpy as np
import pytest
from tests.detectors.attacked import MIX, ROWS, WEIGHTS, D, Monitor, answers, batch, crowd, reference, rows, spacing, told

from otel_mlsec.arrays import Floats
from otel_mlsec.detectors.extraction.account import Account
from otel_mlsec.detectors.incident import QUIET
from otel_mlsec.finding import Severity, Status

ACCOUNT, SEQUENCE, COORDINATED = "extraction.account", "evasion.sequence", "extraction.coordinated"
SEEDS = range(4)


def box(seed: int, n: int) -> Floats:
    """Uniform over the box that holds the reference."""
    return np.random.default_rng((51, seed)).uniform(-4, 4, (n, D)) @ np.abs(MIX)


def walk(seed: int, n: int) -> Floats:
    """Around one strange place on the boundary, further apart than what counts as near."""
    rng = np.random.default_rng((53, seed))
    away, place = rng.standard_normal((n, D)), 3.5 * rng.choice([-1.0, 1.0], D)
    place -= (place @ WEIGHTS) / (WEIGHTS @ WEIGHTS) * WEIGHTS
    return place + 0.75 * spacing() * away / np.linalg.norm(away, axis=1, keepdims=True)


def warmed(rows_of: tuple[str, ...] = ROWS) -> Monitor:
    """Sixty ordinary principals have asked before."""
    monitor = Monitor(rows_of)
    assert monitor.see(rows(50, 3000), crowd(3000, 60)) == []
    return monitor


@pytest.mark.parametrize("seed", SEEDS)
def test_one_account_that_asks_the_whole_box_is_told_within_ten_rows(seed: int):
    found = warmed().see(box(seed, 10), "user:thief")

    [finding] = found
    assert (finding.kind, finding.principal, finding.status) == (ACCOUNT, "user:thief", Status.NEW)
    assert finding.evidence["novel_share"] > 0.5  # pyright: ignore[reportOperatorIssue]
    assert finding.first_seen <= finding.time


@pytest.mark.parametrize("seed", SEEDS)
def test_ordinary_principals_are_not_told(seed: int):
    monitor = Monitor()

    assert monitor.see(rows(60 + seed, 12_000), crowd(12_000, 300)) == []
    assert monitor.see(rows(70 + seed, 6000), "user:batch") == []
    assert monitor.see(rows(80 + seed, 3000), [f"user:once{i}" for i in range(3000)]) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_fifty_accounts_of_ten_rows_are_one_finding_that_lists_them(seed: int):
    monitor = warmed()
    names = crowd(500, 50, "app")

    found = monitor.see(np.stack([box(seed, 500), rows(seed, 500)], 1).reshape(-1, D), [n for a in names for n in (a, "user:1")])

    coordinated = told(found, COORDINATED)
    assert len({finding.dedup_key for finding in coordinated}) == 1
    assert coordinated[-1].evidence["n_principals"] == 50
    assert set(str(coordinated[-1].evidence["principals"]).split("'")) >= set(names)
    assert len(told(found, ACCOUNT)) <= 2  # those that were told before there were three
    assert not told(found, SEQUENCE)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_search_around_a_place_is_no_extraction(seed: int):
    x = walk(seed, 120)
    assert 0 < answers(x).argmax(axis=1).mean() < 1

    found = warmed(ROWS).see(x, "user:evil")

    assert told(found, SEQUENCE)
    assert {finding.principal for finding in told(found, SEQUENCE)} == {"user:evil"}
    assert len(told(found, ACCOUNT)) <= 1  # of the first few rows, before it shows that they stay together


def test_accounts_of_one_network_are_told_by_it():
    monitor = warmed()
    sources = [("prefix:evil", "agent:x")] * 60

    found = told(monitor.see(box(1, 60), crowd(60, 20, "app"), sources=sources), COORDINATED)

    assert "prefix:evil" in {finding.evidence["linked_by"] for finding in found}


def test_one_thief_among_innocents_of_his_network_is_told_alone():
    monitor = warmed()
    x, who = np.stack([box(1, 200), rows(2, 200)], 1).reshape(-1, D), []
    for i in range(200):
        who += ["app:thief", f"user:{i % 40}"]

    found = monitor.see(x, who, sources=[("prefix:office",)] * 400)

    assert {finding.principal for finding in told(found, ACCOUNT)} == {"app:thief"}
    assert not [finding for finding in told(found, COORDINATED) if finding.evidence["linked_by"] == "prefix:office"]


def test_natural_rows_are_not_told_and_their_exposure_is():
    monitor = warmed()
    monitor.see(rows(90, 3000), "user:batch")

    account = monitor.detectors["extraction/account"]
    assert isinstance(account, Account)
    scores = account.scores()

    assert scores["user:batch"] > 0.4
    assert all(0 <= score <= 1 for score in scores.values())
    assert scores.get("user:1", 0.0) < scores["user:batch"]


def test_an_attack_is_one_finding_with_a_life():
    monitor = warmed()
    found = [each for each in monitor.see(box(1, 700), "user:thief", step=0.1) if each.principal]
    statuses = [each.status for each in found]
    assert statuses[0] is Status.NEW
    assert 1 <= statuses.count(Status.ONGOING) <= 3
    assert [each.count for each in found] == sorted(each.count for each in found)

    assert monitor.see(rows(3, 10), crowd(10, 5), step=QUIET / 20) == []
    [resolved] = monitor.see(rows(4, 10), crowd(10, 5), step=QUIET / 8)

    assert (resolved.status, resolved.principal) == (Status.RESOLVED, "user:thief")
    assert len({each.dedup_key for each in (*found, resolved)}) == 1


def test_severity_follows_what_was_exposed():
    found = warmed().see(np.concatenate([box(1, 10), np.repeat(rows(91, 3000), 1, axis=0), box(2, 200)]), "user:thief", step=2.0)

    first, last = told(found, ACCOUNT)[0], told(found, ACCOUNT)[-1]
    assert first.severity is Severity.MEDIUM
    assert last.severity >= Severity.HIGH
    assert first.evidence["exposure"] < last.evidence["exposure"] <= 1  # pyright: ignore[reportOperatorIssue]


def test_a_clock_that_jumps_back_resolves_nothing_and_says_nothing_odd():
    monitor = warmed()
    [first] = monitor.see(box(1, 10), "user:thief")
    monitor.now -= 100 * QUIET

    later = monitor.see(box(2, 200), "user:thief", step=1.0)

    assert all(finding.status is Status.ONGOING and finding.dedup_key == first.dedup_key for finding in later)
    assert all(finding.first_seen <= finding.time for finding in later)
    assert all(float(str(finding.evidence["duration_s"])) >= 0 for finding in later)


ODD_NAMES = ["", "\x1b[31mred\x1b[0m", "a\x00b", "\ud800", "é" * 9, "x" * 10_000_000, "line\nline", "{%s}", "💥" * 100]


@pytest.mark.parametrize("number", range(len(ODD_NAMES)))
def test_a_principal_of_any_name_is_told_by_a_short_printable_one(number: int):
    name = ODD_NAMES[number]

    found = warmed().see(box(1, 16), name, sources=[(name, name)] * 16)

    assert [finding.principal for finding in found]
    for finding in found:
        for text in (finding.principal, *map(str, finding.subject), *map(str, finding.evidence.values())):
            assert text.isprintable()
            assert text.isascii()
            assert len(text) < 2000
        assert len(finding.principal) <= 24


def test_two_long_names_that_begin_alike_are_two_principals():
    monitor, long = warmed(), "user:" + "x" * 40
    found = monitor.see(box(1, 20), [long + "1", "user:1"] * 10) + monitor.see(rows(3, 20), long + "2")

    [finding] = told(found, ACCOUNT)[:1]
    assert finding.principal.startswith("#")
    assert monitor.see(rows(3, 500)[20:], long + "2") == []


def test_calls_without_principals_are_nobodys():
    monitor = warmed()
    one = batch(box(1, 40), (), monitor.now + np.arange(40.0))

    found = monitor.take(one)

    assert {finding.principal for finding in found} == {""}


def test_what_was_told_of_nobody_says_no_group():
    monitor = warmed()

    found = monitor.see(box(1, 40), ["", "user:thief"] * 20)

    assert not told(found, COORDINATED)


def test_a_flood_of_new_principals_does_not_flush_a_suspect_and_falls_back_to_the_network():
    monitor = Monitor(("extraction/account", "extraction/coordinated"))
    monitor.see(rows(50, 2000), crowd(2000, 50))
    monitor.see(box(1, 2), "user:thief")  # not told yet
    account = monitor.detectors["extraction/account"]
    assert isinstance(account, Account)
    table = account._accounts.table  # pyright: ignore[reportPrivateUsage]
    flood = rows(92, 4096)

    for at in range(0, 300_000, 4096):
        monitor.see(flood, [f"bot:{at + i}" for i in range(4096)], size=4096, step=1e-3, sources=[("prefix:botnet",)] * 4096)

    assert table.flooded
    assert table.known(["user:thief", "prefix:botnet"]).all()
    assert table.evicted > 10_000
    [finding, *_] = told(monitor.see(box(2, 20), "user:thief"), ACCOUNT)
    assert finding.principal == "user:thief"
    [botnet, *_] = told(monitor.see(box(3, 40), [f"bot:new{i}" for i in range(40)], sources=[("prefix:botnet",)] * 40), ACCOUNT)
    assert botnet.principal == "prefix:botnet"


def test_all_detectors_of_attacks_together_fit_64_mebibytes_with_a_hundred_thousand_principals():
    monitor = Monitor()
    x = rows(93, 4000)

    for at in range(0, 100_000, 4000):
        names = [f"user:{at + i}" for i in range(4000)]
        monitor.see(x + 1e-3 * at, names, size=4000, step=1e-3, sources=[(f"prefix:{i % 3000}",) for i in range(4000)])

    assert monitor.state() <= 64 << 20


def test_where_the_reference_is_provisional_ten_times_the_evidence_is_wanted():
    thresholds = []
    for provisional in (False, True):
        of = reference()
        object.__setattr__(of, "provisional", provisional)
        [finding, *_] = Monitor(of=of).see(box(1, 20), "user:thief")
        thresholds.append(finding.threshold)
    object.__setattr__(reference(), "provisional", False)

    assert thresholds[1] - thresholds[0] == pytest.approx(np.log(10))
