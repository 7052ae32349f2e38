"""Prompts of a corpus, judged as calls of a model are: each is one turn of its conversation, or a call of its own."""

from __future__ import annotations

import collections
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from otel_mlsec.cli.prompts import Prompt
from otel_mlsec.finding import Finding
from otel_mlsec.observation import Completion, Form, Model, Origin, Role, Text
from otel_mlsec.pipeline.turns import Judge, Turns, remember
from otel_mlsec.text.turn import TextDetector, Turn, Verdict

CONVERSATIONS = 4096  # remembered; the one that was silent longest is forgotten
KEPT = 64  # newest texts of a conversation
KEPT_SYSTEM = 4  # first texts of its operator
KEPT_CHARACTERS = 1 << 20  # of one conversation
CHARACTERS = 1 << 26  # of all of them
MODEL = Model(name="scan")
NOTHING = Verdict()

SPEAKER = {
    "user": (Role.USER, Origin.USER, Form.TEXT),
    "tool": (Role.TOOL, Origin.TOOL, Form.RESULT),
    "document": (Role.TOOL, Origin.RETRIEVED, Form.TEXT),
    "system": (Role.SYSTEM, Origin.OPERATOR, Form.TEXT),
    "assistant": (Role.ASSISTANT, Origin.MODEL, Form.TEXT),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What came of one prompt."""

    prompt: Prompt
    score: float  # of what a model is given: decimal digits, as `Verdict.score`; of an answer that of its worst finding, or 0
    verdict: Verdict
    findings: Sequence[Finding]  # the worst first


class Scanner:
    """Keeps what was said in each conversation, so that answers are judged beside it."""

    def __init__(self, judge: Judge, detectors: Sequence[TextDetector]) -> None:
        self._turns, self._detectors = Turns(judge), detectors
        self._said: collections.OrderedDict[str, _Dialogue] = collections.OrderedDict()
        self._characters = 0  # of all that is kept
        self._time = time.time()

    def scan(self, prompt: Prompt) -> Scanned:
        dialogue = self._dialogue(prompt.conversation)
        role, origin, form = SPEAKER[prompt.role]
        if role is Role.ASSISTANT and prompt.tool:
            form = Form.ARGUMENTS
        text = Text(text=prompt.content, role=role, origin=origin, form=form, message=dialogue.length, tool=prompt.tool)
        verdict, found = NOTHING, list[Finding]()
        if role is Role.ASSISTANT:
            found = self._found(self._answered(prompt, dialogue.texts(), text))
            score = max((finding.score for finding in found), default=0.0)
        else:
            turn = self._asked(prompt, (*dialogue.texts(), text))
            found = self._found(turn) if role is not Role.SYSTEM else found
            verdict = turn.inputs[-1].verdict
            score = verdict.score
        if prompt.conversation:
            self._keep(dialogue, text)
        return Scanned(prompt=prompt, score=score, verdict=verdict, findings=found)

    def _asked(self, prompt: Prompt, inputs: tuple[Text, ...]) -> Turn:
        """Only the last text is new: of each before it, findings were told with its own line."""
        turn = self._turns.asked(self._completion(prompt, inputs))
        return replace(turn, inputs=(*(replace(each, fresh=False) for each in turn.inputs[:-1]), turn.inputs[-1]))

    def _answered(self, prompt: Prompt, inputs: tuple[Text, ...], output: Text) -> Turn:
        heard = remember(self._turns.asked(self._completion(prompt, inputs)))
        return self._turns.answered(replace(self._completion(prompt, inputs), outputs=(output,)), heard)

    def _completion(self, prompt: Prompt, inputs: tuple[Text, ...]) -> Completion:
        return Completion(
            model=MODEL,
            operation="chat",
            inputs=inputs,
            conversation=prompt.conversation,
            principal=f"user:{prompt.principal}" if prompt.principal else "",
            time=self._time,
        )

    def _found(self, turn: Turn) -> list[Finding]:
        found = [finding for detector in self._detectors for finding in detector.update(turn)]
        return sorted(found, key=lambda finding: (-finding.severity, -finding.score))

    def _dialogue(self, conversation: str) -> _Dialogue:
        if not conversation:
            return _Dialogue()
        dialogue = self._said.setdefault(conversation, _Dialogue())
        self._said.move_to_end(conversation)
        return dialogue

    def _keep(self, dialogue: _Dialogue, text: Text) -> None:
        self._characters += dialogue.add(text)
        while len(self._said) > 1 and (len(self._said) > CONVERSATIONS or self._characters > CHARACTERS):
            self._characters -= self._said.popitem(last=False)[1].characters


class _Dialogue:
    """What was said in one conversation, as far as it is kept."""

    __slots__ = ("_recent", "_system", "characters", "length")

    def __init__(self) -> None:
        self.length = 0  # texts, kept or not
        self.characters = 0  # kept
        self._system: list[Text] = []
        self._recent: collections.deque[Text] = collections.deque()

    def texts(self) -> tuple[Text, ...]:
        return (*self._system, *self._recent)

    def add(self, text: Text) -> int:
        """Keep a text, let old ones go; by how many characters that is more."""
        before = self.characters
        self.length += 1
        self.characters += len(text.text)
        if text.role is Role.SYSTEM and len(self._system) < KEPT_SYSTEM:
            self._system.append(text)
        else:
            self._recent.append(text)
        while len(self._recent) > KEPT or (self.characters > KEPT_CHARACTERS and len(self._recent) > 1):
            self.characters -= len(self._recent.popleft().text)
        return self.characters - before
