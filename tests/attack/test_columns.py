"""Tables become numbers and come back as they were."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from otel_mlsec.attack.columns import Columns

FRAME = pd.DataFrame(
    {
        "age": np.arange(40) + 18,
        "score": np.linspace(-1, 1, 40),
        "job": ["clerk", "nurse", None, "smith"] * 10,
        "kind": pd.Categorical(["x", "y"] * 20, categories=["z", "y", "x"]),
        "owner": [True, False] * 20,
        "visits": pd.array([1, 2, None, 4] * 10, dtype="Int64"),
    }
)
NEVER = "no such text"


def test_a_table_comes_back_with_its_types():
    columns = Columns(FRAME)

    back = columns.frame(columns.numbers(FRAME))

    pd.testing.assert_frame_equal(back.drop(columns="visits"), FRAME.drop(columns="visits"))
    assert back["visits"].astype("Float64").isna().tolist() == FRAME["visits"].isna().tolist()


def test_numbers_of_which_there_are_many_can_move():
    assert Columns(FRAME).numeric.tolist() == [True, True, False, False, False, False]


def test_cells_between_two_texts_are_the_nearer_and_beyond_the_last_the_last():
    columns = Columns(FRAME[["job"]])

    assert columns.frame(np.array([[-5.0], [0.4], [0.6], [99.0], [np.nan]]))["job"].tolist()[:3] == ["clerk", "clerk", "nurse"]


def test_whole_numbers_stay_whole_until_an_attack_breaks_them():
    columns = Columns(FRAME[["age"]])

    assert columns.frame(np.array([[20.0]]))["age"].dtype == FRAME["age"].dtype
    assert columns.frame(np.array([[20.5]]))["age"].tolist() == [20.5]


def test_records_are_json():
    columns = Columns(FRAME)

    records = json.loads(json.dumps(columns.records(columns.numbers(FRAME))))

    assert records[0] == {"age": 18, "score": -1.0, "job": "clerk", "kind": "x", "owner": True, "visits": 1}
    assert records[2]["job"] is None
    assert records[2]["visits"] is None


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pd.DataFrame(), "no rows"),
        (pd.DataFrame({"when": pd.to_datetime(["2024-01-01"])}), "dates"),
        (pd.DataFrame({"id": [f"user {i}" for i in range(2000)]}), "distinct texts"),
    ],
)
def test_tables_that_cannot_be_attacked_are_refused_in_a_sentence(frame, said):
    with pytest.raises(ValueError, match=said):
        Columns(frame)
