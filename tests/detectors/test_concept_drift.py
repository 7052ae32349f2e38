"""What `drift/concept` says of errors that rise, fall, and hide in a part of the rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.detectors.labelled import CARRIERS, N, built, inputs, reference, reference_of_values, serve, told, values

from otel_mlsec.config import ConfigError, ModelSettings
from otel_mlsec.detectors.drift.concept_effect import rate_severity
from otel_mlsec.finding import Severity, Status
from otel_mlsec.observation import Meaning
from otel_mlsec.settings import CONCEPT, check_ranges

KNOWN = reference()
METHODS = pytest.mark.parametrize("method", CONCEPT)


@METHODS
def test_errors_as_on_the_reference_are_silent(method: str):
    detector = built(KNOWN, ModelSettings(concept=method))

    assert serve(detector, told(2, 100_000), size=5000) == []


@pytest.mark.parametrize("seed", [1, 2])
def test_a_small_change_that_stands_is_told_once_and_is_gone_only_when_it_is(seed: int):
    detector = built(reference(0.168, seed=seed))
    serve(detector, told(10 * seed, 100_000, 0.168), size=5000)

    stands = serve(detector, told(10 * seed + 1, 150_000, 0.2, first=100_000), size=5000)
    gone = serve(detector, told(10 * seed + 2, 60_000, 0.168, first=250_000), size=5000)

    assert [f.status for f in stands if f.status is not Status.ONGOING] == [Status.NEW]
    assert [f.status for f in gone] == [Status.RESOLVED]
    assert gone[0].evidence["labels"] > 1500
    assert gone[0].evidence["after_high"] < 0.19


def test_what_comes_back_began_after_it_had_gone():
    detector = built(KNOWN)
    serve(detector, told(60, 3000))
    serve(detector, told(61, 3000, 0.3, first=3000))
    first, closed = 6000, []
    while not closed and first < 40_000:
        closed = [f for f in serve(detector, told(first, 25, first=first)) if f.status is Status.RESOLVED]
        first += 25

    again = serve(detector, told(63, 6000, 0.3, first=first))

    assert [f.status for f in closed] == [Status.RESOLVED]
    assert again[0].status is Status.REOPENED
    assert abs(again[0].first_seen - told(1, 1, first=first).times[0]) < 100


def test_a_change_is_measured_over_more_labels_than_found_it():
    detector = built(KNOWN)
    serve(detector, told(2, 3000))

    found = serve(detector, told(3, 500, 0.95, first=3000))

    assert found[0].time - told(3, 1, first=3000).told[0] < 64
    assert found[0].evidence["labels"] >= 64


@METHODS
@pytest.mark.parametrize("meaning", [Meaning.PROBABILITY, Meaning.LABEL])
def test_twice_as_many_errors_are_found_with_their_numbers(method: str, meaning: Meaning):
    detector = built(KNOWN, ModelSettings(concept=method))
    serve(detector, told(2, 3000, meaning=meaning))

    found = serve(detector, told(3, 2000, 0.2, meaning=meaning, first=3000))

    first = found[0]
    assert (first.kind, first.status, first.subject) == ("drift.concept", Status.NEW, ("error",))
    assert first.severity >= Severity.MEDIUM
    assert first.evidence["measure"] == "error"
    assert first.evidence["before"] == pytest.approx(0.1, abs=0.01)
    assert first.evidence["after_low"] < 0.2 < first.evidence["after_high"]
    assert first.evidence["method"] == method
    assert first.evidence["reference_labels"] == N
    assert abs(first.first_seen - told(3, 1, first=3000).times[0]) < 500
    assert {f.status for f in found[1:]} <= {Status.ONGOING}


def test_which_class_is_taken_for_which_is_told():
    outcomes = told(3, 6000)
    missed = (outcomes.truth == 1) & (np.random.default_rng(1).random(6000) < 0.4)
    outputs = np.where(missed[:, None], [0.9, 0.1], outcomes.outputs)

    [found, *_] = serve(built(KNOWN), replace(outcomes, outputs=outputs))
    [unnamed, *_] = serve(built(KNOWN), replace(outcomes, outputs=outputs, classes=("other", "names")))

    [confusion] = found.evidence["confusions"]
    assert confusion.startswith("yes taken for no 4.9% -> 2")
    assert unnamed.evidence["confusions"] == ()


@METHODS
def test_fewer_errors_are_a_finding_of_their_own_and_never_a_severe_one(method: str):
    found = serve(built(KNOWN, ModelSettings(concept=method)), told(3, 4000, 0.04))

    assert [(f.status, f.severity, f.subject) for f in found] == [(Status.NEW, Severity.LOW, ("error", "better"))]


def test_what_got_better_and_then_worse_is_told_both_times():
    detector = built(KNOWN)

    better = serve(detector, told(3, 4000, 0.03))
    worse = serve(detector, told(4, 2000, 0.25, first=4000))

    assert better[0].subject == ("error", "better")
    assert worse[0].subject == ("error",)
    assert worse[0].dedup_key != better[0].dedup_key


def test_a_change_that_grows_is_told_again_as_the_same():
    detector = built(KNOWN)

    small = serve(detector, told(3, 4000, 0.15))
    large = serve(detector, told(4, 4000, 0.45, first=4000))

    assert small[0].severity < Severity.CRITICAL
    assert [f.status for f in large] == [Status.ONGOING] * len(large)
    assert large[-1].severity is Severity.CRITICAL
    assert large[-1].dedup_key == small[0].dedup_key


def test_answers_that_are_as_right_but_less_sure_are_found_by_their_loss():
    outcomes = told(3, 6000)
    unsure = np.where(outcomes.outputs > 0.5, 0.52, 0.48)

    found = serve(built(KNOWN), replace(outcomes, outputs=unsure))

    assert found[0].evidence["measure"] == "loss"
    assert found[0].evidence["after"] > found[0].evidence["before"]
    assert "log loss" in found[0].summary
    assert "error" in found[0].summary


@METHODS
def test_a_regression_is_judged_by_its_absolute_error(method: str):
    detector = built(reference_of_values(), ModelSettings(concept=method))

    clean = serve(detector, values(2, 20_000), size=1000)
    found = serve(detector, replace(values(3, 2000, 1.5), times=values(3, 2000).times + 20_000))

    assert clean == []
    assert found[0].subject == ("error",)
    assert "error" in found[0].summary


def test_errors_in_one_part_of_the_rows_are_found_there_and_the_part_is_not_told_by_its_value():
    rows = inputs(3, 8000)
    rates = np.where(rows[:, 1] == CARRIERS[3], 0.6, 0.1)  # one row in ten
    sliced = built(KNOWN, ModelSettings(slices=("age", "carrier")))
    whole = built(KNOWN)

    [found, *_] = serve(sliced, told(3, 8000, rates, rows=rows))
    [of_all, *_] = serve(whole, told(3, 8000, rates, rows=rows))

    assert found.subject == ("4th most frequent level of carrier (9.9 % of rows)",)
    assert found.evidence["features"] == ("carrier",)
    assert found.evidence["after_low"] > 0.3
    assert found.severity is Severity.CRITICAL
    assert found.time < of_all.time
    assert not any(name in repr(found) for name in ("AA", "B6", "DL", "UA"))


def test_a_tenth_of_a_number_is_named_by_its_place():
    rows = inputs(3, 8000)
    rates = np.where(rows[:, 0] > np.quantile(rows[:, 0], 0.9), 0.6, 0.1)

    [found, *_] = serve(built(KNOWN, ModelSettings(slices=("age",))), told(3, 8000, rates, rows=rows))

    assert found.subject == ("age in its highest tenth",)


def test_slices_that_go_with_all_rows_are_one_finding():
    found = serve(built(KNOWN, ModelSettings(slices=("age", "carrier"))), told(3, 4000, 0.3))

    assert [f.subject for f in found if f.status is Status.NEW] == [("error",)]


def test_a_feature_that_nobody_knows_has_no_slices():
    detector = built(KNOWN, ModelSettings(slices=("carrier", "nobody")))

    assert list(detector.scores())[:2] == ["error", "most frequent level of carrier (40 % of rows)"]
    assert len(detector.scores()) == 5


def test_few_labels_are_said_to_be_a_biased_sample():
    sparse = serve(built(KNOWN), told(3, 1000, 0.3, coverage=0.2))
    full = serve(built(KNOWN), told(3, 1000, 0.3))

    assert "labels of 20% of these predictions so far" in sparse[0].summary
    assert sparse[0].evidence["coverage"] == pytest.approx(0.2)
    assert sparse[0].severity is Severity.MEDIUM < full[-1].severity
    assert "so far" not in full[0].summary


def test_what_was_told_of_few_labels_is_told_again_when_many_have_come():
    detector = built(KNOWN)

    few = serve(detector, told(3, 2000, 0.35, coverage=0.2))
    many = serve(detector, told(4, 2000, 0.35, coverage=0.9, first=2000))

    assert [(f.status, f.severity) for f in few] == [(Status.NEW, Severity.MEDIUM)]
    assert [(f.status, f.severity) for f in many] == [(Status.ONGOING, Severity.CRITICAL)]


def test_labels_that_come_late_and_in_any_order_are_dated_by_their_predictions():
    outcomes = told(3, 20_000, np.where(np.arange(20_000) < 12_000, 0.1, 0.3))
    told_at = outcomes.times + np.random.default_rng(1).exponential(1000, 20_000)
    order = np.argsort(told_at)
    parts = {name: getattr(outcomes, name)[order] for name in ("outputs", "truth", "times")}

    [found, *_] = serve(built(KNOWN), replace(outcomes, inputs=None, told=told_at[order], **parts))

    assert abs(found.first_seen - outcomes.times[12_000]) < 1500
    assert found.time > outcomes.times[12_000]


def test_a_wider_tolerance_and_fewer_false_alarms_take_longer():
    plain, tolerant, sure = (
        serve(built(KNOWN, settings), told(3, 6000, 0.2))[0]
        for settings in (ModelSettings(), ModelSettings(tolerance=0.1), ModelSettings(false_alarms_per_million=0.001))
    )

    assert plain.time < tolerant.time
    assert plain.time < sure.time
    assert plain.threshold == pytest.approx(1e6)
    assert sure.threshold == pytest.approx(1e9)


def test_a_class_that_the_model_does_not_list_is_an_error_and_a_missing_label_is_none():
    outcomes = told(3, 1000)

    assert serve(built(KNOWN), replace(outcomes, truth=np.full(1000, -1.0)))[0].evidence["after"] == pytest.approx(1.0)
    assert serve(built(KNOWN), replace(outcomes, truth=np.full(1000, np.nan))) == []


def test_errors_that_come_in_runs_in_the_reference_weigh_less():
    days = np.repeat(np.random.default_rng(5).choice([0.0, 0.2], 100), 100)
    runs = reference(days)
    live = np.repeat(np.random.default_rng(6).choice([0.0, 0.2], 1000), 100)
    assert runs.truth is not None
    assert not runs.truth.independent

    assert serve(built(runs), told(3, 100_000, live), size=5000) == []
    assert serve(built(KNOWN), told(3, 100_000, live), size=5000) != []


@pytest.mark.parametrize(
    ("rise", "before", "severity"),
    [
        (0.01, 0.1, Severity.LOW), (0.03, 0.1, Severity.MEDIUM), (0.06, 0.1, Severity.HIGH), (0.25, 0.1, Severity.CRITICAL),
        (0.06, 0.4, Severity.LOW), (0.01, 0.001, Severity.MEDIUM), (0.03, 0.001, Severity.HIGH),
    ],
)  # fmt: skip
def test_severity_is_of_the_rise_and_of_its_ratio(rise: float, before: float, severity: Severity):
    assert rate_severity(rise, before) is severity


@pytest.mark.parametrize("settings", [ModelSettings(concept="ddm"), ModelSettings(slices=("x",) * 9)])
def test_a_method_that_nobody_knows_and_too_many_slices_are_refused(settings: ModelSettings):
    with pytest.raises(ConfigError, match=r"concept must be one of|slices must name at most 8"):
        check_ranges(settings, "model.")
