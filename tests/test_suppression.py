"""What an operator does not want to be told of, as he writes it."""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from otel_mlsec.config import Config, ConfigError
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Model
from otel_mlsec.pipeline.suppressed import Suppressed
from otel_mlsec.suppression import Suppression

DRIFT = Finding(
    kind="drift.data", detector="drift/data", title="", summary="", severity=Severity.LOW, score=2.0, threshold=1.0,
    model=Model(name="fraud-eu"), time=0.0, first_seen=0.0, subject=("hour", "weekday"),
)  # fmt: skip
INJECTION = replace(DRIFT, kind="llm.injection.direct", principal="app:abc", subject=("aws key",))


def suppression(**fields: str) -> Suppression:
    return Suppression(**{"reason": "known", "until": "2030-12-31", **fields})


def load(tmp_path: Path, toml: str) -> tuple[Suppression, ...]:
    path = tmp_path / "mlsec.toml"
    path.write_text(toml)
    return Config.load({"OTEL_MLSEC_CONFIG": str(path)}).suppress


@pytest.mark.parametrize(
    ("fields", "drift", "injection"),
    [
        ({"kind": "drift.data"}, True, False),
        ({"kind": "drift.*", "model": "fraud-*"}, True, False),
        ({"model": "fraud"}, False, False),
        ({"model": "FRAUD-EU"}, False, False),
        ({"feature": "*"}, True, False),
        ({"feature": "hour"}, False, False),  # it is about weekday, too
        ({"feature": "[hw]*"}, True, False),
        ({"principal": "app:*"}, False, True),
        ({"principal": "app:abc", "kind": "llm.cost"}, False, False),
    ],
)
def test_all_patterns_must_fit(fields, drift, injection):
    assert (suppression(**fields).fits(DRIFT), suppression(**fields).fits(INJECTION)) == (drift, injection)


def test_tables_of_a_file_are_read_with_their_dates_as_text_or_as_toml_has_them(tmp_path):
    read = load(
        tmp_path,
        """
        [[suppress]]
        kind = "drift.*"
        feature = "hour"
        reason = "daylight saving"
        until = 2030-12-31
        [[suppress]]
        principal = "app:abc"
        reason = "red team, SEC-12"
        until = 2030-12-31T18:00:00+01:00
        [[suppress]]
        model = "m"
        reason = "being retired"
        until = "2030-12-31T17:00:00Z"
        """,
    )

    end = dt.datetime(2031, 1, 1, tzinfo=dt.UTC).timestamp()
    assert [each.ends for each in read] == [end, end - 7 * 3600, end - 7 * 3600]
    assert (read[0].kind, read[0].feature, read[1].reason) == ("drift.*", "hour", "red team, SEC-12")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('reason = "x"\nuntil = 2030-12-31', "must name a kind, a model, a feature or a principal"),
        ('kind = "x"\nuntil = 2030-12-31', "must have a reason"),
        ('kind = "x"\nreason = " "\nuntil = 2030-12-31', "must have a reason"),
        ('kind = "x"\nreason = "x"', "must have until = a date .* got ''"),
        ('kind = "x"\nreason = "x"\nuntil = "next week"', "must have until = a date .* got 'next week'"),
        ('kind = "x"\nreason = "x"\nuntil = 2030-12-31T18:00:00', "must have until = a date .* got '2030-12-31T18:00:00'"),
    ],
)
def test_a_table_that_cannot_be_used_is_an_error_that_names_it(tmp_path, table, said):
    with pytest.raises(ConfigError, match=rf"^suppress\[0\] {said}"):
        load(tmp_path, f"[[suppress]]\n{table}")


def test_a_key_that_nobody_knows_and_a_wrong_type_are_errors_that_name_them(tmp_path):
    with pytest.raises(ConfigError, match=r"^suppress\[0\]\.kinds is not a setting; here those are kind, model, feature,"):
        load(tmp_path, '[[suppress]]\nkinds = "x"')
    with pytest.raises(ConfigError, match=r"^suppress\[0\]\.kind must be text, got 3"):
        load(tmp_path, "[[suppress]]\nkind = 3")
    with pytest.raises(ConfigError, match=r"^suppress\[0\]\.until must be text, got 3"):
        load(tmp_path, '[[suppress]]\nkind = "x"\nuntil = 3')
    with pytest.raises(ConfigError, match=r"^suppress must be a list of tables"):
        load(tmp_path, 'suppress = "drift.*"')


def test_there_is_no_variable_for_it():
    with pytest.raises(ConfigError, match="OTEL_MLSEC_SUPPRESS is not a setting"):
        Config.load({"OTEL_MLSEC_SUPPRESS": "drift.*"})


def test_what_is_over_is_logged_once_at_the_start_or_when_it_ends(caplog):
    ended, ends = suppression(kind="drift.*", until="2020-01-01"), suppression(kind="llm.*", reason="red team")

    with caplog.at_level(logging.WARNING):
        suppressed = Suppressed([ended, ends], ends.ends - 1)
        at_start = len(caplog.records)
        held = [suppressed(DRIFT, ends.ends - 1), suppressed(INJECTION, ends.ends - 1)]
        later = [suppressed(INJECTION, ends.ends) for _ in range(3)]

    assert (held, later) == ([False, True], [False] * 3)
    assert at_start == 1
    assert caplog.messages[1:] == ["suppression ended at 2030-12-31, its findings are told again: red team"]
