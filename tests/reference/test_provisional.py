"""A reference learned from live rows: from many if there are many, and it says from how many."""

from __future__ import annotations

import numpy as np
import pytest

from otel_mlsec.arrays import Floats
from otel_mlsec.observation import Batch, Meaning, Model
from otel_mlsec.reference.provisional import MAX_BYTES, PATIENCE, ROWS, Provisional
from otel_mlsec.reference.reference import Reference


def batch(
    n: int, who: str = "", *, seed: int = 0, d: int = 3, meaning: Meaning = Meaning.LABEL, outputs: Floats | None = None,
    features: tuple[str, ...] = (), value: float | None = None,
) -> Batch:  # fmt: skip
    x = np.random.default_rng((5, seed)).standard_normal((n, d))
    return Batch(
        model=Model(name="m"), meaning=meaning, features=features, inputs=x if value is None else np.full((n, d), value),
        outputs=outputs, times=np.full(n, 7.0), calls=np.zeros(n, np.int64), principals=(who,),
    )  # fmt: skip


def learn(*batches: Batch) -> Reference | None:
    """What the last batch completes; none before may."""
    learning = Provisional()
    results = [learning.learn(each) for each in batches]
    assert results[:-1] == [None] * (len(results) - 1)
    return results[-1]


def test_two_thousand_rows_make_one():
    reference = learn(*(batch(100, seed=i) for i in range(20)))

    assert reference is not None
    assert (reference.n_rows, reference.provisional, reference.created) == (ROWS, True, 7.0)
    assert reference.model == Model(name="m")
    assert [c.name for c in reference.inputs] == ["x0", "x1", "x2"]


def test_one_principal_gives_at_most_half():
    first = [batch(500, "first", seed=i, value=9.0) for i in range(5)]
    others = [batch(250, f"p{i}", seed=i) for i in range(4)]

    reference = learn(*first, *others)

    assert reference is not None
    assert (reference.n_rows, reference.principals, reference.largest_share) == (ROWS, 5, 0.5)
    assert reference.inputs[0].mean == pytest.approx(4.5, abs=0.1)


@pytest.mark.parametrize("d", [512, 4000])
def test_one_principal_gives_at_most_half_of_a_wide_table_too(d: int):
    wanted = MAX_BYTES // (8 * 512)
    first = [batch(512, "first", d=d) for _ in range(2)]

    reference = learn(*first, *(batch(wanted // 4, f"p{i}", d=d) for i in range(2)))

    assert reference is not None
    assert (reference.n_rows, reference.largest_share) == (wanted, 0.5)
    assert len(reference.inputs) == 512


def test_where_there_is_only_one_it_gives_all_after_a_while_and_the_reference_says_so():
    offered = [batch(1000, "only", seed=i) for i in range(PATIENCE * 2)]

    reference = learn(*offered)

    assert reference is not None
    assert (reference.principals, reference.largest_share) == (1, 1.0)


def test_rows_of_nobody_are_of_anybody():
    reference = learn(batch(ROWS))

    assert reference is not None
    assert reference.largest_share == 1.0


def test_a_large_batch_gives_no_more_than_is_wanted():
    reference = learn(batch(50_000))

    assert reference is not None
    assert (reference.n_rows, int(reference.inputs[0].counts.sum())) == (ROWS, ROWS)


def test_what_is_kept_is_a_copy():
    learning = Provisional()
    given = batch(1000, seed=1)
    learning.learn(given)
    assert given.inputs is not None
    given.inputs[:] = 1e9

    reference = learning.learn(batch(1000, seed=2))

    assert reference is not None
    assert reference.inputs[0].high < 10


def test_labels_and_margins_of_one_shape_are_not_one_column():
    rng = np.random.default_rng(1)
    parts = [
        batch(
            100,
            seed=i,
            meaning=meaning,
            outputs=rng.standard_normal((100, 1)) if meaning is Meaning.MARGIN else np.ones((100, 1)),
        )
        for i in range(10)
        for meaning in (Meaning.LABEL, Meaning.MARGIN)
    ]

    reference = learn(*parts)

    assert reference is not None
    assert [(c.name, int(c.counts.sum()) > 400) for c in reference.outputs] == [("label", True), ("margin", True)]
    assert reference.outputs[1].sd == pytest.approx(1.0, abs=0.1)


def test_too_few_answers_are_none():
    reference = learn(batch(500, outputs=np.ones((500, 1))), batch(1500))

    assert reference is not None
    assert reference.outputs == ()


def test_one_trial_call_with_other_columns_does_not_keep_the_traffic_out():
    names = ("a", "b", "c")

    reference = learn(batch(50), *(batch(100, seed=i, features=names) for i in range(20)))

    assert reference is not None
    assert [c.name for c in reference.inputs] == list(names)


def test_a_few_calls_with_other_columns_are_left_out():
    names = ("a", "b", "c")

    reference = learn(batch(1000, features=names), batch(900), batch(1000, features=names))

    assert reference is not None
    assert reference.n_rows == ROWS


def test_calls_without_rows_teach_nothing():
    learning = Provisional()

    assert learning.learn(batch(0)) is None
    assert learning.learn(batch(5, d=0)) is None
    assert learning.learn(batch(ROWS)) is not None
