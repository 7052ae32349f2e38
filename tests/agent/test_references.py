"""Where a model's reference comes from, and what happens when it cannot be used."""

import logging

import pytest

import otel_mlsec

linear_model = pytest.importorskip("sklearn.linear_model")


def unwatched(watched):
    rows = watched.rows(2000)
    return linear_model.LogisticRegression().fit(rows, rows[:, 0] > 0), otel_mlsec.Reference.fit(rows, name="any")


def types(watched):
    return [finding.attributes["mlsec.finding.type"] for finding in watched.findings()]


@pytest.mark.parametrize("name", ["*", "LogisticRegression"])
def test_a_file_named_in_the_settings_is_found_after_the_application_has_changed_its_directory(
    watched, tmp_path, monkeypatch, name
):
    model, reference = unwatched(watched)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    reference.save("wines.ref")
    watched.instrument(reference={name: "wines.ref"})
    monkeypatch.chdir(tmp_path / "elsewhere")

    model.predict(watched.rows(colour=100.0))

    assert types(watched) == ["drift.unseen"]


def test_what_watch_says_wins_and_may_be_a_path(watched, tmp_path):
    model, reference = unwatched(watched)
    reference.save(tmp_path / "wines.ref")
    watched.instrument()
    otel_mlsec.watch(model, name="wines", reference=str(tmp_path / "wines.ref"))

    model.predict(watched.rows(colour=100.0))

    assert types(watched) == ["drift.unseen"]


@pytest.mark.parametrize("told", ["nowhere.ref", 42])
def test_a_reference_that_cannot_be_read_at_run_time_is_said_once_and_the_model_is_watched_without(watched, caplog, told):
    model, _ = unwatched(watched)
    watched.instrument()
    otel_mlsec.watch(model, name="wines", reference=told)

    with caplog.at_level(logging.ERROR):
        for _ in range(2):
            model.predict(watched.rows())
            watched.spans()

    assert [record.getMessage()[:38] for record in caplog.records] == ["reference of model 'wines' refused, a "]
    assert len(watched.spans()) == 2


def test_a_reference_signed_with_another_key_stops_the_start(watched, tmp_path):
    model, reference = unwatched(watched)
    original = linear_model.LogisticRegression.__mro__[1].__dict__.get("predict")
    reference.save(tmp_path / "wines.ref", key=b"the key it was made with")

    with pytest.raises(otel_mlsec.ConfigError, match="signed with another key"):
        watched.instrument(reference={"*": str(tmp_path / "wines.ref")}, reference_key="quite another key")

    assert linear_model.LogisticRegression.__mro__[1].__dict__.get("predict") is original
    model.predict(watched.rows())
    assert watched.spans() == []
