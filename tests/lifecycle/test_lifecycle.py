"""Whole processes: how they begin, fork and end, and that nothing observed before the end is lost."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("sklearn")
APP = Path(__file__).with_name("app.py")


def life(scenario, tmp_path, *command):
    out = tmp_path / "out.jsonl"
    environ = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    done = subprocess.run(
        [*(command or [sys.executable]), str(APP), scenario, str(out)], env=environ, capture_output=True, text=True, timeout=120,
        check=True,
    )  # fmt: skip
    lines = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    return [x for x in lines if "span" in x], [x for x in lines if "event" in x], done.stderr


@pytest.mark.parametrize("scenario", ["exits", "provider_after_instrument", "shut_down"])
def test_a_process_that_ends_right_after_the_call_loses_nothing(scenario, tmp_path):
    spans, events, _ = life(scenario, tmp_path)

    assert [(s["span"], s["findings"]) for s in spans] == [("predict app", 1)]
    assert [(e["event"], e["type"], e["trace"]) for e in events] == [("mlsec.finding", "drift.unseen", spans[0]["trace"])]


def test_a_provider_that_comes_after_the_first_call_gets_all_that_follows(tmp_path):
    spans, events, _ = life("provider_after_first_call", tmp_path)

    assert [e["type"] for e in events] == ["drift.unseen"]
    assert spans[-1]["findings"] == 1


def test_without_a_provider_a_finding_is_one_line_of_the_standard_log(tmp_path):
    spans, events, log = life("no_provider", tmp_path)

    assert not spans
    assert not events
    assert [line for line in log.splitlines() if "Value never seen" in line], log


def test_what_is_sampled_out_still_leaves_as_a_log_record_with_its_trace_id(tmp_path):
    spans, events, _ = life("sampled_out", tmp_path)

    assert not spans
    assert [e["type"] for e in events] == ["drift.unseen"]
    assert int(events[0]["trace"], 16)


@pytest.mark.parametrize(("scenario", "processes"), [("forks", 4), ("raw_fork", 2), ("spawns", 2), ("forkserver", 2)])
def test_every_process_reports_its_own_findings_once(scenario, processes, tmp_path):
    spans, events, _ = life(scenario, tmp_path)

    by_process = Counter(e["pid"] for e in events)
    assert len(by_process) == processes
    assert set(by_process.values()) == {1}
    assert Counter(s["pid"] for s in spans if s["findings"]) == by_process


def test_calls_of_four_threads_are_all_there_at_exit(tmp_path):
    spans, events, _ = life("threads", tmp_path)

    assert len(spans) == 100
    assert not events


def test_after_uninstrument_nothing_is_observed_and_what_was_is_judged(tmp_path):
    spans, events, _ = life("uninstruments", tmp_path)

    assert len(spans) == len(events) == 1
