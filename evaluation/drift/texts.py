"""Texts: false alarms on permutations of benign prompts, and how soon other languages, scripts, lengths and topics are named."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from rich.console import Console
from rich.table import Table

from evaluation.llm.data import POOL
from otel_mlsec.detectors.drift.text_side import TextSide
from otel_mlsec.reference.reference import Reference
from otel_mlsec.settings import ModelSettings

ASKED = ("s-labs", "clinc150", "nlu-eval-data", "instructionwild-seed", "gpteacher-roleplay", "chatterbot-corpus")
CODE = ("codealpaca-2k", "gpteacher-codegen", "oss-code-train")
CHINESE = ("plexpt-qa-zh",)
REFERENCE = 4000  # texts
LONGEST = 6000  # texts that a change is waited for
Change = Callable[[str, np.random.Generator], str]


@cache
def pool(sources: tuple[str, ...], *, latin: bool) -> tuple[str, ...]:
    """Benign texts of some corpora in an order of their own; `latin`: those in ASCII only."""
    import pyarrow.parquet as parquet  # noqa: PLC0415 - only where the pool is

    table = parquet.read_table(POOL, columns=["text", "label", "source"]).to_pydict()
    chosen = [
        text
        for text, label, source in zip(table["text"], table["label"], table["source"], strict=True)
        if not label and source in sources and (not latin or text.isascii())
    ]
    return tuple(chosen[i] for i in np.random.default_rng(0).permutation(len(chosen)))


def main(out: Console, permutations: int = 20, runs: int = 12) -> None:
    if not POOL.exists():
        out.print("texts: SKIPPED, the pool of texts is not here")
        return
    out.rule("texts: 40 properties of prompts")
    benign = pool(ASKED, latin=True)
    known, held_out = benign[:REFERENCE], benign[REFERENCE:]
    reference = Reference.fit_texts(known)
    began, total, alarms = time.process_time(), 0, 0
    for seed in range(permutations):
        order = np.random.default_rng(seed).permutation(len(held_out))
        alarms += len(found(reference, [held_out[i] for i in order]))
        total += len(order)
    cost = (time.process_time() - began) / total
    where = f"{total:,} texts that the reference has not, in {permutations} orders"
    out.print(f"{alarms} findings in {where}; {1e6 * cost:.0f} us a text")
    table = Table(title=f"a change of what is asked, texts until a finding, {runs} runs (reference {REFERENCE:,} texts)")
    for name in ("change", "median", "missed", "first named"):
        table.add_column(name)
    for name, (share, changed) in CHANGES.items():
        delays, named = zip(*(delay(reference, held_out, share, changed, seed) for seed in range(runs)), strict=True)
        words = max(set(named), key=named.count)
        table.add_row(name, f"{np.median(delays):.0f}", str(int(np.isinf(delays).sum())), words)
    out.print(table)


def found(reference: Reference, texts: Sequence[str]) -> list[int]:
    side = TextSide(0, ModelSettings(), reference)
    return [i for i, text in enumerate(texts) if side.add(text, "", float(i))]


def delay(reference: Reference, held_out: Sequence[str], share: float, changed: Change, seed: int) -> tuple[float, str]:
    """Texts from the change on until it is told, inf where it is not; and the first property that is named."""
    chance = np.random.default_rng(seed)
    side = TextSide(0, ModelSettings(), reference)
    before = int(chance.integers(500, 1000))
    for i in range(before + LONGEST):
        text = held_out[int(chance.integers(len(held_out)))]
        text = changed(text, chance) if i >= before and chance.random() < share else text
        for change in side.add(text, "", float(i)):
            if i >= before:
                return i - before + 1, change.effects[0].column
    return np.inf, ""


def _of(sources: tuple[str, ...], *, latin: bool) -> Change:
    def other(text: str, chance: np.random.Generator) -> str:
        del text
        texts = pool(sources, latin=latin)
        return texts[int(chance.integers(len(texts)))]

    return other


def _cyrillic(text: str, chance: np.random.Generator) -> str:
    """Latin letters by Cyrillic ones that look or sound alike, as a translation has them at least."""
    del chance
    return text.lower().translate(str.maketrans("abcdefghijklmnopqrstuvwxyz", "абцдефгхийклмнопкрстувжхыз"))


def _encoded(text: str, chance: np.random.Generator) -> str:
    del chance
    return text.encode().hex()


def _twice(text: str, chance: np.random.Generator) -> str:
    del chance
    return f"{text} {text}"


CHANGES: dict[str, tuple[float, Change]] = {
    "10 % in Cyrillic letters": (0.1, _cyrillic),
    "10 % Chinese": (0.1, _of(CHINESE, latin=False)),
    "10 % of the corpora's other languages": (0.1, _of(("oa-locales",), latin=False)),
    "30 % about code": (0.3, _of(CODE, latin=False)),
    "5 % encoded": (0.05, _encoded),
    "all twice as long": (1.0, _twice),
}

if __name__ == "__main__":
    main(Console(width=118))
