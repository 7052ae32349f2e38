"""A ledger finds what a list would find, and keeps what it was told."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_mlsec.pipeline.ledger import Ledger

RECORD = np.dtype([("key", "<u8"), ("also", "<u8"), ("n", "<i8")])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.lists(st.integers(0, 6), max_size=9)),
        st.tuples(st.just("forget"), st.just([])),
        st.tuples(st.just("change"), st.lists(st.integers(0, 6), max_size=4)),
    ),
    max_size=25,
)


def records(keys: list[int], first: int) -> np.ndarray:
    made = np.zeros(len(keys), RECORD)
    made["key"], made["also"], made["n"] = keys, np.array(keys, np.uint64) + 100, np.arange(first, first + len(keys))
    return made


@settings(max_examples=200, deadline=None)
@given(steps=STEPS)
def test_the_latest_record_with_a_key_is_found_until_it_is_forgotten(steps):
    ledger = Ledger(RECORD, keys=("key", "also"), segment=4)
    kept: list[list[int]] = []  # key, value; as many as were ever appended, None once forgotten
    start = 0
    for now, (what, keys) in enumerate(steps):
        if what == "append":
            ledger.append(records(keys, len(kept)), float(now))
            kept += [[key, len(kept) + i] for i, key in enumerate(keys)]
        elif what == "forget" and len(ledger):
            gone = ledger.forget()
            assert gone["n"].tolist() == [value for _, value in kept[start : start + len(gone)]]
            start += len(gone)
        elif what == "change":
            numbers = ledger.find(np.array(keys, np.uint64))
            ledger.put(numbers[numbers >= 0], "n", 1000 + now)
            for key in set(keys) & {key for key, _ in kept[start:]}:
                kept[max(i for i in range(start, len(kept)) if kept[i][0] == key)][1] = 1000 + now
        wanted = np.arange(8, dtype=np.uint64)
        found, also = ledger.find(wanted), ledger.find(wanted + np.uint64(100), "also")
        assert found.tolist() == also.tolist()
        values = {key: value for key, value in kept[start:]}
        assert [int(key) for key in wanted if key in values] == np.flatnonzero(found >= 0).tolist()
        assert ledger.get(found[found >= 0])["n"].tolist() == [values[int(key)] for key in wanted[found >= 0]]
        assert len(ledger) == len(kept) - start
