"""Credentials in an answer or in what a tool is called with: which format, never the value."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import ClassVar

from otel_mlsec.detector import State
from otel_mlsec.detectors.llm.passages import Passage, entropy, passages, pattern, said
from otel_mlsec.detectors.llm.secret_formats import ASSIGNMENT, DEFAULTS, FORMATS, NAMES, WORDS
from otel_mlsec.detectors.llm.tell import tell
from otel_mlsec.finding import Finding, Severity
from otel_mlsec.observation import Origin
from otel_mlsec.text.turn import Turn

OF_A_FORMAT = 16  # matches that are looked at, in one text
HASHED = 20  # characters from which on a hash of the value cannot be undone by trying
HASHED_ENTROPY = 3.5  # bits a character, likewise


@dataclass(frozen=True, slots=True)
class Secret:
    format: str
    value: str = field(repr=False)
    passage: Passage


def secrets(passage: Passage) -> Iterator[Secret]:
    """Those of a known format, and values of names that say so; a value may come more than once."""
    data = passage.data
    for known in FORMATS:
        if any(literal in data for literal in known.literals):
            for match in islice(pattern(known.pattern).finditer(data), OF_A_FORMAT):
                groups = match.groups()
                value = ((groups[0] if groups else None) or match.group()).decode("utf-8", "replace")
                if entropy(value) >= known.entropy and not _stands_in(value, known.stand_ins):
                    yield Secret(known.name, value, passage)
    if any(name in data for name in NAMES):
        for match in islice(pattern(ASSIGNMENT).finditer(data), OF_A_FORMAT):
            value = match.group(2).rstrip(b".!?:*_").decode("utf-8", "replace")
            if _assigned(value):
                yield Secret("assigned_secret", value, passage)


def _assigned(value: str) -> bool:
    """Random enough to be nobody's word: more than 3.3 bits a character, letters and digits, no name of something else."""
    mixed = any(c.isalpha() for c in value) and any(c.isdigit() for c in value)
    return mixed and entropy(value) > 3.3 and value[0] not in "$%/@#&." and not _stands_in(value, WORDS)


def _stands_in(value: str, words: tuple[str, ...]) -> bool:
    lower = value.lower()
    if lower in DEFAULTS or any(word in lower for word in words):
        return True
    steps = sum(ord(b) - ord(a) == 1 for a, b in pairwise(lower))
    return steps > len(value) / 2.5  # abcd…, 1234…


@dataclass(slots=True, kw_only=True)
class SecretLeak:
    """Credentials that are given out; the score is how many different ones, and one is enough.

    About 45 published formats, and values of names such as `password`.  What the user of this call wrote is no leak.
    HIGH where the operator's prompt, a tool or a document of this call held it; MEDIUM where it came from elsewhere.
    On 44,890 benign texts, each taken for an answer to nothing, 2 hold what looks like one.

    Does not see: passwords that are words, secrets that are split, translated or described.
    """

    name: ClassVar[str] = "llm/secret_leak"
    most: int = 32  # different secrets of one call that are counted

    def update(self, turn: Turn, /) -> list[Finding]:
        if not turn.answered:
            return []
        found: dict[str, Secret] = {}
        for passage in passages(turn):
            for secret in islice(secrets(passage), self.most):
                if not any(secret.value in other for other in found) and len(found) < self.most:
                    found[secret.value] = secret
        if not found:
            return []
        own = said(turn, Origin.USER)
        leaked = [secret for value, secret in found.items() if value not in own]
        return [self._finding(turn, leaked)] if leaked else []

    def _finding(self, turn: Turn, leaked: list[Secret]) -> Finding:
        given = said(turn, Origin.OPERATOR, Origin.TOOL, Origin.RETRIEVED, Origin.TOOL_DESCRIPTION)
        from_inputs = [secret for secret in leaked if secret.value in given]
        first = (from_inputs or leaked)[0]
        formats = tuple(sorted({secret.format for secret in leaked}))
        where = "the arguments of a tool" if first.passage.arguments else "an answer"
        return tell(
            turn,
            self.name,
            kind="llm.secret_leak",
            title="Secret in an answer",
            summary=f"{len(leaked)} secret(s) in {where}: {', '.join(formats)[:80]}",
            severity=Severity.HIGH if from_inputs else Severity.MEDIUM,
            score=float(len(leaked)),
            threshold=1.0,
            about=first.passage.about,
            subject=formats,
            evidence={
                "formats": formats,
                "n_secrets": len(leaked),
                "from_inputs": len(from_inputs),
                **({"layer": first.passage.layer} if first.passage.layer else {}),
                **_fingerprints(leaked),
            },
        )

    def snapshot(self) -> State:
        return {}

    def restore(self, state: State, /) -> None:
        pass


def _fingerprints(leaked: list[Secret]) -> dict[str, tuple[str, ...]]:
    """Starts of SHA-256, by which an owner recognises what has to be changed; none of a value that could be guessed from it."""
    strong = [s.value for s in leaked if len(s.value) >= HASHED and entropy(s.value) >= HASHED_ENTROPY]
    prints = tuple(hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:8] for value in strong[:8])
    return {"sha256_prefix": prints} if prints else {}
