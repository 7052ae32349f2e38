"""Hours and days of tenants who each have their own habits, and what stands out of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from tests.detectors import streams
from tests.detectors.streams import batch

from otel_mlsec.arrays import Ints
from otel_mlsec.config import ModelSettings
from otel_mlsec.detectors.extraction.habits import RATIO
from otel_mlsec.detectors.extraction.volume import Volume
from otel_mlsec.finding import Finding, Severity, Status

REFERENCE = streams.reference()
HOUR = 3600.0
START = 400_000 * HOUR  # s since the epoch
TENANTS = 100
NIGHTLY, HEAVY, QUIET = 0, 1, 50  # a job of every night, one who always asks much, one who does not

Plan = Callable[[int, Ints], None]  # hour, rows of each tenant in it, to be changed


def volume(**settings: float) -> Volume:
    return Volume.build(REFERENCE, ModelSettings(**settings))


def hours(n: int, plan: Plan = lambda _hour, _rows: None, *, first: int = 0, seed: int = 1) -> Iterator[Ints]:
    """Rows of each tenant, hour by hour: rates that differ a hundredfold, tenants who are there at times."""
    rng = np.random.default_rng((seed, first))
    rates = np.exp(np.random.default_rng(seed).normal(1.0, 1.0, TENANTS))
    for hour in range(first, first + n):
        rows = rng.poisson(rates * rng.gamma(3.0, 1 / 3, TENANTS)) * (rng.random(TENANTS) < 0.6)
        rows[QUIET] = rng.poisson(4)
        rows[HEAVY] = rng.poisson(1000)
        if hour % 24 == 2:
            rows[NIGHTLY] = rng.poisson(1500)
        plan(hour, rows)
        yield rows


def serve(detector: Volume, traffic: Iterator[Ints], *, first: int = 0, size: int = 512) -> list[Finding]:
    """All findings; rows of an hour in random order, each a call."""
    found: list[Finding] = []
    for hour, rows in enumerate(traffic, first):
        rng = np.random.default_rng((7, abs(hour)))
        who = rng.permutation(np.repeat(np.arange(len(rows)), rows))
        times = START + (hour + np.sort(rng.random(len(who)))) * HOUR
        for at in range(0, len(who), size):
            names = tuple(f"app:{tenant:012d}" for tenant in who[at : at + size].tolist())
            part = times[at : at + size]
            found += detector.update(
                batch(np.zeros((len(part), 6)), part, principals=names, calls=np.arange(len(part)))
            )  # fmt: skip
    return found


def rush(rows: int, start: int, length: int = 1, tenant: int = QUIET) -> Plan:
    def plan(hour: int, of: Ints) -> None:
        if start <= hour < start + length:
            of[tenant] += rows

    return plan


def test_a_principal_who_asks_a_thousandfold_is_told_once_with_its_numbers():
    detector = volume()
    found = serve(detector, hours(24 * 6, rush(5000, 100)))

    told = [finding for finding in found if finding.status is not Status.RESOLVED]
    [finding] = told
    assert finding.principal == f"app:{QUIET:012d}"
    assert (finding.kind, finding.detector) == ("extraction.volume", "extraction/volume")
    assert finding.severity in (Severity.MEDIUM, Severity.HIGH)
    assert START + 100 * HOUR <= finding.first_seen <= finding.time < START + 101 * HOUR
    assert finding.evidence["most_before"] < 20
    assert finding.evidence["rows"] == finding.count
    assert finding.evidence["ratio"] >= RATIO
    assert finding.evidence["peers"] >= 90
    assert "cannot be told from a batch job" in finding.summary
    assert [f.status for f in found] == [Status.NEW, Status.RESOLVED]


def test_habits_are_never_told_a_heavy_tenant_and_a_job_of_every_night_among_them():
    assert serve(volume(), hours(24 * 10)) == []


def test_a_new_job_of_every_night_is_told_once():
    def job(hour: int, rows: Ints) -> None:
        if hour >= 24 * 5 and hour % 24 == 4:
            rows[QUIET] += 4000

    found = serve(volume(), hours(24 * 10, job))

    assert [finding.status for finding in found if finding.status is not Status.RESOLVED] == [Status.NEW]


def test_the_same_rush_every_hour_of_a_day_is_one_finding():
    found = serve(volume(), hours(24 * 6, rush(3000, 90, length=24)))

    assert [finding.status for finding in found].count(Status.NEW) == 1
    assert {finding.principal for finding in found} == {f"app:{QUIET:012d}"}


def test_what_gets_ten_times_worse_is_told_again():
    def worse(hour: int, rows: Ints) -> None:
        rows[QUIET] += {100: 3000, 101: 60_000}.get(hour, 0)

    found = serve(volume(), hours(24 * 5, worse))

    assert [finding.status for finding in found[:2]] == [Status.NEW, Status.ONGOING]
    assert found[1].count >= 10 * found[0].count


def test_a_surge_that_all_share_is_nobodys():
    def surge(hour: int, rows: Ints) -> None:
        if hour >= 24 * 5:
            rows *= 20

    assert serve(volume(), hours(24 * 5 + 4, surge)) == []


def test_without_twenty_others_nothing_is_told():
    def few(hour: int, rows: Ints) -> None:
        rows[19:QUIET] = rows[QUIET + 1 :] = 0
        rush(5000, 100)(hour, rows)

    assert serve(volume(), hours(24 * 5, few)) == []


def test_rows_that_no_part_of_the_call_was_kept_of_count_too():
    detector = volume()
    serve(detector, hours(24 * 5))
    asked = batch(np.zeros((200, 6)), np.full(200, START + 120.5 * HOUR), principals=(f"app:{QUIET:012d}",))
    thinned = type(asked)(**{name: getattr(asked, name) for name in asked.__slots__ if name != "n_asked"}, n_asked=(200_000,))

    [finding] = detector.update(thinned)

    assert finding.count >= 200_000
    assert volume().update(asked) == []


@pytest.mark.parametrize("back", [1, 2, 30, 24 * 400])
def test_a_clock_that_jumps_back_tells_nothing(back: int):
    detector = volume()
    found = serve(detector, hours(24 * 6))
    found += serve(detector, hours(24, first=24 * 6), first=24 * 6 - back)
    found += serve(detector, hours(24, first=24 * 7), first=24 * 7)

    assert found == []


def test_one_row_of_the_far_future_does_not_make_the_rest_one_endless_window():
    detector = volume()
    serve(detector, hours(24 * 5))
    for who in (QUIET, HEAVY):
        detector.update(batch(np.zeros((1, 6)), np.array([1e300]), principals=(f"app:{who:012d}",)))
    detector.update(batch(np.zeros((1, 6)), np.array([np.nan]), principals=(f"app:{QUIET:012d}",)))

    assert serve(detector, hours(24 * 3, first=24 * 5), first=24 * 5) == []


def test_a_snapshot_goes_on_as_if_nothing_had_been():
    detector, restored = volume(), volume()
    serve(detector, hours(24 * 4 + 5, rush(4000, 100)))
    restored.restore(detector.snapshot())

    then = [serve(each, hours(40, rush(60_000, 110), first=101), first=101) for each in (detector, restored)]

    assert then[0] == then[1]
    assert then[0]


def test_a_flood_of_names_does_not_flush_what_is_known_of_a_busy_one():
    detector = volume()
    serve(detector, hours(24 * 2))
    for i in range(200):
        names = tuple(f"new.{i}.{j}" for j in range(1000))
        detector.update(batch(np.zeros((1000, 6)), np.full(1000, START + 48 * HOUR), principals=names, calls=np.arange(1000)))

    assert detector.evicted > 50_000
    assert serve(detector, hours(24, first=48), first=48) == []
    assert sum(part.nbytes for part in detector.snapshot().values()) < 12 << 20


def test_nobody_is_no_principal():
    detector = volume()
    serve(detector, hours(24 * 5))

    assert detector.update(batch(np.zeros((5000, 6)), np.full(5000, START + 120 * HOUR), principals=("",))) == []
