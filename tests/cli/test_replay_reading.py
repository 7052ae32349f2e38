"""What a recording's cells become: features, times, principals, sources and answers, as capture would have had them."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from otel_mlsec.cells import code
from otel_mlsec.cli.answers import Answers
from otel_mlsec.cli.recording import LINE_LIMIT, JsonLines
from otel_mlsec.cli.recording_arrow import Csv, Parquet
from otel_mlsec.cli.rehearsal import BATCH, Rehearsal
from otel_mlsec.cli.traffic import Reader, Requests, Roles, columns
from otel_mlsec.config import ModelSettings
from otel_mlsec.observation import Meaning
from otel_mlsec.reference.reference import Reference
from otel_mlsec.table import table


def requests(recording: Any, roles: Roles = Roles(), rows: int = 1000, **known: Any) -> Requests:  # noqa: B008 - frozen
    reader = Reader(principal=lambda who: f"<{who}>", source=lambda kind, cell: f"{kind}:{cell}", rows_per_second=2.0)
    chosen = columns(recording.names, roles, known.get("known", ()), known.get("texts", ()))
    [read] = [reader.read(part, chosen) for part in recording.parts(chosen.all, rows)]
    return read


def csv(folder: Path, text: str | bytes) -> Csv:
    path = folder / "rows.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return Csv(path)


def test_cells_of_parquet_are_what_they_are_in_a_frame(tmp_path: Path):
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None, 2**60], dtype="Int64"),
            "small": np.array([1.5, 2.5, -0.0], np.float16),
            "truth": pd.array([True, None, False], dtype="boolean"),
            "text": ["a", None, "b\ud7ff"],
            "level": pd.Categorical(["x", "y", None]),
            "day": [dt.date(2026, 1, 1), None, dt.date(1960, 1, 1)],
            "zoned": pd.to_datetime(["2026-01-01T00:00:00.5Z", None, "1969-12-31T23:59:59.0Z"]),
            "span": pd.to_timedelta([1.5, None, -3], unit="s"),
            "decimal": [Decimal("1.25"), None, Decimal("-3")],
        }
    )
    frame.to_parquet(tmp_path / "rows.parquet")

    read = requests(Parquet(tmp_path / "rows.parquet"))

    expected, names = table(frame)
    assert read.features == names
    np.testing.assert_array_equal(read.inputs, expected)


def test_a_struct_is_columns_of_its_parts(tmp_path: Path):
    rows = pa.table({"amount": [1.0, 2.0], "proba": [{"no": 0.25, "yes": 0.75}, None]})
    pa.parquet.write_table(rows, tmp_path / "rows.parquet")

    read = requests(Parquet(tmp_path / "rows.parquet"))

    assert (read.features, read.classes) == (("amount",), ("no", "yes"))
    np.testing.assert_array_equal(read.probabilities, [[0.25, 0.75], [np.nan, np.nan]])


def test_cells_of_csv_are_numbers_where_they_read_as_one(tmp_path: Path):
    read = requests(csv(tmp_path, 'a,b,c\n1,True,x\n 2.5,false,"y\nz"\n,,007\n1_0,NaN,1e3\n'))

    expected = [[1, 1, code("x")], [2.5, 0, code("y\nz")], [np.nan, np.nan, 7], [code("1_0"), np.nan, 1000]]
    np.testing.assert_array_equal(read.inputs, expected)


def test_what_a_reference_knows_as_text_is_text_in_csv(tmp_path: Path):
    read = requests(csv(tmp_path, "zip,amount,note\n02134,1,hello\n10115,2,world\n"), known=("zip", "amount"), texts=("zip",))

    assert read.features == ("zip", "amount")
    np.testing.assert_array_equal(read.inputs, [[code("02134"), 1], [code("10115"), 2]])


def test_bytes_that_are_no_text_and_lines_that_are_no_rows_cost_nothing_else(tmp_path: Path):
    recording = csv(tmp_path, b"a,b\n1,caf\xe9\n1,2,3\n2,\xff\xfe\n")

    read = requests(recording)

    assert recording.malformed == 1
    np.testing.assert_array_equal(read.inputs, [[1, code("caf\udce9")], [2, code("\udcff\udcfe")]])


def test_a_malformed_row_that_is_not_utf8_is_refused_with_a_sentence_and_nothing_else(tmp_path, capfd):
    with pytest.raises(ValueError, match="Expected 2 columns, got 3"):
        csv(tmp_path, b"a,b\n" + b"1,2\n" * 10 + b"3,4,\xff5\n")
    assert capfd.readouterr().err == ""


def test_hostile_json_lines_are_rows_or_counted(tmp_path: Path):
    good = {"a": 10**400, "b": "\ud800\x1b[2J", "n": {"c": {"d": 1}}, "l": [1, {"x": []}], "who": {"k": "v"}}
    lines = [
        json.dumps(good), "[" * 100_000, "null", '"text"', '{"a": NaN}', "", "not json", '{"a":' * 50_000,
        json.dumps({"a": "z" * LINE_LIMIT}), json.dumps({"a": 2.0}),
    ]  # fmt: skip
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    recording = JsonLines(tmp_path / "rows.jsonl")

    read = requests(recording, Roles(principal="who.k"))

    assert recording.malformed == 6
    assert read.features == ("a", "b", "n.c.d", "l")
    np.testing.assert_array_equal(read.inputs[:, 0], [np.inf, np.nan, 2.0])
    assert read.inputs[0, 1] == code("\ud800\x1b[2J")
    assert read.principals == ["<v>", "", ""]


@pytest.mark.parametrize(
    "written", ["1700000000.5", "2023-11-14T22:13:20.5Z", "2023-11-14 22:13:20.500000", "2023-11-15T00:13:20.5+02:00"]
)
def test_times_are_seconds_or_dates(tmp_path: Path, written: str):
    read = requests(csv(tmp_path, f"a,t\n1,{written}\n"), Roles(time="t"))

    assert read.times.tolist() == [1.7e9 + 0.5]


def test_rows_without_a_time_are_as_late_as_the_one_before_and_jumps_back_are_counted(tmp_path: Path):
    recording = csv(tmp_path, "a,t\n1,10\n1,\n1,12\n1,11\n")
    reader = Reader(principal=str, source=lambda kind, cell: cell, rows_per_second=1.0)
    chosen = columns(recording.names, Roles(time="t"), (), ())

    times = [reader.read(part, chosen).times.tolist() for part in recording.parts(chosen.all, 2)]

    assert times == [[10, 10], [12, 11]]
    assert (reader.untimed, reader.backwards, reader.n_rows) == (1, 1, 4)


def test_without_times_rows_come_evenly(tmp_path: Path):
    assert requests(csv(tmp_path, "a\n1\n2\n3\n")).times.tolist() == [0.0, 0.5, 1.0]


def test_principals_are_pseudonyms_unless_they_are_already_and_sources_say_of_what_kind(tmp_path: Path):
    text = "a,who,ip,ua\n1,bob,10.0.0.1,curl\n2,app:0123456789ab,,curl\n3,,10.0.0.2,\n4,app:0123,,\n"

    read = requests(csv(tmp_path, text), Roles(principal="who", sources=(("source", "ip"), ("user-agent", "ua"))))

    assert read.principals == ["<bob>", "app:0123456789ab", "", "<app:0123>"]
    assert read.sources == [("source:10.0.0.1", "user-agent:curl"), ("user-agent:curl",), ("source:10.0.0.2",), ()]


def test_numbers_name_principals_the_same_in_every_type(tmp_path: Path):
    pd.DataFrame({"a": [1, 2], "who": pd.array([12, None], dtype="Int64")}).to_parquet(tmp_path / "rows.parquet")

    typed = requests(Parquet(tmp_path / "rows.parquet"), Roles(principal="who"))
    untyped = requests(csv(tmp_path, "a,who\n1,12\n2,\n"), Roles(principal="who"))

    assert typed.principals == untyped.principals == ["<12>", ""]


def answered(
    read: Requests, reference: Reference | None = None
) -> tuple[list[tuple[Meaning, list[list[float]]]], tuple[str, ...]]:
    answers = Answers(reference)
    return [(meaning, out.tolist()) for meaning, out in answers.of(read, slice(None))], answers.classes


def fitted(classes: tuple[str, ...], *answers: tuple[Meaning, Any]) -> Reference:
    x = np.random.default_rng(0).normal(size=(200, 1))
    return Reference.of_matrix(x, ("a",), None, created=0.0, classes=classes, answers=answers)


PROBABILITIES = (Meaning.PROBABILITY, np.full((200, 2), 0.5))
LABELS = (Meaning.LABEL, np.arange(200) % 2.0)


def test_probabilities_come_in_the_order_of_the_models_classes_and_labels_are_positions_in_it(tmp_path: Path):
    read = requests(csv(tmp_path, "a,proba.yes,proba.no,label\n1,0.75,0.25,yes\n2,0.5,0.5,perhaps\n"))

    told, classes = answered(read, fitted(("no", "yes"), PROBABILITIES, LABELS))

    assert classes == ("no", "yes")
    assert told == [(Meaning.PROBABILITY, [[0.25, 0.75], [0.5, 0.5]]), (Meaning.LABEL, [[1.0], [-1.0]])]


def test_of_two_classes_one_probability_tells_the_other(tmp_path: Path):
    told, _ = answered(requests(csv(tmp_path, "a,proba.yes\n1,0.75\n")), fitted(("no", "yes"), PROBABILITIES))

    assert told == [(Meaning.PROBABILITY, [[0.25, 0.75]])]


def test_numbers_name_classes_however_they_are_written(tmp_path: Path):
    read = requests(csv(tmp_path, "a,label\n1,1\n2,0\n3,1.0\n4,2\n5,\n"))

    told, _ = answered(read, fitted(("0.0", "1.0"), LABELS))

    assert told == [(Meaning.LABEL, [[1.0], [0.0], [1.0], [-1.0], [-1.0]])]


def test_without_a_reference_classes_are_learned_from_labels(tmp_path: Path):
    told, classes = answered(requests(csv(tmp_path, "a,label\n1,10\n2,9\n3,b\n4,\n5,9\n")))

    assert classes == ("9", "10", "b")
    assert told == [(Meaning.LABEL, [[1.0], [0.0], [2.0], [-1.0], [0.0]])]


def test_what_a_regression_calls_its_label_is_a_value(tmp_path: Path):
    values = np.random.default_rng(0).normal(size=100)
    read = requests(csv(tmp_path, "a,label\n" + "".join(f"1,{v!r}\n" for v in values.tolist())))

    [(meaning, out)], classes = answered(read)

    assert (meaning, classes) == (Meaning.VALUE, ())
    np.testing.assert_array_equal(out, values[:, None])


@pytest.mark.parametrize("meaning", [Meaning.VALUE, Meaning.MARGIN, Meaning.SCORE])
def test_outputs_mean_what_they_mean_to_the_reference(tmp_path: Path, meaning: Meaning):
    told, _ = answered(requests(csv(tmp_path, "a,output.x\n1,0.5\n2,oops\n3,1.5\n")), fitted((), (meaning, np.arange(200.0))))

    [(ours, [first, stray, last])] = told
    assert ours is meaning
    assert (first, last) == ([0.5], [1.5])
    assert np.isnan(stray).all()


def test_an_output_that_is_text_is_a_label(tmp_path: Path):
    told, classes = answered(requests(csv(tmp_path, "a,output.class\n1,yes\n2,no\n")))

    assert (told, classes) == ([(Meaning.LABEL, [[1.0], [0.0]])], ("no", "yes"))


def test_a_large_row_group_is_read_as_a_stream(tmp_path: Path):
    rows, width = 1_200_000, 4
    noise = np.random.default_rng(0).normal(size=(rows, width))
    frame = pd.DataFrame(noise, columns=[f"x{i}" for i in range(width)])
    frame.to_parquet(tmp_path / "rows.parquet", row_group_size=rows)
    del frame
    recording = Parquet(tmp_path / "rows.parquet")
    before, most, total = pa.total_allocated_bytes(), 0, 0.0

    for part in recording.parts(recording.names, 16 * BATCH):
        most = max(most, pa.total_allocated_bytes() - before)
        total += float(part.numbers("x3").sum())

    assert most < noise.nbytes / 2
    assert total == pytest.approx(float(noise[:, 3].sum()))


def test_models_beyond_the_bound_are_forgotten_and_counted(tmp_path: Path):
    read = requests(csv(tmp_path, "a,m\n" + "".join(f"1,m{i}\n" for i in range(100))), Roles(model="m"))
    rehearsal = Rehearsal(known=lambda _: None, settings=lambda _: ModelSettings(), budgets=(None,))

    told = rehearsal.judge(read)

    assert (told, len(rehearsal.models), rehearsal.forgotten) == ([], 64, 36)
