"""Messages that say little one by one."""

from __future__ import annotations

import random

from tests.detectors.llm.spoken import turn, user

from otel_mlsec.detectors.llm.persistence import MOST, Persistence
from otel_mlsec.finding import Finding


def said(detector: Persistence, *scores: float, conversation: str = "c", principal: str = "") -> list[Finding]:
    call = {"conversation": conversation, "principal": principal}
    return [
        finding
        for score in scores
        for finding in detector.update(turn(user("…", score), answered=False, **call))  # pyright: ignore[reportArgumentType] fields of the completion
    ]


def test_five_doubtful_messages_of_a_conversation_are_a_finding():
    [finding] = said(Persistence(), *[2.4] * 5)

    assert finding.evidence["by"] == "conversation"
    assert 1 < int(str(finding.evidence["messages"])) <= 5


def test_one_message_alone_is_none_however_bad():
    assert said(Persistence(), 9.0) == []


def test_conversation_and_principal_tell_the_same_once():
    found = said(Persistence(), *[2.4] * 5, 0.1, 0.1, principal="user:1")

    assert len(found) == 1


def test_benign_messages_are_hardly_ever_one():
    rng = random.Random(1)
    detector = Persistence()

    found = said(detector, *(rng.expovariate(2.302585) for _ in range(20_000)))

    assert len(found) <= 3


def test_long_names_and_many_of_them_are_bounded():
    detector = Persistence()
    for i in range(MOST + 50):
        said(detector, 0.5, conversation=f"{i}" + "x" * 5_000)

    state = detector.snapshot()

    assert len(state["keys"]) == MOST
    assert sum(array.nbytes for array in state.values()) < 1 << 20


def test_a_sum_goes_on_where_it_was_restored():
    first, second = Persistence(), Persistence()
    said(first, 2.4, 2.4, 2.4, conversation="c\x00")

    second.restore(first.snapshot())

    assert len(said(second, 2.4, 2.4, conversation="c\x00")) == 1
