"""What a verdict costs: time on texts that are all different, memory over many of them, and texts made to be slow."""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import numpy as np

from evaluation.llm.calibrate import reading
from evaluation.llm.data import load
from evaluation.llm.report import out, table
from otel_mlsec.detectors.llm.fusion import judge

ASKED = {100: 0.3, 1_000: 1.0, 10_000: 8.0}  # bytes: ms at the median
HOSTILE = {
    "ignore previous": "ignore previous ", "marks": "```", "lines": "\n", "images": "![", "base64": "QUJD", "hex": "41",
    "zero width": "a\u200d", "accents": "a\u0301\u0316", "leet": "1gn0r3 ", "selectors": "\ufe01", "tags": "\U000e0041",
    "spaced": "a b c d ", "reversed": "eht fo ", "quotes": "'xqzw jkqx qqzx' ", "braces": '{"a":[', "surrogates": "\ud800",
}  # fmt: skip


def costs() -> None:
    benign = load()
    texts = benign.text[~benign.attack & ~np.char.endswith(benign.kind.astype(str), "_ml")]
    chance, verdict = np.random.default_rng(0), judge()
    verdict(reading("warm", False))
    shown = table("CPU of a verdict, ms, on distinct texts", "text", "asked p50", "user p50", "p95", "document p50", "p95")
    joined = " \n".join(chance.permutation(texts)[:9000])
    for size, asked in ASKED.items():
        whole = [text[:size] for text in chance.permutation(texts[np.char.str_len(texts.astype(str)) >= size])[:400]]
        sample = whole if size <= 1_000 else [joined[i : i + size] for i in range(0, 120 * size, size)]
        cells: list[str] = []
        for document in (False, True):
            spent: list[float] = []
            for text in sample:
                began = time.process_time()
                verdict(reading(text, document))
                spent.append(1e3 * (time.process_time() - began))
            cells += [f"{np.percentile(spent, 50):.2f}", f"{np.percentile(spent, 95):.2f}"]
        shown.add_row(f"{size:,} B", f"≤ {asked}", *cells)
    out.print(shown)
    shown = table("CPU of a verdict on 10 MB made to be slow, ms (asked ≤ 50)", "of", "user", "document")
    for name, piece in HOSTILE.items():
        text = piece * (10_000_000 // len(piece))
        cells = []
        for document in (False, True):
            began = time.process_time()
            verdict(reading(text, document))
            cells.append(f"{1e3 * (time.process_time() - began):.1f}")
        shown.add_row(name, *cells)
    out.print(shown)
    grown = subprocess.run([sys.executable, "-m", "evaluation.llm.costs"], capture_output=True, text=True, check=True).stdout
    out.print(f"\nMemory over 100,000 different texts, in a process of its own: {grown.strip()} (asked ≤ 50 MB)")


def growth(n: int = 100_000) -> float:
    """MB by which the process grows; words of the pool, put together anew for each text."""
    rows, chance, verdict = load(), np.random.default_rng(3), judge()
    words = np.array([word for text in rows.text[:4000] for word in text[:4000].split()][:80_000], dtype=object)
    del rows
    for i in range(1_000):  # what is made once is no growth
        verdict(reading(" ".join(words[i : i + 60]), bool(i % 2)))
    before = _resident()
    for i in range(n):
        at, length = int(chance.integers(0, len(words) - 80)), int(chance.integers(5, 80))
        verdict(reading(f"{' '.join(words[at : at + length])} {i}", i % 4 == 0))
    return _resident() - before


def _resident() -> float:
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize() / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(f"{growth():.1f} MB")
