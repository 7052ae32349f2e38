"""What detectors of answers look at: the answer and its decoded views, in bounded pieces, and what the call was told before."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import re2

from otel_mlsec.observation import Form, Origin, Text
from otel_mlsec.text.cut import cut
from otel_mlsec.text.turn import Judged, Turn

OF_A_TEXT = 65_536  # characters of one text that are looked at
OF_A_CALL = 262_144  # characters of all answers of one call, and as many of what it was told


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One way to read one text of an answer."""

    about: Text
    layer: str  # of the view; "" is the text as it stands
    data: bytes = field(repr=False)  # UTF-8

    @property
    def arguments(self) -> bool:
        """Whether it goes to a tool and not to a reader."""
        return self.about.form is Form.ARGUMENTS


def passages(turn: Turn) -> Iterator[Passage]:
    """Every answer as it stands and as it decodes, until `OF_A_CALL` characters were given out."""
    left = OF_A_CALL
    for reading in turn.outputs:
        if left <= 0:
            return
        plain = cut(reading.text.text, min(OF_A_TEXT, left))[0]
        left -= len(plain)
        yield Passage(about=reading.text, layer="", data=plain.encode("utf-8", "replace"))
        for view in reading.seen.views:
            if view.text != plain and left > 0:
                left -= len(view.text)
                yield Passage(about=reading.text, layer=view.layer, data=view.text.encode("utf-8", "replace"))


def said(turn: Turn, *origins: Origin) -> str:
    """What the call was told by these, one text a line, the newest last; the oldest are left out where it is too much."""
    kept: list[str] = []
    left = OF_A_CALL
    for judged in reversed(turn.inputs):
        if left <= 0:
            break
        if judged.reading.text.origin in origins:
            kept.append(cut(judged.reading.text.text, left)[0])
            left -= len(kept[-1])
    return "\n".join(reversed(kept))


def worst(turn: Turn, *origins: Origin) -> Judged | None:
    """The text by one of these that looks most like an attack; None where none does."""
    judged = max((j for j in turn.inputs if j.reading.text.origin in origins), key=lambda j: j.verdict.score, default=None)
    return judged if judged is not None and judged.verdict.score > 0 else None


@lru_cache(maxsize=256)
def pattern(source: str) -> re2._Regexp:  # pyright: ignore[reportPrivateUsage] the library has no public name for it
    """A compiled pattern, made when it is first asked for; of this package's own, never of what was captured."""
    options = re2.Options()
    options.max_mem = 32 << 20
    options.log_errors = False
    return re2.compile(source, options)


def entropy(value: str) -> float:
    """Shannon's, of the characters of `value`, in bits a character.

    >>> entropy("abab")
    1.0
    """
    n = len(value)
    return -sum(count / n * math.log2(count / n) for count in Counter(value).values()) if n else 0.0
