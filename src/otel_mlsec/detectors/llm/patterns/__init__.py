"""What attacks say: rules as data.  RE2 syntax, so matching is linear in the text; case is ignored."""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """One pattern.  Weights are in decimal digits of suspicion, set by hand; of mentions, which make a text less suspicious, negative."""

    name: str
    family: str  # override, extraction, delimiter, jailbreak, indirect, exfiltration, encoded, mention
    weight: float
    pattern: str


def gap(most: int) -> str:
    """Up to so many words of any script between two of a rule's.  (`\\p{L}` in counted gaps makes programs 50 times as large.)"""
    return rf"(?:\W+\S{{1,30}}){{0,{most}}}?\W+"
