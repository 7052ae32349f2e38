"""One attack is one finding with a life."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from otel_mlsec.detectors.drift.effect import severity
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Model
from otel_mlsec.pipeline.case import AGAIN, MOST
from otel_mlsec.pipeline.life import LASTS, LOOK, Life
from otel_mlsec.pipeline.rate import BURST, EVERY, PERIOD, QUIET
from otel_mlsec.suppression import Suppression

CALL = object()


def finding(kind: str = "llm.jailbreak", severity: Severity = Severity.MEDIUM, who: str = "app:1", **fields: Any) -> Finding:
    return Finding(**{
        "kind": kind, "detector": kind.replace(".", "/", 1), "title": "", "summary": "", "severity": severity, "score": 3.0,
        "threshold": 2.0, "model": Model(name="m"), "time": 1000.0, "first_seen": 1000.0, "principal": who, **fields,
    })  # fmt: skip


@dataclass
class World:
    """A life with a clock that is set by hand, and all that it has let out or not."""

    suppress: tuple[Suppression, ...] = ()
    now: float = 0.0
    wall: float = 1.7e9
    told: list[Finding] = field(default_factory=list)
    withheld: Counter[str] = field(default_factory=Counter)
    forgotten: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.life = Life(
            self.suppress, withheld=lambda _, why: self.withheld.update([why]), forgotten=self.forgotten.append,
            now=lambda: self.now, wall=lambda: self.wall,
        )  # fmt: skip

    def says(self, said: Finding, times: int = 1, *, every: float = 0.0, lasts: float = LASTS) -> list[Finding]:
        """What was told of it."""
        before = len(self.told)
        for _ in range(times):
            self.told += self.life.admitted(said, CALL, lasts=lasts)
            self.now += every
        return self.told[before:]

    def waits(self, seconds: float) -> list[Finding]:
        self.now += seconds
        due = [each for each, call in self.life.due() if call is CALL]
        self.told += due
        return due


def brief(told: list[Finding]) -> list[tuple[str, str, int]]:
    return [(each.status.value, each.severity.name, each.count) for each in told]


def test_it_is_told_at_once_at_ten_a_hundred_and_a_thousand_and_when_it_is_over():
    world = World()

    world.says(finding(severity=Severity.HIGH), 1500)
    world.waits(LASTS)

    assert brief(world.told) == [
        ("new", "HIGH", 1), ("ongoing", "HIGH", 10), ("ongoing", "HIGH", 100), ("ongoing", "HIGH", 1000),
        ("resolved", "HIGH", 1500),
    ]  # fmt: skip
    assert len({each.dedup_key for each in world.told}) == 1
    assert world.withheld == {"repetition": 1496}


def test_what_goes_on_is_told_every_ten_minutes_with_its_count_also_when_it_has_stopped():
    world = World()
    world.says(finding(), 5)

    assert world.waits(AGAIN - LOOK) == []
    assert brief(world.waits(LOOK)) == [("ongoing", "MEDIUM", 5)]
    assert world.waits(AGAIN) == []
    assert brief(world.waits(LASTS)) == [("resolved", "MEDIUM", 5)]
    assert world.waits(LASTS) == []


def test_what_was_said_again_later_is_told_again_as_new():
    world = World()
    world.says(finding())
    world.waits(LASTS)

    assert brief(world.says(finding())) == [("new", "MEDIUM", 1)]


def test_when_nobody_looked_in_between_the_end_is_told_before_the_next_beginning():
    world = World()
    world.says(finding())
    world.now += LASTS

    assert brief(world.says(finding())) == [("resolved", "MEDIUM", 1), ("new", "MEDIUM", 1)]


def test_an_end_that_its_detector_says_is_told_once_and_only_of_what_was_told():
    world = World()
    drift = finding("drift.data", who="", subject=("temp",))
    gone = replace(drift, status=Status.RESOLVED)

    assert world.says(gone) == []
    assert brief(world.says(drift, lasts=float("inf"))) == [("new", "MEDIUM", 1)]
    assert world.waits(100 * LASTS) == []
    assert brief(world.says(gone)) == [("resolved", "MEDIUM", 1)]
    assert world.says(gone) == []


def test_rows_that_a_detector_counts_are_the_count_and_are_told_tenfold():
    world = World()

    counts = (3, 5, 9, 12, 40, 99, 150)
    told = [world.says(finding("anomaly.input", count=rows, subject=("a",)), lasts=float("inf")) for rows in counts]

    assert [each.count for each in world.told] == [3, 12, 150]
    assert [bool(each) for each in told] == [True, False, False, True, False, False, True]


def test_what_gets_worse_is_told_at_once_and_stays_as_bad_as_it_was():
    world = World()
    world.says(finding())

    assert brief(world.says(finding(severity=Severity.CRITICAL))) == [("ongoing", "CRITICAL", 2)]
    assert world.says(finding()) == []
    assert brief(world.says(finding(), 7)) == [("ongoing", "CRITICAL", 10)]


def test_repetition_makes_it_worse_up_to_high_and_the_evidence_says_so():
    world = World()

    told = world.says(finding(severity=Severity.LOW), 100_000)

    assert brief(told)[:3] == [("new", "LOW", 1), ("ongoing", "MEDIUM", 10), ("ongoing", "HIGH", 100)]
    assert told[1].evidence == {"escalated_from": "LOW", "escalation": "10 times"}
    assert {each.severity for each in told[2:]} == {Severity.HIGH}


def test_a_drift_that_flickers_gets_no_worse():
    world = World()

    world.says(finding("drift.data", Severity.LOW, who="", subject=("temp",)), 1000)

    assert {each.severity for each in world.told} == {Severity.LOW}


def test_the_third_kind_of_attack_of_one_principal_is_a_step_worse_and_of_three_it_is_not():
    world = World()
    kinds = ("evasion.sequence", "extraction.account", "extraction.volume")

    together = [world.says(finding(kind, Severity.LOW))[0] for kind in kinds]
    apart = [world.says(finding(kind, Severity.LOW, who=f"app:1{number}"))[0] for number, kind in enumerate(kinds)]

    assert [each.severity.name for each in together] == ["LOW", "LOW", "MEDIUM"]
    assert together[2].evidence == {"escalated_from": "LOW", "escalation": "3 kinds of attack at once"}
    assert {each.severity for each in apart} == {Severity.LOW}


def test_kinds_of_attack_that_are_over_make_nothing_worse():
    world = World()
    for kind in ("llm.jailbreak", "llm.cost"):
        world.says(finding(kind, Severity.LOW))
    world.waits(LASTS)

    assert world.says(finding("llm.exfiltration", Severity.LOW))[0].severity is Severity.LOW


def test_somebody_else_another_kind_another_subject_and_another_conversation_are_other_attacks():
    world = World()
    others = [finding(), finding(who="app:2"), finding("llm.cost"), finding(subject=("aws key",))]
    nobodys = [finding(who="", whose="conversation 1"), finding(who="", whose="conversation 2")]

    told = [each for said in (*others, *nobodys) for each in world.says(said)]

    assert {each.status for each in told} == {Status.NEW}
    assert len({each.dedup_key for each in told}) == len(others) + len(nobodys)


def test_of_a_flood_so_many_are_told_and_one_low_finding_says_how_many_more_there_were():
    world = World()
    for number in range(1000):
        world.says(finding(who=f"address:{number}"))

    [first] = world.waits(LOOK)
    for number in range(1000, 1500):
        world.says(finding(who=f"address:{number}"))
    quiet = world.waits(PERIOD - LOOK)
    [second] = world.waits(LOOK)

    assert len([each for each in world.told if each.kind == "llm.jailbreak"]) == BURST
    assert world.withheld == {"rate": 1500 - BURST}
    assert quiet == []
    assert (first.kind, first.status, first.severity, first.count) == ("gate.overflow", Status.NEW, Severity.LOW, 1000 - BURST)
    assert (second.status, second.count, second.dedup_key) == (Status.ONGOING, 1500 - BURST, first.dedup_key)
    assert second.evidence == {"kind": "llm.jailbreak", "withheld": 1500 - BURST, "worst": "MEDIUM", "at_once": BURST}
    over = world.waits(QUIET)
    assert [(each.kind, each.status) for each in over if each.kind == "gate.overflow"] == [("gate.overflow", Status.RESOLVED)]


def test_what_was_too_much_is_told_before_the_process_ends():
    world = World()
    for number in range(BURST + 1):
        world.says(finding(who=f"address:{number}"))

    [(told, call)] = world.life.due(last=True)

    assert (told.kind, told.count, call) == ("gate.overflow", 1, CALL)
    assert world.life.due(last=True) == []


def test_a_flood_of_mild_findings_costs_no_severe_one_its_place_and_no_flood_a_critical_one():
    world = World()
    for number in range(BURST + 1):
        world.says(finding(who=f"address:{number}"))

    assert brief(world.says(finding(severity=Severity.HIGH, who="app:2"))) == [("new", "HIGH", 1)]
    criticals = [world.says(finding(severity=Severity.CRITICAL, who=f"app:c{number}")) for number in range(10 * BURST)]
    assert all(len(each) == 1 for each in criticals)


def test_a_name_of_a_model_for_every_call_does_not_get_around_the_limit():
    world = World()

    for number in range(20_000):
        world.says(finding(who=f"app:{number}", model=Model(name=f"m{number}")))

    assert len(world.told) < 1100
    assert world.withheld["rate"] == 20_000 - len(world.told)


def test_what_was_withheld_is_told_when_it_comes_again_and_there_is_room():
    world = World()
    for number in range(BURST):
        world.says(finding(who=f"address:{number}"))
    assert world.says(finding(who="late")) == []
    world.waits(EVERY)

    assert brief(world.says(finding(who="late"))) == [("new", "MEDIUM", 2)]


def test_the_end_of_what_was_never_told_is_not_told():
    world = World()
    for number in range(BURST + 1):
        world.says(finding(who=f"address:{number}"))

    told = world.waits(LASTS)

    assert len([each for each in told if each.status is Status.RESOLVED and each.kind == "llm.jailbreak"]) == BURST


def test_a_flood_of_principals_leaves_no_more_than_there_is_room_for_and_forgets_the_mildest():
    world = World()
    world.says(finding(severity=Severity.CRITICAL, who="app:c"))
    world.says(finding(severity=Severity.HIGH, who="app:h"))

    for number in range(100_000):
        world.says(finding(severity=Severity.LOW, who=f"address:{number}"))

    assert len(world.told) == 2 + BURST
    assert len(world.forgotten) == 100_002 - MOST
    assert {each.severity for each in world.forgotten} == {Severity.LOW}
    assert world.says(finding(severity=Severity.CRITICAL, who="app:c")) == []  # it is known
    assert len(world.life._cases) == MOST
    assert len(world.life._cases._kinds) == MOST


def test_a_critical_case_for_which_there_is_no_room_is_told_with_its_count_before_it_is_forgotten():
    world = World()
    critical = finding(severity=Severity.CRITICAL, who="app:c")
    world.says(critical, 7)
    for number in range(MOST):
        world.says(finding(severity=Severity.CRITICAL, who=f"address:{number}"))

    assert brief(world.waits(LOOK)) == [("ongoing", "CRITICAL", 7)]
    assert world.forgotten[0].principal == "app:c"


def test_a_clock_that_is_set_forth_and_back_ends_repeats_and_silences_nothing():
    world = World()
    world.says(finding(), 3)

    for jump in (1e9, -2e9, 1e9):
        world.wall += jump
        assert world.waits(LOOK) == []
        assert world.says(finding(time=1000.0 + jump)) == []

    assert brief(world.waits(AGAIN)) == [("ongoing", "MEDIUM", 6)]
    assert brief(world.waits(LASTS)) == [("resolved", "MEDIUM", 6)]


def test_what_is_suppressed_is_counted_until_its_day_is_over():
    nightly = Suppression(kind="llm.*", principal="app:batch", reason="red team", until="2023-11-14")
    world = World(suppress=(nightly,), wall=nightly.ends - 1)

    suppressed = world.says(finding(who="app:batch"), 5)
    others = world.says(finding(who="app:1"))
    world.wall += 1
    again = world.says(finding(who="app:batch"))

    assert suppressed == []
    assert world.withheld == {"suppressed": 5}
    assert len(others) == 1
    assert brief(again) == [("new", "MEDIUM", 1)]


def drift(distance: float, *columns: str) -> Finding:
    return finding(
        "drift.data", severity(distance - 0.02), who="", subject=columns,
        evidence={"features": columns, "js_distance": distance, "js_distance_low": distance - 0.02},
    )  # fmt: skip


def test_a_drift_that_has_become_twice_as_large_is_told_again_and_is_as_bad_as_it_is_large():
    world = World()
    world.says(drift(0.12, "temp", "wind"), lasts=float("inf"))
    model = Model(name="m")

    def now(size: float, detector: str = "drift/data") -> list[Finding]:
        return [each for each, _ in world.life.measured([(model, detector, "wind", size), (model, detector, "x", 1.0)], severity)]

    assert now(0.23) == []
    assert now(0.9, "drift/prediction") == []
    [worse] = now(0.26)
    assert (worse.status, worse.severity, worse.summary) == (Status.ONGOING, Severity.HIGH, "worse: wind JS 0.12 -> 0.26")
    assert worse.evidence["js_distance_told"] == 0.12
    assert now(0.5) == []
    [worst] = now(0.6)
    assert worst.severity is Severity.CRITICAL
    assert {worse.dedup_key, worst.dedup_key} == {drift(0.12, "temp", "wind").dedup_key}
