"""Calibration to the application's own texts, and what findings say."""

import numpy as np
import pytest

from otel_mlsec.detectors.llm.second_opinion import WARM_UP, SecondOpinion
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Completion, Model, Origin, Role, Text
from otel_mlsec.text.reading import Reading
from otel_mlsec.text.turn import Judged, Turn, Verdict


def opinion(rate: float = 1000.0) -> SecondOpinion:
    return SecondOpinion(classifier="guard", digest="0123456789ab", false_alarms_per_million=rate)


def judge(
    second: SecondOpinion, probability: float, *, score: float = 0.0, origin: Origin = Origin.USER, principal: str = "",
    uniform: bool = True, jailbreak: bool = False,
) -> list[Finding]:  # fmt: skip
    role = Role.USER if origin is Origin.USER else Role.TOOL
    text = Text(text="the words", role=role, origin=origin, message=3)
    judged = Judged(reading=Reading(text), verdict=Verdict(score=score, jailbreak=jailbreak), fresh=True)
    turn = Turn(completion=Completion(model=Model(name="m"), operation="chat", principal=principal), inputs=(judged,))
    return second.judge(turn, judged, probability, {"windows": 2}, uniform=uniform)


def warmed(rate: float = 1000.0, n: int = WARM_UP) -> SecondOpinion:
    second = opinion(rate)
    for probability in np.random.default_rng(1).beta(1, 20, n):
        judge(second, float(probability))
    return second


def test_until_it_is_calibrated_only_near_certainty_counts_and_little():
    second = opinion()

    [finding] = judge(second, 0.995)

    assert judge(second, 0.98) == []
    assert finding.severity is Severity.LOW
    assert (finding.score, finding.threshold) == (0.995, 0.99)
    assert "not calibrated yet" in finding.summary
    assert finding.evidence == {
        "role": "user", "origin": "user", "form": "text", "message": 3,
        "classifier": "guard", "classifier_sha256": "0123456789ab", "calibrated": False, "calibrated_on": 1, "first_score": 0.0,
        "windows": 2, "probability": 0.995,
    }  # fmt: skip


def test_afterwards_scores_are_digits_of_the_applications_own_tail():
    second = warmed()

    [finding] = judge(second, 0.97)

    assert finding.score == pytest.approx(np.log10(WARM_UP + 1), abs=1e-9)
    assert finding.threshold == 3.0
    assert finding.severity is Severity.MEDIUM
    assert "1 in 2,001 texts here" in finding.summary


def test_realised_false_alarms_are_those_that_were_asked_for():
    learned, fresh = (np.random.default_rng(seed).beta(1, 20, 20_000) / 2 + 0.5 for seed in (1, 2))  # it says yes to everything

    second = opinion(10_000.0)
    for probability in learned:
        judge(second, float(probability))
    alarms = sum(bool(judge(second, float(each), uniform=False)) for each in fresh)

    assert 120 < alarms < 250  # of 20,000, at 1 %


def test_a_classifier_that_saturates_on_benign_texts_is_silent():
    second = opinion()
    for index in range(WARM_UP):
        judge(second, 1.0 if index % 20 == 0 else 0.01)

    assert judge(second, 1.0) == []


def test_what_the_classifier_takes_for_benign_is_no_finding_however_rare_here():
    second = opinion()
    for _ in range(WARM_UP):
        judge(second, 0.001)

    assert judge(second, 0.45) == []
    assert len(judge(second, 0.55)) == 1


def test_a_rate_that_needs_more_texts_waits_for_them():
    assert not warmed(rate=100.0).calibrated
    assert warmed(rate=100.0, n=10_000).calibrated


def test_one_principal_cannot_raise_the_threshold():
    second = warmed()
    before = second.snapshot()["seen"]
    for _ in range(5000):
        judge(second, 0.99, principal="user:eve")

    assert second.snapshot()["seen"] - before <= 60
    assert judge(warmed(), 0.999, principal="user:eve")


def test_principals_that_are_invented_take_no_memory():
    second = opinion()
    for number in range(6000):
        judge(second, 0.1, principal=f"user:{number}")

    assert len(second._by_principal) <= 4096


def test_suspected_texts_and_those_that_were_not_drawn_are_not_learned_from():
    second = opinion()

    judge(second, 0.99, score=3.5)
    judge(second, 0.99, uniform=False)

    assert int(second.snapshot()["seen"]) == 0


@pytest.mark.parametrize(
    ("origin", "jailbreak", "kind"),
    [
        (Origin.USER, False, "llm.injection.direct"),
        (Origin.USER, True, "llm.jailbreak"),
        (Origin.RETRIEVED, True, "llm.injection.indirect"),
        (Origin.TOOL, False, "llm.injection.indirect"),
        (Origin.TOOL_DESCRIPTION, False, "llm.injection.indirect"),
    ],
)
def test_the_kind_says_whose_words_they_are(origin: Origin, jailbreak: bool, kind: str):
    [finding] = judge(warmed(), 0.99, score=4.0, origin=origin, jailbreak=jailbreak)

    assert finding.kind == kind
    assert finding.severity is Severity.HIGH  # both say so
    assert len(finding.summary) <= 130


@pytest.mark.parametrize("probability", [float("nan"), -0.1, 1.1, float("inf")])
def test_what_is_no_probability_is_not_an_opinion(probability: float):
    second = opinion()

    assert judge(second, probability) == []
    assert int(second.snapshot()["seen"]) == 0


def test_a_snapshot_stays_as_taken_and_restores():
    second = warmed()
    state = second.snapshot()
    other = opinion()

    judge(second, 0.3)
    other.restore(state)

    assert int(state["seen"]) == WARM_UP
    assert other.calibrated
    assert judge(other, 0.97)[0].score == judge(warmed(), 0.97)[0].score


def test_the_operators_and_the_models_own_words_are_not_asked_about():
    def concerned(role: Role, origin: Origin, fresh: bool = True) -> bool:
        text = Text(text="x", role=role, origin=origin)
        return SecondOpinion.concerns(Judged(reading=Reading(text), verdict=Verdict(), fresh=fresh))

    assert concerned(Role.USER, Origin.USER)
    assert concerned(Role.TOOL, Origin.RETRIEVED)
    assert concerned(Role.SYSTEM, Origin.TOOL_DESCRIPTION)
    assert not concerned(Role.SYSTEM, Origin.OPERATOR)
    assert not concerned(Role.ASSISTANT, Origin.MODEL)
    assert not concerned(Role.USER, Origin.USER, fresh=False)


def test_a_rate_that_is_none_is_refused():
    with pytest.raises(ValueError, match="false_alarms_per_million"):
        opinion(0.0)
