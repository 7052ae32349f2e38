"""Texts of a call: which are judged, which are new, and how much work that may be."""

from __future__ import annotations

from typing import Any

from otel_mlsec import errors
from otel_mlsec.observation import Completion, Form, Model, Origin, Role, Text
from otel_mlsec.pipeline.turns import LEAST, LOOKED_AT, MAX_CHARACTERS, MAX_KEPT, Turns, digest_of, remember
from otel_mlsec.text.reading import Reading
from otel_mlsec.text.turn import Verdict


class Counting:
    """A judge that finds the word "attack", and what it was asked about."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, reading: Reading) -> Verdict:
        self.asked.append(reading.text.text)
        return Verdict(score=4.0 if "attack" in reading.text.text else 0.5)


def user(text: str) -> Text:
    return Text(text=text, role=Role.USER, origin=Origin.USER)


def system(text: str) -> Text:
    return Text(text=text, role=Role.SYSTEM, origin=Origin.OPERATOR)


def assistant(text: str) -> Text:
    return Text(text=text, role=Role.ASSISTANT, origin=Origin.MODEL)


def call(*inputs: Text, **fields: Any) -> Completion:
    return Completion(model=Model(name="m"), operation="chat", inputs=inputs, **fields)


def fresh(turn: Any) -> list[str]:
    return [judged.reading.text.text for judged in turn.inputs if judged.fresh]


def test_the_worst_input_is_suspected_and_the_system_is_never_judged():
    judge = Counting()

    turn = Turns(judge).asked(call(system("attack"), user("hello"), user("an attack")))

    assert turn.suspected is not None
    assert turn.suspected.reading.text.text == "an attack"
    assert turn.inputs[0].verdict == Verdict()
    assert "attack" not in judge.asked


def test_what_a_third_party_says_in_the_systems_place_is_judged():
    judge = Counting()

    Turns(judge).asked(call(Text(text="a tool", role=Role.SYSTEM, origin=Origin.TOOL_DESCRIPTION, form=Form.DESCRIPTION)))

    assert judge.asked == ["a tool"]


def test_history_that_is_sent_again_is_neither_new_nor_judged_again():
    judge = Counting()
    turns = Turns(judge)
    first = turns.asked(call(system("s"), user("one"), principal="app:1", conversation="c"))

    second = turns.asked(call(system("s"), user("one"), assistant("a"), user("two"), principal="app:1", conversation="c"))

    assert fresh(first) == ["s", "one"]
    assert fresh(second) == ["a", "two"]
    assert sorted(judge.asked) == ["a", "one", "two"]


def test_the_same_words_said_once_more_are_new_and_by_somebody_else_too():
    turns = Turns(Counting())
    turns.asked(call(user("attack"), principal="app:1"))

    again = turns.asked(call(user("attack"), principal="app:1"))
    another = turns.asked(call(user("attack"), assistant("no"), user("x"), principal="app:2"))

    assert fresh(again) == ["attack"]
    assert "attack" in fresh(another)


def test_the_same_words_in_a_document_are_another_text():
    judge = Counting()
    turns = Turns(judge)

    turns.asked(call(user("attack")))
    turns.asked(call(Text(text="attack", role=Role.TOOL, origin=Origin.RETRIEVED)))

    assert judge.asked == ["attack", "attack"]


def test_work_is_bounded_the_newest_comes_first_and_the_rest_is_counted_and_new_the_next_time():
    judge = Counting()
    turns = Turns(judge)
    most = MAX_CHARACTERS // LOOKED_AT
    texts = [user(f"{i} " + "x" * 2 * LOOKED_AT) for i in range(2 * most)]

    turn = turns.asked(call(*texts))

    assert len(judge.asked) == most
    assert judge.asked[0] == texts[-1].text
    assert turn.completion.unread == most
    assert sum(judged.fresh for judged in turn.inputs) == len(turn.inputs) - most  # what was left out is no detector's to read
    assert len(fresh(turns.asked(call(*texts, assistant("a"))))) == most + 1


def test_a_million_empty_texts_are_bounded_too():
    judge = Counting()

    Turns(judge).asked(call(*[user(str(i)) for i in range(5000)]))

    assert len(judge.asked) == MAX_CHARACTERS // LEAST


def test_an_answer_is_judged_with_what_its_question_was_found_to_be():
    turns = Turns(Counting())
    asked = turns.asked(call(user("attack"), user("hello")))
    answered = call(user("attack"), user("hello"), system("s"))
    outputs = (assistant("sure"),)

    turn = turns.answered(
        Completion(model=answered.model, operation="chat", inputs=answered.inputs, outputs=outputs), remember(asked)
    )

    assert turn.answered
    assert turn.suspected is not None
    assert (turn.suspected.reading.text.text, turn.suspected.verdict.score) == ("attack", 4.0)
    assert [judged.fresh for judged in turn.inputs] == [True, True, False]
    assert [reading.text.text for reading in turn.outputs] == ["sure"]


def test_little_is_kept_until_the_answer():
    heard = remember(Turns(Counting()).asked(call(*[user(f"attack {i}") for i in range(500)], user("calm"))))

    assert len(heard.verdicts) == MAX_KEPT
    assert {verdict.score for verdict in heard.verdicts.values()} == {4.0}


def test_halves_of_surrogate_pairs_are_text_too():
    assert fresh(Turns(Counting()).asked(call(user("\ud83d"), principal="\udc00"))) == ["\ud83d"]


def test_a_text_that_cannot_be_judged_hides_no_other_and_is_counted(monkeypatch):
    monkeypatch.setattr(errors, "raising", False)

    def judge(reading: Reading) -> Verdict:
        if reading.text.text == "poison":
            raise RecursionError
        return Verdict(score=4.0)

    turn = Turns(judge).asked(call(user("attack"), user("poison")))

    assert fresh(turn) == ["attack"]
    assert turn.suspected is not None
    assert turn.completion.unread == 1


def test_turns_in_which_nothing_is_new_are_not_the_same():
    turns = Turns(Counting())
    said = call(user("attack"), assistant("no"))

    assert digest_of(turns.asked(said)) != ""
    assert digest_of(turns.asked(said)) == ""
