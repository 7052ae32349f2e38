"""The sample that waits is uniform, bounded, and says of how many each item is one."""

import random
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from otel_mlsec.pipeline.sampled import SampledInbox


@dataclass(eq=False)
class Item:
    number: int
    lot: float
    n_bytes: int = 1
    one_in: int = 1


def inbox(items: int = 16, n_bytes: int = 1 << 20) -> tuple[SampledInbox[Item], list[Item]]:
    refused: list[Item] = []
    return SampledInbox(items=items, n_bytes=n_bytes, refused=refused.append), refused


def test_what_fits_is_all_kept_in_order():
    box, refused = inbox()

    assert all(box.put(Item(number, 0.99)) for number in range(16))
    assert [box.take(256)[0].number for _ in range(16)] == list(range(16))
    assert refused == []


def test_of_a_flood_every_item_has_the_same_chance_whenever_it_came():
    kept = [0] * 10
    for seed in range(200):
        lots = random.Random(seed)
        box, _ = inbox()
        for number in range(1000):
            box.put(Item(number, lots.random()))
        while taken := box.take(1):
            kept[taken[0].number // 100] += 1

    assert min(kept) > 0.75 * sum(kept) / 10
    assert max(kept) < 1.25 * sum(kept) / 10


def test_kept_items_stand_for_all_that_came():
    lots = random.Random(1)
    estimates = []
    for _ in range(100):
        box, _ = inbox(items=64)
        for number in range(5000):
            box.put(Item(number, lots.random()))
        estimates.append(sum(each.one_in for each in (box.take(1)[0] for _ in range(len(box)))))

    assert 4700 < sum(estimates) / 100 < 5300


def test_once_the_flood_is_over_everything_is_kept_again():
    box, _ = inbox()
    lots = random.Random(2)
    for number in range(1000):
        box.put(Item(number, lots.random()))
    while box.take(1):
        pass

    for number in range(8):  # each item that finds it empty halves the rate
        box.put(Item(number, 0.0))
        box.take(1)

    assert box.put(Item(9, 0.999))
    assert box.take(1)[0].one_in == 1


@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 60), st.booleans()), max_size=200))
def test_bounds_hold_and_nothing_is_lost_uncounted(steps):
    box, refused = inbox(items=8, n_bytes=100)
    taken = kept = 0
    for number, (lot, n_bytes, take) in enumerate(steps):
        kept += box.put(Item(number, lot, n_bytes))
        taken += len(box.take(256)) if take else 0

        assert len(box) <= 8
        assert len(box) + taken + len(refused) == kept
        assert box.accepted == taken + len(box)
    assert sum(box.dropped.values()) == len(steps) - taken - len(box)
