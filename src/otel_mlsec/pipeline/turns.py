"""From a captured call of a language model to what detectors look at: every text read, judged once, known to be new or not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from otel_mlsec.errors import contained
from otel_mlsec.observation import Completion, Origin, Role, Text
from otel_mlsec.pipeline.recent import Recent
from otel_mlsec.text.cut import MOST, cut
from otel_mlsec.text.reading import Reading
from otel_mlsec.text.turn import Judged, Turn, Verdict

Judge = Callable[[Reading], Verdict]

MAX_CHARACTERS = 512 << 10  # of texts that are judged in one call
LOOKED_AT = MOST  # characters of one text that a judge looks at, at most
LEAST = 256  # characters that a text counts for, as a thousand empty ones are work, too
MAX_VERDICTS = 4096
MAX_SEEN = 1 << 16
MAX_KEPT = 64  # verdicts of a call that are kept until its answer
NOTHING = Verdict()


@dataclass(frozen=True, slots=True)
class Heard:
    """What is remembered of a call between its question and its answer: no text."""

    fresh: frozenset[int] = frozenset()  # indices of inputs
    verdicts: Mapping[int, Verdict] = field(default_factory=dict[int, Verdict])  # the worst, by index


class Turns:
    """State: verdicts of the last 4096 texts, digests of the last 65536 that somebody said.

    Args:
        judge: says how much a text looks like an attack; asked once for a text, as long as it is remembered.
    """

    def __init__(self, judge: Judge, /) -> None:
        self._judge = judge
        self._verdicts: Recent[Verdict] = Recent(MAX_VERDICTS)
        self._seen: Recent[bool] = Recent(MAX_SEEN)

    def asked(self, completion: Completion) -> Turn:
        """Before the answer.  Work is bounded: new texts are judged first, the newest of them first; what was left out of
        them is counted in `completion.unread`, and is new again with the next call.
        """
        texts = completion.inputs
        digests = [digest_of_text(text) for text in texts]
        fresh = self._fresh(completion, digests)
        readings = [Reading(text) for text in texts]
        verdicts = dict(self._judged(readings, digests, fresh))
        unread = len(fresh - verdicts.keys())
        fresh &= verdicts.keys()  # what was left out is nobody's to look at
        who = _who(completion)
        for index in fresh:
            self._seen.put(_said_by(who, digests[index]), True)
        return Turn(
            completion=replace(completion, unread=completion.unread + unread) if unread else completion,
            inputs=_inputs(readings, verdicts, fresh),
        )

    def answered(self, completion: Completion, heard: Heard) -> Turn:
        """After it; `heard` is what `remember` gave of the turn before."""
        return Turn(
            completion=completion,
            inputs=_inputs([Reading(text) for text in completion.inputs], heard.verdicts, heard.fresh),
            outputs=tuple(map(Reading, completion.outputs)),
            answered=True,
        )

    def _fresh(self, completion: Completion, digests: Sequence[bytes]) -> set[int]:
        """What stands behind the last word of the model is new; before it, what nobody said in this conversation so far."""
        texts, who = completion.inputs, _who(completion)
        last_answer = max((index for index, text in enumerate(texts) if text.role is Role.ASSISTANT), default=-1)
        return {
            index
            for index, digest in enumerate(digests)
            if (index > last_answer and not operators(texts[index])) or self._seen.get(_said_by(who, digest)) is None
        }

    def _judged(self, readings: Sequence[Reading], digests: Sequence[bytes], fresh: set[int]) -> Iterator[tuple[int, Verdict]]:
        """New texts first, the newest first, then those of the past, of which most are remembered."""
        left = MAX_CHARACTERS
        for index in sorted(range(len(readings)), key=lambda index: (index in fresh, index), reverse=True):
            text = readings[index].text
            verdict = NOTHING if operators(text) else self._verdicts.get(digests[index])
            if verdict is None:
                left -= max(LEAST, min(len(text.text), LOOKED_AT))
                if left < 0:
                    continue  # another may be remembered
                with contained("judge"):  # a text that cannot be judged must not hide the others
                    verdict = self._judge(readings[index])
                if verdict is None:
                    continue
                self._verdicts.put(digests[index], verdict)
            yield index, verdict


def remember(turn: Turn) -> Heard:
    """The little of a turn that its answer is judged with."""
    scored = [(index, judged.verdict) for index, judged in enumerate(turn.inputs) if judged.verdict.score > 0]
    worst = sorted(scored, key=lambda pair: -pair[1].score)[:MAX_KEPT]
    fresh = frozenset(index for index, judged in enumerate(turn.inputs) if judged.fresh)
    return Heard(fresh, dict(worst))


def digest_of(turn: Turn) -> str:
    """The same for two calls that say the same for the first time; "" for one that says nothing new."""
    if not any(judged.fresh for judged in turn.inputs):
        return ""
    digest = hashlib.blake2b(digest_size=16)
    for judged in turn.inputs:
        if judged.fresh:
            digest.update(digest_of_text(judged.reading.text))
    return digest.hexdigest()


def _inputs(readings: Sequence[Reading], verdicts: Mapping[int, Verdict], fresh: Collection[int]) -> tuple[Judged, ...]:
    return tuple(
        Judged(reading=reading, verdict=verdicts.get(index, NOTHING), fresh=index in fresh)
        for index, reading in enumerate(readings)
    )


def operators(text: Text) -> bool:
    """What the application itself says is never judged: nine of ten system prompts look like an attack."""
    return text.role is Role.SYSTEM and text.origin is Origin.OPERATOR


def _who(completion: Completion) -> bytes:
    return f"{completion.principal}\x1f{completion.conversation}".encode("utf-8", "surrogatepass")


def _said_by(who: bytes, digest: bytes) -> bytes:
    return hashlib.blake2b(digest + who, digest_size=8).digest()


def digest_of_text(text: Text) -> bytes:
    """What is looked at of a text, its length, and whose it is: the same words are judged otherwise in a document."""
    digest = hashlib.blake2b(cut(text.text)[0].encode("utf-8", "surrogatepass"), digest_size=16)
    digest.update(f"\x1f{len(text.text)}\x1f{text.role}\x1f{text.origin}\x1f{text.form}".encode())
    return digest.digest()
