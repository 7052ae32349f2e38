"""Images, links and tool calls whose address carries away what the call was told."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import islice
from typing import ClassVar

from otel_mlsec.detector import State
from otel_mlsec.detectors.llm.links import Address, Link, address, dense, hidden_text, links, sentence
from otel_mlsec.detectors.llm.passages import Passage, passages, said, worst
from otel_mlsec.detectors.llm.tell import tell
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Origin
from otel_mlsec.text.turn import SUSPECTED, UNTRUSTED, Turn

TOKENS = 48  # words of one address that are looked up
PHRASE = 4  # words in a row that are no coincidence
WORD = re.compile(r"[^\W_]+")
MAIL = re.compile(r"[\w.+-]{1,64}@[\w.-]{1,253}")


class Carries(IntEnum):
    NOTHING = 0
    DATA = 1  # something long and random
    TEXT = 2  # text in base64 or hexadecimal
    CONTEXT = 3  # what this call was told


@dataclass(frozen=True, slots=True)
class Told:
    """What the call was told, in lower case."""

    private: str = field(repr=False)  # by operator, tools and documents
    own: str = field(repr=False)  # by the user
    plain_private: str = field(repr=False)  # its words, one space between them
    plain_own: str = field(repr=False)

    @classmethod
    def of(cls, turn: Turn) -> Told:
        private = said(turn, Origin.OPERATOR, Origin.TOOL, Origin.RETRIEVED).lower()
        own = said(turn, Origin.USER).lower()
        return cls(private, own, " ".join(WORD.findall(private)), " ".join(WORD.findall(own)))


@dataclass(slots=True, kw_only=True)
class Exfiltration:
    """Addresses that carry data to a host nobody named; the score is what they carry (`Carries`), data being enough.

    A host is known that the operator's or the user's text names, or `allowed_hosts` (and all below it); an address that
    an input gave word for word carries nothing new.  HIGH where words of the call leave in an image, which is fetched
    unasked, or in a tool call after a suspected document; LOW where something long and random is in a link that no
    suspected input asked for; MEDIUM else.  On 44,890 benign texts, each taken for an answer to nothing, 5 hold such an
    address.

    Does not see: data in the choice among addresses, in lengths or order, or enciphered and short; known hosts.
    """

    name: ClassVar[str] = "llm/exfiltration"
    allowed_hosts: tuple[str, ...] = ()

    def update(self, turn: Turn, /) -> list[Finding]:
        if not turn.answered:
            return []
        told: Told | None = None
        found: list[tuple[Carries, bool, Passage]] = []
        for passage in passages(turn):
            if passage.layer == "url":
                continue  # addresses are decoded part by part; decoded as a whole they are others
            for link in links(passage.data, bare_only=passage.arguments):
                where = address(link.url)
                if "." not in where.host:
                    continue
                told = told or Told.of(turn)
                if not self._known(where.host, told, turn) and link.url.lower() not in told.private + "\n" + told.own:
                    carries = self._carries(link, where, told, turn)
                    if carries:
                        found.append((carries, link.fetched, passage))
        return [self._finding(turn, found)] if found else []

    def _known(self, host: str, told: Told, turn: Turn) -> bool:
        labels = host.split(".")
        domains = [".".join(labels[i:]) for i in range(len(labels) - 1)][-8:]
        if any(domain in self.allowed_hosts for domain in domains):
            return True
        user = worst(turn, Origin.USER)
        trusted = said(turn, Origin.OPERATOR).lower()
        if user is None or user.verdict.score <= SUSPECTED:
            trusted += "\n" + told.own
        return any(_named(domain, trusted) for domain in domains)

    def _carries(self, link: Link, where: Address, told: Told, turn: Turn) -> Carries:
        suspected = turn.suspected is not None and turn.suspected.verdict.score > SUSPECTED
        unpacked = [hidden_text(part) for part in (*where.carried, *where.path)]
        texts = [text for text in unpacked if text]
        if link.fetched and any(_holds(part, told.private + "\n" + told.own, any_word=True) for part in (*where.carried, *texts)):
            return Carries.CONTEXT
        for part in (*where.carried, *where.path, *texts):
            if _holds(part, told.private, beside=told.own) or _phrase(part, told.plain_private, beside=told.plain_own):
                return Carries.CONTEXT
            if (link.fetched or suspected) and (_holds(part, told.own) or _phrase(part, told.plain_own)):
                return Carries.CONTEXT
        if texts:
            return Carries.TEXT
        if where.signed or not (link.marked or suspected):
            return Carries.NOTHING
        looks = any(dense(part, in_path=False) for part in where.carried) or any(dense(part, in_path=True) for part in where.path)
        looks |= link.fetched and any(sentence(part) for part in (*where.carried, *where.path))  # in a link it is a search
        return Carries.DATA if looks else Carries.NOTHING

    def _finding(self, turn: Turn, found: list[tuple[Carries, bool, Passage]]) -> Finding:
        carries, fetched, passage = max(found, key=lambda one: (one[0], one[1]))
        document = worst(turn, *UNTRUSTED)
        after = passage.arguments and document is not None and document.verdict.score > SUSPECTED
        what = {Carries.DATA: "data", Carries.TEXT: "encoded text", Carries.CONTEXT: "words of this call"}[carries]
        where = "a tool is called with" if passage.arguments else "an image that is fetched unasked" if fetched else "a link"
        return tell(
            turn,
            self.name,
            kind="llm.exfiltration",
            title="Data leaves in an address",
            summary=f"{where[:1].upper()}{where[1:]}: an unknown host's address that carries {what}"
            if not passage.arguments
            else f"A tool is called with an unknown host's address that carries {what}",
            severity=_severity(turn, carries, fetched, after),
            score=float(carries),
            threshold=float(Carries.DATA),
            about=passage.about,
            evidence={
                "carries": carries.name.lower(),
                "fetched": fetched,
                "addresses": len(found),
                **({"layer": passage.layer} if passage.layer else {}),
            },
        )

    def snapshot(self) -> State:
        return {}

    def restore(self, state: State, /) -> None:
        pass


def _severity(turn: Turn, carries: Carries, fetched: bool, after: bool) -> Severity:
    if carries is Carries.CONTEXT and (fetched or after):
        return Severity.HIGH
    suspected = turn.suspected is not None and turn.suspected.verdict.score > SUSPECTED
    return Severity.LOW if carries is Carries.DATA and not fetched and not suspected else Severity.MEDIUM


def _named(domain: str, text: str) -> bool:
    """Whether the text has it as a whole name, not as the end or the middle of another."""
    at = text.find(domain)
    for _ in range(16):
        if at < 0:
            return False
        before, after = text[at - 1 : at] if at else "", text[at + len(domain) : at + len(domain) + 2]
        longer = after[:1].isalnum() or after[:1] == "-" or (after[:1] == "." and after[1:].isalnum())
        if not (before.isalnum() or (before in ("-", ".", "_") and before)) and not longer:
            return True
        at = text.find(domain, at + 1)
    return False


def _holds(part: str, text: str, *, any_word: bool = False, beside: str = "") -> bool:
    """Whether a word of `part`, of six characters or more, is in `text` outside of addresses, and not in `beside`.

    A word that tells one thing from another: it holds a digit, or is an e-mail address; with `any_word` any.
    """
    lower = part.lower()
    mails = [match.group() for match in islice(MAIL.finditer(lower), 8)]
    words = (match.group() for match in islice(WORD.finditer(lower), TOKENS))
    telling = [word for word in words if len(word) >= 6 and (any_word or (any(c.isdigit() for c in word) and not _year(word)))]
    return any(_outside_addresses(word, text) and word not in beside for word in (*mails, *telling))


def _year(word: str) -> bool:
    """A date without separators tells nobody from anybody."""
    return word.isdigit() and len(word) in (6, 8) and word.startswith(("19", "20"))


def _outside_addresses(word: str, text: str) -> bool:
    at = text.find(word)
    for _ in range(8):
        if at < 0:
            return False
        chunk = text[max(0, at - 512) : at].rsplit(maxsplit=1)
        alone = not text[at - 1 : at].isalnum() if at else True
        whole = not text[at + len(word) : at + len(word) + 1].isalnum()
        if alone and whole and not (chunk and not text[at - 1 : at].isspace() and "//" in chunk[-1]):
            return True
        at = text.find(word, at + 1)
    return False


def _phrase(part: str, text: str, *, beside: str = "") -> bool:
    words = [match.group() for match in islice(WORD.finditer(part.lower()), TOKENS)]
    runs = (" ".join(words[i : i + PHRASE]) for i in range(len(words) - PHRASE + 1))
    return any(len(run) >= 16 and run in text and run not in beside for run in runs)
