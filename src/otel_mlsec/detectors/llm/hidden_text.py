"""Text that people do not see and models read: in tag characters, variation selectors, zero-width marks, turned direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from otel_mlsec.detector import State
from otel_mlsec.detectors.llm.suspects import FROM
from otel_mlsec.detectors.llm.tell import tell
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.text.cut import cut
from otel_mlsec.text.invisible import may_hide
from otel_mlsec.text.turn import Judged, Turn

# How many of a kind are no accident.  Arabic, Persian, Indic scripts and emoji use joiners, terminals colours, and
# none of these counts them.
ENOUGH = {
    "tag_characters": 7,
    "variation_selectors": 8,
    "zero_width_run": 8,
    "zero_width": 5,
    "bidi": 1,
    "concealed": 1,
    "control": 8,
    "private_use": 64,
}
SPELLED = ("tag_characters", "variation_selectors", "zero_width_run")  # channels whose message a view shows


@dataclass(slots=True, kw_only=True)
class HiddenText:
    """Hidden characters in what a model is given (ATLAS AML.T0068): facts, not statistics; the score is how many there are.

    HIGH where they spell a message, MEDIUM otherwise.
    """

    name: ClassVar[str] = "llm/hidden_text"

    def update(self, turn: Turn, /) -> list[Finding]:
        if turn.answered:
            return []
        for judged in turn.inputs:
            text = judged.reading.text
            if judged.fresh and text.origin in FROM and may_hide(cut(text.text)[0]):
                signs = judged.reading.seen.signs
                found = {sign: n for sign in ENOUGH if (n := signs.get(sign, 0)) >= ENOUGH[sign]}
                if found:
                    return [_finding(turn, judged, found)]
        return []

    def snapshot(self) -> State:
        return {}

    def restore(self, state: State, /) -> None:
        pass


def _finding(turn: Turn, judged: Judged, found: dict[str, int]) -> Finding:
    worst = max(found, key=lambda sign: found[sign])
    spelled = [view.layer for view in judged.reading.seen.views if view.layer in SPELLED]
    text = judged.reading.text
    what = ", ".join(f"{n:,} {sign.replace('_', ' ')}" for sign, n in found.items())
    return tell(
        turn,
        HiddenText.name,
        kind="llm.hidden_text",
        title="Hidden text",
        summary=f"{FROM[text.origin]} {text.message}: {what}{'; they spell a message' if spelled else ''}",
        severity=Severity.HIGH if spelled else Severity.MEDIUM,
        score=float(found[worst]),
        threshold=float(ENOUGH[worst]),
        about=text,
        evidence={"hidden": tuple(found), "characters": sum(found.values()), "decoded": bool(spelled)},
    )
