"""A finding about a text, told so that an analyst can act: which message, whose words, how rare; never the words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from otel_mlsec.finding import Evidence, Finding, Severity
from otel_mlsec.observation import Text
from otel_mlsec.text.turn import Turn

NAME = re.compile(r"[\w.:/-]{1,64}")  # of a tool: models and third parties choose it, and a sentence is no name


def tell(
    turn: Turn,
    detector: str,
    *,
    kind: str,
    title: str,
    summary: str,
    severity: Severity,
    score: float,
    threshold: float,
    about: Text | None = None,
    subject: tuple[str, ...] = (),
    evidence: Mapping[str, str | bool | int | float | tuple[str, ...]] | None = None,
) -> Finding:
    """Where `about` is given, role, origin and index of the message go with it; `summary` must not quote a text."""
    call = turn.completion
    where: Evidence = {} if about is None else {
        "role": about.role.value, "origin": about.origin.value, "form": about.form.value, "message": about.message,
        **({"tool": about.tool} if NAME.fullmatch(about.tool) else {}),
    }  # fmt: skip
    return Finding(
        kind=kind,
        detector=detector,
        title=title,
        summary=summary,
        severity=severity,
        score=score,
        threshold=threshold,
        model=call.model,
        time=call.time,
        first_seen=call.time,
        principal=call.principal,
        subject=subject,
        evidence={**where, **(evidence or {})},
    )
