"""The operator's prompt in an answer: runs of its words, or a canary that stood in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from otel_mlsec.detector import State
from otel_mlsec.detectors.llm.passages import OF_A_TEXT, Passage, passages, said
from otel_mlsec.detectors.llm.prompts import Grams, Prompts, grams, vocabulary, words
from otel_mlsec.detectors.llm.tell import tell
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Origin
from otel_mlsec.text.canary import recognise
from otel_mlsec.text.cut import cut
from otel_mlsec.text.turn import SUSPECTED, UNTRUSTED, Turn

SHORTEST = 10  # words of a prompt: of less, an answer to the point says most


@dataclass(slots=True, kw_only=True)
class SystemPromptLeak:
    """Runs of five words of the call's own system prompt in its answer, plain, decoded or in arguments; the score is how many.

    Letters only, so that layout, case and digits do not matter.  What user, tools and documents of the call say as well
    does not count, nor what other system prompts of the process have too, nor what changes in every filling of the
    prompt (documents and dates that are put into it).  Six runs are ten words in a row.  Measured on edited prompts of
    one process, not on a model: 0 of 697 unrelated answers; of 679 leaks 630 where 25 words were verbatim, all where the
    whole prompt was, in capitals or with every eighth word changed, 671 with every fifth.

    A canary (`text/canary.py`) in the answer is HIGH; in a URL or in what a tool is called with, CRITICAL.

    Does not see: paraphrase, translation, prompts under ten words.  A prompt that says word for word what to answer is
    found in the answer.
    """

    name: ClassVar[str] = "llm/system_prompt_leak"
    runs: int = 6  # that are a finding
    bad: int = 12  # that are HIGH
    key: bytes = field(default=b"", repr=False)  # of the canaries; none are looked for without
    _prompts: Prompts = field(default_factory=Prompts, init=False, repr=False)

    def __post_init__(self) -> None:
        if not 1 <= self.runs <= self.bad:
            raise ValueError(f"runs must be in [1, bad = {self.bad}], got {self.runs}")

    def update(self, turn: Turn, /) -> list[Finding]:
        if not turn.answered:
            return []
        return [*self._words(turn), *self._canaries(turn)]

    def _words(self, turn: Turn) -> Iterator[Finding]:
        numbers, secret = self._secret(turn)
        if len(secret) < self.runs:
            return
        hits = np.zeros(0, np.uint64)
        first: Passage | None = None
        for passage in passages(turn):
            here = np.intersect1d(grams(words(passage.data.decode("utf-8", "replace")), numbers), secret)
            first = passage if first is None and len(here) >= self.runs else first
            hits = np.union1d(hits, here)
        if len(hits) >= self.runs:
            others = grams(words(said(turn, Origin.USER, *UNTRUSTED)), numbers)
            hits = np.setdiff1d(hits, others)
        if len(hits) >= self.runs:
            yield self._finding(turn, first, len(hits), len(secret))

    def _secret(self, turn: Turn) -> tuple[dict[str, int], Grams]:
        """Numbers of the words of the call's system prompts, and their n-grams that are secret."""
        numbers: dict[str, int] = {}
        secret = np.zeros(0, np.uint64)
        told = said(turn, Origin.OPERATOR)
        said_words = words(cut(told, OF_A_TEXT)[0])
        if len(said_words) >= SHORTEST:
            numbers = vocabulary(said_words)
            secret = self._prompts.secret(grams(said_words, numbers))
        return numbers, secret

    def _finding(self, turn: Turn, passage: Passage | None, hits: int, of: int) -> Finding:
        suspected = turn.suspected
        asked = suspected is not None and suspected.verdict.score > SUSPECTED
        return tell(
            turn,
            self.name,
            kind="llm.system_prompt_leak",
            title="System prompt in an answer",
            summary=f"{hits} runs of 5 words of the system prompt, {hits / of:.0%} of it, are in the answer",
            severity=Severity.HIGH if hits >= self.bad or asked else Severity.MEDIUM,
            score=float(hits),
            threshold=float(self.runs),
            about=turn.outputs[0].text if passage is None else passage.about,
            evidence={
                "runs": hits,
                "share": hits / of,
                "asked_for": asked,
                **({"layer": passage.layer} if passage and passage.layer else {}),
            },
        )

    def _canaries(self, turn: Turn) -> Iterator[Finding]:
        if not self.key:
            return
        found: dict[str, tuple[bool, Passage]] = {}  # canary -> whether it leaves for elsewhere, and where it was
        for passage in passages(turn):
            text = passage.data.decode("utf-8", "replace")
            for canary in recognise(self.key, text):
                leaves = passage.arguments or _in_url(text, canary)
                if canary not in found or leaves > found[canary][0]:
                    found[canary] = leaves, passage
        if not found:
            return
        leaves, passage = max(found.values(), key=lambda where: where[0])
        where = "goes to a tool" if passage.arguments else "stands in a URL" if leaves else "is in the answer"
        yield tell(
            turn,
            self.name,
            kind="llm.canary_leak",
            title="Canary in an answer",
            summary=f"A canary of this application {where}",
            severity=Severity.CRITICAL if leaves else Severity.HIGH,
            score=float(len(found)),
            threshold=1.0,
            about=passage.about,
            evidence={"canaries": len(found), "leaves": leaves, **({"layer": passage.layer} if passage.layer else {})},
        )

    def snapshot(self) -> State:
        return self._prompts.snapshot()

    def restore(self, state: State, /) -> None:
        self._prompts.restore(state)


def _in_url(text: str, canary: str) -> bool:
    """Whether the word around it holds a `://`."""
    found = re.search(canary, text, re.IGNORECASE)
    at = found.start() if found else 0
    word = text[max(0, at - 2048) : at].rsplit(maxsplit=1)
    return bool(word) and not text[at - 1 : at].isspace() and "://" in word[-1]
