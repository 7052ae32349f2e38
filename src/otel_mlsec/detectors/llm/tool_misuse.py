"""Tool calls that destroy, read credentials, or do what a document wanted and the user did not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from otel_mlsec.detector import State
from otel_mlsec.detectors.llm.passages import passages, said, worst
from otel_mlsec.detectors.llm.tell import tell
from otel_mlsec.detectors.llm.tool_dangers import (
    COMMANDS,
    CONSEQUENTIAL,
    CREDENTIALS,
    LOOK_UP,
    Danger,
    dangers,
    name_words,
    strings,
    values,
)
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Form, Origin, Text
from otel_mlsec.text.turn import SUSPECTED, UNTRUSTED, Turn

DOUBTFUL = 1.0  # from which on a value of its own in a consequential call is


@dataclass(frozen=True, slots=True)
class Context:
    """What the call was told, in lower case, and how suspicious those of its texts are that nobody vouches for."""

    own: str
    trusted: str
    untrusted: str
    score: float
    fresh: bool
    called: frozenset[str]  # tools that were called before

    @classmethod
    def of(cls, turn: Turn) -> Context:
        document = worst(turn, *UNTRUSTED)
        before = (judged.reading.text for judged in turn.inputs)
        return cls(
            own=said(turn, Origin.USER).lower(),
            trusted=said(turn, Origin.USER, Origin.OPERATOR).lower(),
            untrusted=said(turn, *UNTRUSTED).lower(),
            score=0.0 if document is None else document.verdict.score,
            fresh=document is not None and document.fresh,
            called=frozenset(text.tool for text in before if text.form is Form.ARGUMENTS),
        )


@dataclass(slots=True, kw_only=True)
class ToolMisuse:
    """Arguments of tool calls; the score is the suspicion of the document behind them, and at least `SUSPECTED`.

    Destructive commands and paths of credentials, unless the user wrote them: HIGH, MEDIUM where they are everyday work
    (`drop table`, `.env`).  Values of a document alone (addresses, hosts, accounts), in a call after that document was
    suspected: HIGH; in a consequential call after one that is merely doubtful: MEDIUM.  A consequential tool that is
    called for the first time when a suspected document has come in: MEDIUM.

    Does not see: tools whose names say nothing, values that the user mentioned, goals that need no value.
    """

    name: ClassVar[str] = "llm/tool_misuse"
    most: int = 8  # findings of one call

    def update(self, turn: Turn, /) -> list[Finding]:
        if not turn.answered or not any(reading.text.form is Form.ARGUMENTS for reading in turn.outputs):
            return []
        context = Context.of(turn)
        found: dict[tuple[str, ...], Finding] = {}
        for passage in passages(turn):
            if passage.arguments and len(found) < self.most:
                text = strings(passage.data.decode("utf-8", "replace"))
                for finding in self._findings(turn, context, passage.about, text):
                    if finding.subject not in found or finding.severity > found[finding.subject].severity:
                        found[finding.subject] = finding
        return list(found.values())

    def _findings(self, turn: Turn, context: Context, about: Text, text: str) -> Iterator[Finding]:
        words = name_words(about.tool)
        if not words & LOOK_UP:
            for title, rules in (("Destructive command", COMMANDS), ("Credentials accessed", CREDENTIALS)):
                wanted = context.own if context.score <= SUSPECTED else ""
                serious = [danger for danger in dangers(text, rules) if danger.matched.strip("\"' ").lower() not in wanted]
                if serious:
                    yield self._danger(turn, context, about, title, serious)
        tainted = [value for value in values(text) if value in context.untrusted and value not in context.trusted]
        consequential = bool(words & CONSEQUENTIAL)
        if tainted and (context.score > SUSPECTED or (consequential and context.score >= DOUBTFUL)):
            high = context.score > SUSPECTED
            yield self._tell(
                turn, context, about, "Tool call with a value from a document", "tainted_value",
                f"{len(tainted)} address(es) or account(s) that only a suspected document named",
                Severity.HIGH if high else Severity.MEDIUM, {"values": len(tainted)},
            )  # fmt: skip
        elif consequential and context.fresh and context.score > SUSPECTED and about.tool not in context.called:
            yield self._tell(
                turn, context, about, "Tool call after a suspected document", "after_document",
                "First call of a consequential tool, right after a suspected document", Severity.MEDIUM, {},
            )  # fmt: skip

    def _danger(self, turn: Turn, context: Context, about: Text, title: str, serious: list[Danger]) -> Finding:
        names = tuple(danger.rule.name for danger in serious)
        grave = context.score > SUSPECTED or any(danger.rule.grave for danger in serious)
        return self._tell(
            turn, context, about, title, title.partition(" ")[0].lower(),
            f"{title} in the arguments of a tool: {', '.join(names)[:80]}",
            Severity.HIGH if grave else Severity.MEDIUM, {"rules": names},
        )  # fmt: skip

    def _tell(
        self,
        turn: Turn,
        context: Context,
        about: Text,
        title: str,
        what: str,
        summary: str,
        severity: Severity,
        evidence: dict[str, tuple[str, ...] | int],
    ) -> Finding:
        return tell(
            turn,
            self.name,
            kind="llm.tool_misuse",
            title=title,
            summary=summary,
            severity=severity,
            score=max(context.score, SUSPECTED if what != "tainted_value" else DOUBTFUL),
            threshold=SUSPECTED if what != "tainted_value" else DOUBTFUL,
            about=about,
            subject=(about.tool, what),
            evidence={**evidence, "document_score": context.score},
        )

    def snapshot(self) -> State:
        return {}

    def restore(self, state: State, /) -> None:
        pass
