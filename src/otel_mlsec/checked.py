"""One text, judged now: for those who want to know before they go on.

The module is not called `check`: importing it would put it in the place of the function of that name.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from otel_mlsec.capture import identity
from otel_mlsec.config import LlmSettings
from otel_mlsec.detectors.llm import build
from otel_mlsec.detectors.llm.fusion import judge
from otel_mlsec.finding import Evidence, Severity
from otel_mlsec.observation import Form, Origin, Role, Text
from otel_mlsec.pipeline.alone import Alone, Ruling
from otel_mlsec.text.turn import Verdict

ROLES: Mapping[str, tuple[Role, Origin, Form]] = {
    "user": (Role.USER, Origin.USER, Form.TEXT),
    "tool": (Role.TOOL, Origin.TOOL, Form.RESULT),
    "document": (Role.TOOL, Origin.RETRIEVED, Form.TEXT),
    "assistant": (Role.ASSISTANT, Origin.MODEL, Form.TEXT),
    "system": (Role.SYSTEM, Origin.OPERATOR, Form.TEXT),
}
SETTINGS = LlmSettings()
THRESHOLD = 6.0 - math.log10(SETTINGS.false_alarms_per_million)  # digits
OF_MANY = frozenset({"llm/persistence", "llm/cost", "llm/tool_misuse", "llm/compliance"})  # see more than one text, or nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What there is to say of one text."""

    flagged: bool
    score: float  # 3: one in a thousand benign texts looks as much like an attack; of an answer, that of its worst finding
    threshold: float  # at or above which a text is flagged
    kind: str = ""  # of the worst finding, such as `llm.jailbreak`; "" for none
    severity: Severity | None = None
    explanation: str = ""  # one line; it quotes nothing of the text
    evidence: Evidence = field(default_factory=dict[str, str | bool | int | float | tuple[str, ...]])

    def __bool__(self) -> bool:
        return self.flagged


_making = threading.RLock()
_alone: Alone | None = None


def _forked() -> None:
    global _making
    _making = threading.RLock()  # who held it is not in the child


os.register_at_fork(after_in_child=_forked)


def check(text: str, role: str = "user") -> Checked:
    """Does this text look like an attack on a language model or, of an answer, like a leak?

    It needs no `instrument()`, sends nothing and learns nothing.  The first call takes some 0.1 s, others 0.1 ms and 0.5 ms a
    kilobyte.  What only a conversation shows is not seen here.

    Args:
        text: what is given to the model, or what it answered.
        role: user, tool (what one returned), document (what was retrieved), assistant (an answer), system (never flagged).

    Raises:
        ValueError: another role.
        TypeError: `text` is no string.
    """
    if role not in ROLES:
        raise ValueError(f"role must be of {', '.join(ROLES)}, got {role!r}")
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance] - the caller may not be typed
        raise TypeError(f"text must be a string, got {type(text).__name__}")
    who, origin, form = ROLES[role]
    if who is Role.SYSTEM:
        return Checked(flagged=False, score=0.0, threshold=THRESHOLD, explanation="what the operator says is not judged")
    return _checked(_made().ruled(Text(text=text, role=who, origin=origin, form=form)))


def _made() -> Alone:
    global _alone
    with _making:
        if _alone is None:
            detectors = build(SETTINGS, key=identity.key(), adaptive=False)
            _alone = Alone(judge(), [detector for detector in detectors if detector.name not in OF_MANY])
        return _alone


def _checked(ruling: Ruling) -> Checked:
    verdict = ruling.verdict
    if not ruling.findings:
        return Checked(
            flagged=False,
            score=verdict.score,
            threshold=THRESHOLD,
            explanation=f"{_rarity(verdict.score)} benign texts looks as much like an attack",
            evidence=_evidence(verdict),
        )
    worst = ruling.findings[0]
    return Checked(
        flagged=True,
        score=max(verdict.score, worst.score) if verdict.score else worst.score,
        threshold=worst.threshold,
        kind=worst.kind,
        severity=worst.severity,
        explanation=f"{worst.title}: {worst.summary}",
        evidence={**_evidence(verdict), **worst.evidence},
    )


def _evidence(verdict: Verdict) -> Evidence:
    known: Evidence = {
        "families": verdict.families,
        "layer": verdict.layer,
        "template": verdict.template,
        "one_in": round(10**verdict.score),
    }
    return {name: value for name, value in known.items() if value}


def _rarity(score: float) -> str:
    return f"1 in {10**score:,.0f}" if score >= 0.31 else "every other of the"
