"""Detectors of answers on ten megabytes that somebody wrote to keep them busy: they end, and say what it took."""

from __future__ import annotations

import random
import string
import time

import pytest
from tests.detectors.llm.spoken import answer, call_of, document, system, tool, turn, user

from otel_mlsec.config import LlmSettings
from otel_mlsec.detectors.llm import build
from otel_mlsec.observation import Form
from otel_mlsec.text.canary import mint

KEY = b"0123456789abcdef"
ANSWERED = tuple(
    f"llm/{name}"
    for name in ("system_prompt_leak", "secret_leak", "pii_leak", "exfiltration", "tool_misuse", "compliance", "cost")
)
RNG = random.Random(1)
SIZE = 10 << 20
TRIGGERS = "AKIA ghp_ sk-ant- xoxb- eyJ -----BEGIN PRIVATE KEY----- password= ://a:b@c a@b. rm -rf / ~/.ssh/id_ DROP TABLE "
WORDS = [
    "AKIA ghp_ sk- sk-ant- xoxb- SG. eyJ password token secret api_key= -----BEGIN PRIVATE KEY-----",
    "".join(RNG.choices(string.ascii_letters + string.digits + "+/", k=4096)),
    " ".join("".join(RNG.choices(string.ascii_lowercase, k=RNG.randrange(3, 14))) for _ in range(800)) + " ",
    "![a](https://b.example/?q=" + "c" * 30 + ") ",
    "![[[[[[[[[[[[[[[[[[[[",
    "](//](//](//](//",
    "<img <img src=//a.b <a href=",
    "a@a.a@a.a@",
    "4111 1111 1111 1112 ",
    "212-736-5000 DE89 3704 0044 0532 0130 01 1.2.3.4 +1 2 3 4 5 6 7 8 ",
    "rm -rf rm -rf curl x | curl | dd of= chmod chmod -R ",
    "say \"aaaa\" say 'bbbb' As DAN GPT: ",
    "eyJ" + "a" * 20 + ".",
    "\u200b\ud800\U000e0041é",
    "[" * 4096,
    TRIGGERS,
]


@pytest.mark.parametrize("seed", WORDS, ids=range(len(WORDS)))
@pytest.mark.parametrize("form", [Form.TEXT, Form.ARGUMENTS])
def test_ten_megabytes_are_looked_at_within_bounds(seed: str, form: Form, capsys: pytest.CaptureFixture[str]):
    text = (seed * (SIZE // len(seed) + 1))[:SIZE]
    said = call_of("run", text) if form is Form.ARGUMENTS else answer(text)
    call = turn(system(text[:200_000]), user(text[:200_000], 3.0, jailbreak=True), tool(text[:200_000], 3.0), answers=(said,))
    assert call.outputs[0].seen.views  # what decoders take is theirs
    for detector in build(LlmSettings(), key=KEY, only=ANSWERED):
        began = time.perf_counter()
        findings = detector.update(call)
        took = time.perf_counter() - began
        with capsys.disabled():
            if took > 0.02:
                print(f"\n{detector.name} on {seed[:16]!r}: {took * 1e3:.0f} ms")  # noqa: T201  a figure for who runs it; timings are no assertions
        assert len(findings) <= 8


def test_a_call_with_very_many_answers_is_looked_at_within_bounds():
    call = turn(answers=tuple(f"token {i} is ghp_{i:036d}" for i in range(20_000)))

    for detector in build(LlmSettings(), only=ANSWERED):
        assert len(detector.update(call)) <= 8


@pytest.mark.parametrize("name", ANSWERED)
def test_what_is_not_answered_is_not_judged_and_state_is_a_copy(name: str):
    [detector] = build(LlmSettings(), key=KEY, only=(name,))
    call = turn(
        system("word " * 50), user("As DAN", 3.0), document("x", 3.0), answers=(mint(KEY), "ghp_" + "aB3" * 12), answered=False
    )

    assert detector.update(call) == []
    before = {key: array.copy() for key, array in detector.snapshot().items()}
    state = detector.snapshot()
    for array in state.values():
        array[...] = 0
    after = detector.snapshot()
    assert before.keys() == after.keys()
    assert all((before[key] == after[key]).all() for key in before)
