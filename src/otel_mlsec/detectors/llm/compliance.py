"""Answers that show that an attack worked: the same finding as of the question, one step worse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import ClassVar

from otel_mlsec.detector import State
from otel_mlsec.detectors.llm.passages import OF_A_CALL, pattern
from otel_mlsec.detectors.llm.tell import tell
from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Form, Origin
from otel_mlsec.text.cut import MOST, cut
from otel_mlsec.text.turn import SUSPECTED, UNTRUSTED, Judged, Turn

LEAST = 256  # characters that an answer counts for
OPENING = 400  # characters in which a refusal says that it is one
DEMANDS = 16  # phrases of one prompt
PREFIX = 4  # characters of a phrase that an answer starts with
INSIDE = 12  # characters of a phrase that it holds somewhere
STEPS = ((4.0, Severity.CRITICAL), (3.0, Severity.HIGH), (0.0, Severity.MEDIUM))  # one above HIGH, MEDIUM, LOW

_SAY = (
    r"(?i)\b(?:say|saying|respond|reply|answer|begin|beginning|start|starting|open|output|print|write|include|prefix|preface|"
    r"repeat|type|return|append|end)\b[^\"“”„«»`\n]*"
)
DEMANDED = (
    _SAY + r"[\"“„«`]([^\"“”„«»`\n]+)[\"”“»`]",
    _SAY + r"\s'([^'\n]+)'",
    r"\b(?:[Ss]ay|[Oo]utput|[Pp]rint|[Ww]rite|(?:[Rr]espond|[Rr]eply|[Aa]nswer) with)\s+"
    r"(?:exactly\s+|only\s+)?([A-Z][A-Z !]+[A-Z!])",
)
ROLE = (
    r"(?i:\b(?:you are now|act as|pretend to be|you will (?:be|act as|play)|role-?play as|your (?:new )?name is)\s+)"
    r"(?i:an?\s+|the\s+|called\s+|named\s+)*[\"“']?([A-Z][A-Za-z0-9_-]{2,30})"
)
NO_ROLES = frozenset(("ai", "assistant", "chatgpt", "gpt", "the", "english", "linux", "python", "expert"))
# A speaker's name before what it says.
LABEL = (
    r"(?:^|\n)[\s\[(*#_🔓]*(?:DAN|STAN|DUDE|AIM|UCAR|[Jj]ailb(?:reak|roken)|JAILB(?:REAK|ROKEN)|"
    r"(?i:developer mode(?: output)?|evil ?bot|betterdan|antigpt|mongo tom|unrestricted(?: ai)?|unfiltered(?: ai)?))"
    r"[\s*_]*[\])]*[\s*_]*[:\]]"
)
ORDINARY = (
    r"(?i)(?:^|\n)[\s\[(*#_🔒]*(?:classic|gpt|chatgpt|normal(?: output| response)?)"
    r"[\s*_]*[\])]*[\s*_]*[:\]]"
)
CLAIM = (
    r"\b(?i:as|i am|i'm|i’m)\s+(?:now\s+)?(?:DAN\b|(?i:an?\s+)?(?i:unrestricted|unfiltered|uncensored|jailbroken)\b|"
    r"(?i:an?\s+(?:ai|assistant|model) (?:with no|without(?: any)?) (?:restrictions|limits|limitations|filters|rules)))"
    r"|\b(?i:developer|jailbreak|god|dan|unrestricted|evil) (?i:mode)(?i: is)?(?i: now)? "
    r"(?i:enabled|activated|unlocked|engaged)\b"
)
REFUSAL = (
    r"(?i)\b(?:i(?:['’]m| am)(?: very| so| really)? (?:sorry|afraid)|i (?:can(?:['’]t|not)|won['’]t|will not|must decline|"
    r"do not|don['’]t|am unable|am not able|apologi[sz]e)|i['’]m (?:unable|not able|not going)|as an ai\b|"
    r"sorry, (?:but )?i|unable to (?:comply|help|assist)|not (?:able|allowed|permitted) to|against my|decline)"
    r"|\b(?:es tut mir leid|ich kann (?:das |dir |ihnen )?nicht|je ne peux pas|désolé|lo siento|no puedo|mi dispiace|"
    r"non posso|desculpe|não posso|het spijt me|ik kan niet|przepraszam|nie mogę)\b"
    r"|извините|не могу|抱歉|无法|不能|申し訳|できません|죄송"
)


@dataclass(slots=True, kw_only=True)
class Compliance:
    """The answer does what a suspected input wanted; the score is that of the input, in decimal digits.

    It speaks as the persona it was told to be, starts with or holds a phrase that the input demanded in quotes, or gives
    a second answer beside the proper one; and it is no refusal.  Never a finding without a suspected input.

    Does not see: compliance in other words than those demanded.  Not measured, as no answers with a known truth are at hand.
    """

    name: ClassVar[str] = "llm/compliance"
    suspicion: float = SUSPECTED  # digits that an input must have; 2 is one benign text in a hundred
    threshold: float = 3.0  # digits from which the input was a finding by itself

    def update(self, turn: Turn, /) -> list[Finding]:
        suspected = turn.suspected
        if not turn.answered or suspected is None or suspected.verdict.score < self.suspicion:
            return []
        wanted = list(_demanded(suspected))
        roles = list(_roles(suspected))
        left = OF_A_CALL
        for reading in turn.outputs:
            if reading.text.form in (Form.TEXT, Form.REASONING) and left > 0:
                answer = cut(reading.text.text, min(MOST, left))[0]
                left -= max(len(answer), LEAST)
                how = _complied(answer, wanted, roles)
                if how:
                    return [self._finding(turn, suspected, how)]
        return []

    def _finding(self, turn: Turn, suspected: Judged, how: str) -> Finding:
        score, origin = suspected.verdict.score, suspected.reading.text.origin
        indirect = origin in UNTRUSTED
        kind = (
            "llm.injection.indirect" if indirect else "llm.jailbreak" if suspected.verdict.jailbreak else "llm.injection.direct"
        )
        rules = {"rules": suspected.verdict.families} if suspected.verdict.families else {}
        finding = tell(
            turn,
            "llm/jailbreak" if kind == "llm.jailbreak" else "llm/injection",  # whose finding it is: the same key, one step worse
            kind=kind,
            title="Jailbreak that worked" if kind == "llm.jailbreak" else "Prompt injection that worked",
            summary=f"The answer complied ({how.replace('_', ' ')}) with a suspected {_WORDS.get(origin, 'text')}",
            severity=next(severity for least, severity in STEPS if score >= least),
            score=score,
            threshold=self.suspicion,
            about=suspected.reading.text,
            evidence={"complied": True, "how": how, "confirmed_by": self.name, **rules},
        )
        return replace(finding, status=Status.ONGOING) if score >= self.threshold else finding

    def snapshot(self) -> State:
        return {}

    def restore(self, state: State, /) -> None:
        pass


_WORDS = {
    Origin.USER: "message",
    Origin.TOOL: "tool's result",
    Origin.RETRIEVED: "document",
    Origin.TOOL_DESCRIPTION: "tool's description",
}


def _complied(answer: str, wanted: list[str], roles: list[str]) -> str:
    """How, in one word; "" where it does not."""
    data = answer.encode("utf-8", "replace")
    label = pattern(LABEL).search(data)
    if label is not None and not _refuses(data[label.end() :]):  # what others say before it does not matter
        return "two_answers" if pattern(ORDINARY).search(data) else "persona"
    if _refuses(data):
        return ""
    if pattern(CLAIM).search(data):
        return "persona"
    opening = _bare(answer[: OPENING * 2])
    for role in roles:
        if opening.startswith((f"{role}:", f"[{role}]", f"({role})")) or any(
            f"{word} {role}" in opening for word in ("as", "i am", "i'm")
        ):
            return "persona"
    whole = _plain(answer)
    for phrase in wanted:
        if len(phrase) >= PREFIX and opening.startswith(phrase):
            return "forced_start"
        at = whole.find(phrase) if len(phrase) >= INSIDE else -1
        if at >= 0 and whole[at - 1 : at] not in ('"', "“", "'", "‘", "`", "«"):  # told about, not done
            return "forced_phrase"
    return ""


def _refuses(data: bytes) -> bool:
    return pattern(REFUSAL).search(data[:OPENING]) is not None


def _demanded(suspected: Judged) -> Iterator[str]:
    for text in (suspected.reading.text.text, *(view.text for view in suspected.reading.seen.views)):
        data = cut(text)[0].encode("utf-8", "replace")
        for source in DEMANDED:
            for match in islice(pattern(source).finditer(data), DEMANDS):
                phrase = _bare(match.group(1).decode("utf-8", "replace"))
                if PREFIX <= len(phrase) <= 200:
                    yield phrase


def _roles(suspected: Judged) -> Iterator[str]:
    data = cut(suspected.reading.text.text)[0].encode("utf-8", "replace")
    for match in islice(pattern(ROLE).finditer(data), DEMANDS):
        role = match.group(1).decode("utf-8", "replace").lower()
        if role not in NO_ROLES:
            yield role


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("’", "'").split())


def _bare(text: str) -> str:
    """Without layout and what may stand around a phrase."""
    return re.sub(r"^[\s\"“”'‘’`*_#>«»-]+", "", _plain(text)).rstrip("\"“”'‘’`*_ «».:!")
