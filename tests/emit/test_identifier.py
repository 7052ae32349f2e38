"""Ids of findings."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from otel_mlsec.emit.identifier import uuid7


def test_the_example_of_rfc_9562():
    """Appendix A.6: rand_a CC3, rand_b 18C4DC0C0C07398F."""
    chance = (0xCC3 << 62 | 0x18C4DC0C0C07398F).to_bytes(10, "big")

    assert uuid7(0x017F22E279B0 * 1_000_000, lambda n: chance[:n]) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@given(st.integers(0, 2**63 - 1), st.binary(min_size=10, max_size=10))
def test_every_id_is_a_uuid_of_version_7(now, chance):
    made = uuid.UUID(uuid7(now, lambda n: chance[:n]))

    assert made.variant == uuid.RFC_4122
    assert made.version == 7
    assert made.int >> 80 == now // 1_000_000


def test_ids_sort_by_time_and_do_not_repeat():
    ids = [uuid7(ms * 1_000_000) for ms in range(1_700_000_000_000, 1_700_000_001_000)]

    assert sorted(ids) == ids
    assert len({uuid7(0) for _ in range(1000)}) == 1000
