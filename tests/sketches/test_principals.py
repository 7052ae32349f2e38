"""A table of principals that does not grow, and that nobody can flush himself out of."""

from __future__ import annotations

import tracemalloc

import numpy as np

from otel_mlsec.sketches.principals import SETS, WAYS, Principals, key_of

ROOMY, SMALL = SETS, 16  # sets


def table(sets: int = SMALL) -> Principals:
    return Principals({"rows": "i4", "who": "S24", "m": ("f4", 3), "counters": "f4", "keys": "u2"}, sets=sets)


def names(n: int, prefix: str = "u") -> list[str]:
    return [f"{prefix}{i}" for i in range(n)]


def test_a_name_keeps_its_place_and_what_was_written_there():
    principals = table(ROOMY)
    slots = principals.slots_of(names(5000))
    principals["rows"][slots] = np.arange(5000)
    principals.slots_of(names(5000, "others"))

    again = principals.slots_of(names(5000)[::-1])

    np.testing.assert_array_equal(principals["rows"][again], np.arange(5000)[::-1])
    assert len(np.unique(again)) == 5000
    assert len(principals) == 10_000
    assert principals.evicted == 0


def test_a_name_that_comes_twice_in_one_look_up_has_one_place():
    a, b, again = table().slots_of(["ann", "bob", "ann"]).tolist()

    assert a == again != b


def test_nothing_asked_is_nothing_told():
    principals = table()

    assert principals.slots_of([]).tolist() == []
    assert principals.known([]).tolist() == []


def test_whoever_is_new_starts_from_zero_in_a_place_that_was_another_s():
    principals = table(sets=1)
    slots = principals.slots_of(names(WAYS))
    principals["rows"][slots], principals["who"][slots], principals["m"][slots], principals.evidence[slots] = 7, b"x", 1.0, 0.5

    [slot] = principals.slots_of(["new"]).tolist()

    assert (principals["rows"][slot], principals["who"][slot], principals.evidence[slot]) == (0, b"", 0.0)
    assert not principals["m"][slot].any()
    assert principals.evicted == 1


def test_asking_whether_somebody_is_known_changes_nothing():
    principals = table()
    principals.slots_of(["ann"])
    before = principals.snapshot()

    assert principals.known(["ann", "bob"]).tolist() == [True, False]

    for name, part in principals.snapshot().items():
        np.testing.assert_array_equal(part, before[name])


def test_the_one_without_evidence_goes_first_and_of_those_the_one_that_was_silent_longest():
    principals = table(sets=1)
    crowd = names(WAYS)
    for name in crowd:
        principals.slots_of([name])
    principals.evidence[principals.slots_of(crowd[:1])] = 5.0  # the oldest, but a suspect
    principals.slots_of(crowd[2:])  # so that the second is silent the longest

    principals.slots_of(["new"])

    assert principals.known(crowd).tolist() == [True, False] + [True] * (WAYS - 2)


def test_a_flood_of_new_names_does_not_flush_a_suspect():
    principals = table(ROOMY)
    suspects = names(2000, "suspect")
    slots = principals.slots_of(suspects)
    principals.evidence[slots], principals["rows"][slots] = 3.0, 42

    for at in range(0, 300_000, 2000):
        principals.slots_of([f"flood{i}" for i in range(at, at + 2000)])

    assert principals.known(suspects).all()
    assert (principals["rows"][principals.slots_of(suspects)] == 42).all()
    assert principals.evicted > 150_000
    assert principals.flooded


def test_those_with_the_most_evidence_stay_when_all_are_suspects():
    principals = table(sets=1)
    for i, name in enumerate(names(100)):
        principals.evidence[principals.slots_of([name])] = 1.0 + i

    assert principals.known(names(100)).tolist() == [False] * (100 - WAYS) + [True] * WAYS


def test_it_is_flooded_while_most_are_pushed_out_and_recovers():
    principals = table(ROOMY)
    principals.slots_of(names(100_000))
    assert not principals.flooded

    for at in range(0, 100_000, 5000):
        principals.slots_of(names(at + 5000, "flood")[at:])
    assert principals.flooded

    regulars = names(2000, "regular")
    for _ in range(10):
        principals.slots_of(regulars)
    assert not principals.flooded


def test_a_hundred_thousand_principals_are_told_apart():
    principals, everybody = table(ROOMY), names(100_000)
    for at in range(0, 100_000, 1000):
        slots = principals.slots_of(everybody[at : at + 1000])
        assert len(np.unique(slots)) == 1000

    assert principals.known(everybody).mean() > 0.97


def test_restored_it_goes_on_as_if_nothing_had_been():
    principals, restored = table(), table()
    slots = principals.slots_of(names(200))
    principals.evidence[slots] = principals["counters"][slots] = principals["keys"][slots] = principals["rows"][slots] = (
        np.arange(200)
    )
    state = principals.snapshot()
    restored.restore(state)
    for part in state.values():
        part[...] = np.zeros(1, part.dtype)[0]

    for each in (principals, restored):
        each.slots_of(names(300, "more"))

    left, right = principals.snapshot(), restored.snapshot()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)
    assert restored.evicted == principals.evicted > 0


def test_names_of_any_kind_are_told_apart():
    odd = ["", "\x00", "\x00\x00", "\ud800", "\udfff", "é", "\x1b[31m", "a" * 10_000_000, "a" * 9_999_999 + "b", "🙂" * 1000]
    slots = table(ROOMY).slots_of(odd)

    assert len(set(slots.tolist())) == len(odd)
    assert all(0 < key_of(name) < 1 << 64 for name in odd)


def test_long_names_are_not_kept():
    principals = table()
    tracemalloc.start()
    for i in range(100):
        principals.slots_of([f"{i}" + "x" * 1_000_000])
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept < 5_000_000
