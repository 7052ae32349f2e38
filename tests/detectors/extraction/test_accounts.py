"""Extraction by one account, by many, and a search around one place: which detector tells of what, of whom, and how often."""

from __future__ import annotations

import numpy as np
import pytest
from tests.detectors.attacked import MIX, ROWS, WEIGHTS, D, Monitor, among, answers, batch, crowd, reference, rows, spacing, told

from otel_mlsec.arrays import Floats
from otel_mlsec.detectors import TABLE
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
def test_one_account_that_asks_the_whole_box_is_told_within_sixteen_rows(seed: int):
    found = warmed().see(*among(box(seed, 20), "user:thief"), size=8)

    [finding, *later] = told(found, ACCOUNT)
    assert finding.count <= 16
    assert {each.dedup_key for each in later} <= {finding.dedup_key}
    assert (finding.kind, finding.principal, finding.status) == (ACCOUNT, "user:thief", Status.NEW)
    assert finding.evidence["novel_share"] > 0.2  # pyright: ignore[reportOperatorIssue]
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

    found = monitor.see(*among(box(seed, 500), names))

    coordinated = told(found, COORDINATED)
    assert len({finding.dedup_key for finding in coordinated}) == 1
    assert 45 <= int(str(coordinated[-1].evidence["n_principals"])) <= 50  # some were told alone, before there were three
    assert "user:" not in str(coordinated[-1].evidence["principals"])
    assert len(told(found, ACCOUNT)) <= 2  # those that were told before there were three
    assert not told(found, SEQUENCE)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_search_around_a_place_is_no_extraction(seed: int):
    x = walk(seed, 120)
    assert 0 < answers(x).argmax(axis=1).mean() < 1

    found = warmed().see(*among(x, "user:evil"))

    assert told(found, SEQUENCE)
    assert {finding.principal for finding in told(found, SEQUENCE)} == {"user:evil"}
    assert len(told(found, ACCOUNT)) <= 1  # of the first few rows, before it shows that they stay together


def test_accounts_of_one_network_are_told_by_it():
    monitor = warmed()
    x, who = among(box(1, 60), crowd(60, 20, "app"))
    sources = [("prefix:evil" if name.startswith("app") else f"prefix:{name}", "agent:x") for name in who]

    found = told(monitor.see(x, who, sources=sources), COORDINATED)

    assert "prefix:evil" in {finding.evidence["linked_by"] for finding in found}


def test_one_thief_among_innocents_of_his_network_is_told_alone():
    monitor = warmed()
    x, who = among(box(1, 100), "app:thief")

    found = monitor.see(x, who, sources=[("prefix:office",)] * len(x))

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
    found = told(monitor.see(*among(box(1, 700), "user:thief"), step=0.01), ACCOUNT)
    statuses = [each.status for each in found]
    assert statuses[0] is Status.NEW
    assert 1 <= statuses.count(Status.ONGOING) <= 3
    assert [each.count for each in found] == sorted(each.count for each in found)

    assert monitor.see(rows(3, 10), crowd(10, 5), step=QUIET / 20) == []
    [resolved] = monitor.see(rows(4, 10), crowd(10, 5), step=QUIET / 8)

    assert (resolved.status, resolved.principal) == (Status.RESOLVED, "user:thief")
    assert len({each.dedup_key for each in (*found, resolved)}) == 1


def test_severity_follows_what_was_exposed():
    monitor = warmed()
    x = np.concatenate([box(1, 20), rows(91, 3000), box(2, 200)])

    first, *_, last = told(monitor.see(*among(x, "user:thief", every=3), step=0.1), ACCOUNT)

    assert first.severity is Severity.MEDIUM
    assert last.severity >= Severity.HIGH
    assert first.evidence["exposure"] < last.evidence["exposure"] <= 1  # pyright: ignore[reportOperatorIssue]


def test_a_clock_that_jumps_back_resolves_nothing_and_says_nothing_odd():
    monitor = warmed()
    [first] = monitor.see(*among(box(1, 20), "user:thief"))
    monitor.now -= 100 * QUIET

    later = monitor.see(*among(box(2, 200), "user:thief"))

    assert all(finding.status is Status.ONGOING and finding.dedup_key == first.dedup_key for finding in later)
    assert all(finding.first_seen <= finding.time for finding in later)
    assert all(float(str(finding.evidence["duration_s"])) >= 0 for finding in later)


ODD_NAMES = ["", "\x1b[31mred\x1b[0m", "a\x00b", "\ud800", "é" * 9, "x" * 10_000_000, "line\nline", "{%s}", "💥" * 100]


@pytest.mark.parametrize("number", range(len(ODD_NAMES)))
def test_a_principal_of_any_name_is_told_by_a_short_printable_one(number: int):
    name = ODD_NAMES[number]

    x, who = among(box(1, 25), name)
    found = warmed().see(x, who, sources=[(one, one) for one in who])

    assert [finding.principal for finding in found]
    for finding in found:
        for text in (finding.principal, *map(str, finding.subject), *map(str, finding.evidence.values())):
            assert text.isprintable()
            assert text.isascii()
            assert len(text) < 2000
        assert len(finding.principal) <= 24


def test_two_long_names_that_begin_alike_are_two_principals():
    monitor, long = warmed(), "user:" + "x" * 40
    found = monitor.see(*among(box(1, 25), long + "1"))

    [finding] = told(found, ACCOUNT)[:1]
    assert finding.principal.startswith("#")
    assert monitor.see(*among(rows(3, 100), long + "2")) == []


def test_calls_without_principals_are_nobodys():
    monitor = warmed()
    one = batch(rows(1, 40), (), monitor.now + np.arange(40.0))

    assert monitor.take(one) == []


def test_what_was_told_of_nobody_says_no_group():
    monitor = warmed()

    found = monitor.see(*among(box(1, 60), ["", "user:thief", "user:other"] * 20))

    assert not told(found, COORDINATED)


def test_a_flood_of_new_principals_does_not_flush_a_suspect_and_falls_back_to_the_network():
    monitor = Monitor(("extraction/account", "extraction/coordinated"))
    monitor.see(rows(50, 2000), crowd(2000, 50))
    monitor.see(box(1, 2), "user:thief")  # not told yet
    account = monitor.detectors["extraction/account"]
    assert isinstance(account, Account)
    table = account._accounts.table  # pyright: ignore[reportPrivateUsage]
    flood = rows(92, 4096)

    networks = [(f"prefix:net{i % 50}",) for i in range(4096)]
    for at in range(0, 300_000, 4096):
        monitor.see(flood, [f"bot:{at + i}" for i in range(4096)], size=4096, step=1e-3, sources=networks)

    assert table.flooded
    assert table.known(["user:thief", "prefix:net0", "prefix:net49"]).all()
    assert table.evicted > 10_000
    [finding, *_] = told(monitor.see(*among(box(2, 20), "user:thief")), ACCOUNT)
    assert finding.principal == "user:thief"
    x, who = among(box(3, 60), [f"bot:new{i}" for i in range(60)])
    sources = [("prefix:net0" if name.startswith("bot") else f"prefix:{name}",) for name in who]
    assert "prefix:net0" in {finding.principal for finding in told(monitor.see(x, who, sources=sources), ACCOUNT)}


def test_all_detectors_of_attacks_together_fit_64_mebibytes_with_a_hundred_thousand_principals():
    monitor = Monitor([row for row in TABLE if not row.startswith("drift/")])
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
