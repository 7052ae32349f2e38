"""`make evaluate-llm`: what attacks are found at which false-alarm rate, on sources that the model has not seen."""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from evaluation.llm import build
from evaluation.llm.beside import beside_peers
from evaluation.llm.conversations import turns
from evaluation.llm.costs import costs
from evaluation.llm.data import POOL
from evaluation.llm.folds import Folds, folds
from evaluation.llm.negatives import hard_negatives
from evaluation.llm.outputs import outputs
from evaluation.llm.recall import recall
from evaluation.llm.report import out
from evaluation.llm.robustness import robustness
from evaluation.llm.train import fit

SECTIONS: dict[str, Callable[[Folds], None]] = {
    "folds": recall,
    "robustness": robustness,
    "negatives": hard_negatives,
    "turns": turns,
    "outputs": outputs,
    "peers": beside_peers,
    "costs": lambda _: costs(),
}


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m evaluation.llm", description=__doc__)
    options.add_argument("--only", choices=SECTIONS, help="one section")
    options.add_argument("--write", action="store_true", help="make the package's artefact anew")
    asked = options.parse_args()
    if not POOL.exists():
        print(f"skipped: the pool of texts is not there ({POOL.name}); the artefact in the package is used as it is")
        return
    began = time.monotonic()
    made = folds()
    out.print(f"{len(made.rows):,} texts, four trainings without a group of sources each: {time.monotonic() - began:.0f} s")
    artefact(made, asked.write)
    for name, section in SECTIONS.items():
        if asked.only in (None, name):
            section(made)
    out.print(f"in {time.monotonic() - began:.0f} s")


def artefact(made: Folds, write: bool) -> None:
    """Is the one in the package what these texts give?"""
    with tempfile.TemporaryDirectory() as folder:
        path = build.PATH if write else Path(folder) / build.PATH.name
        before = hashlib.sha256(build.PATH.read_bytes()).hexdigest()
        model = fit(made.corpus, np.ones(len(made.rows), bool))
        size = build.write(made.rows, model, made.scales, build.common_words(made.rows), path)
        same = hashlib.sha256(path.read_bytes()).hexdigest() == before
    said = "the same as" if same else "now in place of" if write else "NOT the same as"
    out.print(f"artefact of {size:,} bytes, {said} the package's")


if __name__ == "__main__":
    sys.exit(main())
