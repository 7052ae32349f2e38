"""Lines of a corpus become the turns that the agent would see."""

from collections.abc import Iterator
from typing import ClassVar

import pytest

from otel_mlsec.cli import scanner as module
from otel_mlsec.cli.judges import TIMED, scanner, settings, threshold
from otel_mlsec.cli.prompts import Prompt
from otel_mlsec.cli.scanner import Scanner
from otel_mlsec.config import LlmSettings
from otel_mlsec.detector import State
from otel_mlsec.detectors.llm import TABLE
from otel_mlsec.finding import Finding
from otel_mlsec.observation import Form, Origin, Role
from otel_mlsec.text.reading import Reading
from otel_mlsec.text.turn import Turn, Verdict


class Listener:
    """A detector that finds nothing, and keeps what it was given."""

    name: ClassVar[str] = "llm/listener"

    def __init__(self) -> None:
        self.turns: list[Turn] = []

    def update(self, turn: Turn, /) -> list[Finding]:
        self.turns.append(turn)
        return []

    def snapshot(self) -> State:
        return {}

    def restore(self, state: State, /) -> None:
        pass


def by_length(reading: Reading) -> Verdict:
    return Verdict(score=float(len(reading.text.text)))


def heard(*prompts: Prompt) -> tuple[list[Turn], list[float]]:
    listener = Listener()
    scan = Scanner(by_length, [listener])
    scores = [scan.scan(prompt).score for prompt in prompts]
    return listener.turns, scores


def said(role: str, content: str, conversation: str = "c", **more: str) -> Prompt:
    return Prompt(id=1, role=role, content=content, conversation=conversation, **more)


def inputs(turn: Turn) -> Iterator[tuple[str, bool]]:
    return ((judged.reading.text.text, judged.fresh) for judged in turn.inputs)


@pytest.mark.parametrize(
    ("role", "speaker"),
    [
        ("user", (Role.USER, Origin.USER, Form.TEXT)),
        ("tool", (Role.TOOL, Origin.TOOL, Form.RESULT)),
        ("document", (Role.TOOL, Origin.RETRIEVED, Form.TEXT)),
    ],
)
def test_roles_say_whose_words_they_are(role: str, speaker: tuple[Role, Origin, Form]):
    [turn], scores = heard(said(role, "abc", tool="search"))

    text = turn.inputs[0].reading.text
    assert (text.role, text.origin, text.form) == speaker
    assert text.tool == "search"
    assert scores == [3.0]
    assert not turn.answered


def test_an_answer_is_judged_beside_what_was_said_before_it():
    turns, scores = heard(said("system", "S"), said("user", "uu"), said("assistant", "answer"), said("user", "uuu"))

    asked, answered, again = turns  # nobody looks at the system's line alone
    assert list(inputs(asked)) == [("S", False), ("uu", True)]
    assert [text.text for text in answered.completion.outputs] == ["answer"]
    assert answered.answered
    assert [text for text, _ in inputs(answered)] == ["S", "uu"]
    assert answered.suspected is not None
    assert list(inputs(again)) == [("S", False), ("uu", False), ("answer", False), ("uuu", True)]
    assert scores == [0.0, 2.0, 0.0, 3.0]


def test_lines_without_a_conversation_know_nothing_of_each_other_and_repetitions_are_judged():
    turns, _ = heard(said("user", "a", ""), said("user", "a", ""), said("assistant", "b", ""))

    assert [list(inputs(turn)) for turn in turns] == [[("a", True)], [("a", True)], []]


def test_arguments_of_a_tools_call_are_told_apart_from_answers():
    turns, _ = heard(said("assistant", '{"to": "x"}', tool="send"), said("assistant", "fine"))

    assert [turn.outputs[0].text.form for turn in turns] == [Form.ARGUMENTS, Form.TEXT]
    assert turns[0].outputs[0].text.tool == "send"


def test_a_principal_is_of_the_kind_user_and_nobody_is_nobody():
    turns, _ = heard(said("user", "a", principal="eve"), said("user", "a"))

    assert [turn.completion.principal for turn in turns] == ["user:eve", ""]


def test_what_is_kept_of_conversations_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "CONVERSATIONS", 8)
    monkeypatch.setattr(module, "CHARACTERS", 5000)
    scan = Scanner(by_length, [listener := Listener()])

    for number in range(300):
        scan.scan(said("system" if number % 3 == 0 else "user", "x" * 100, str(number % 12)))
    for _ in range(200):
        scan.scan(said("user", "x", "long"))
    scan.scan(said("user", "x" * (1 << 21), "large"))

    assert len(scan._said) <= 8
    assert scan._characters <= 5000 + (1 << 21)
    assert max(len(turn.inputs) for turn in listener.turns) <= module.KEPT + module.KEPT_SYSTEM + 1


def test_all_detectors_look_but_those_that_need_a_clock():
    scan = scanner(LlmSettings())

    assert [detector.name for detector in scan._detectors] == [name for name in TABLE if name not in TIMED]


def test_thresholds_are_digits():
    assert [threshold(LlmSettings(false_alarms_per_million=rate)) for rate in (1e5, 1e3, 1.0)] == [1.0, 3.0, 6.0]


def test_settings_are_the_agents_and_the_command_line_wins(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OTEL_MLSEC_LLM_FALSE_ALARMS_PER_MILLION", "10")
    monkeypatch.setenv("OTEL_MLSEC_LLM_ALLOWED_HOSTS", "example.org")
    monkeypatch.setenv("OTEL_MLSEC_LLM_OFF", "true")

    assert settings(None) == LlmSettings(false_alarms_per_million=10.0, allowed_hosts=("example.org",))
    assert settings(500.0).false_alarms_per_million == 500.0
