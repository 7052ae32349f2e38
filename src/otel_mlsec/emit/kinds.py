"""Which kinds of finding a detector can make: their counters exist, at zero, before the first of them."""

from collections.abc import Mapping, Sequence
from typing import Final

KINDS: Final[Mapping[str, Sequence[str]]] = {
    "drift/data": ("drift.data", "drift.order"),
    "drift/cycle": ("drift.cycle",),
    "drift/anchor": ("drift.anchor",),
    "drift/joint": ("drift.joint",),
    "drift/prediction": ("drift.prediction",),
    "drift/performance": ("drift.performance",),
    "drift/concept": ("drift.concept",),
    "anomaly/input": ("anomaly.input",),
    "evasion/near_duplicate": ("evasion.near_duplicate",),
    "evasion/sequence": ("evasion.sequence",),
    "extraction/account": ("extraction.account",),
    "extraction/volume": ("extraction.volume",),
    "extraction/coordinated": ("extraction.coordinated",),
    "llm/injection": ("llm.injection.direct", "llm.injection.indirect"),
    "drift/text": ("drift.text",),
    "llm/compliance": (),  # its findings are those of the two above, one step worse
    "llm/system_prompt_leak": ("llm.system_prompt_leak", "llm.canary_leak"),
    "llm/second_opinion": ("llm.jailbreak", "llm.injection.direct", "llm.injection.indirect"),
    "drift/facts": (
        "drift.unseen", "drift.missing", "drift.column_gone", "drift.type", "drift.infinite", "drift.range", "drift.stuck",
        "drift.repeated",
    ),
}  # fmt: skip


def kinds(detector: str) -> Sequence[str]:
    """The kinds of a detector; of one that is not listed, the kind that bears its name."""
    return KINDS.get(detector, (detector.replace("/", "."),))
