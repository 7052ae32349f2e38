"""Tool results and documents, with and without instructions to the model that reads them."""

from __future__ import annotations

import random
from itertools import islice

from evaluation.llm.synthetic.pages import DOCUMENTS
from evaluation.llm.synthetic.payloads import note, order
from evaluation.llm.synthetic.rows import Row, distinct
from evaluation.llm.synthetic.tools import TOOLS

TRIES = 3  # drafts for each text that is asked for


def documents(seed: int, n: int) -> list[Row]:
    """About `n` distinct texts, 45 % of them attacks; the same seed gives the same texts.

    Two thirds of the harmless ones hold a request too, addressed to people and in the very places where attacks stand.
    """
    rng = random.Random(f"documents {seed}")
    return list(islice(distinct(_document(rng) for _ in range(n * TRIES)), n))


def _document(rng: random.Random) -> Row:
    role, carriers = rng.choice((("tool", TOOLS), ("document", DOCUMENTS)))
    name = rng.choice(tuple(carriers))
    label = int(rng.random() < 0.45)
    words = order(rng) if label else note(rng) if rng.random() < 0.67 else ""
    return Row(carriers[name](rng, words), label, "en", f"document_{'attack' if label else 'benign'}_{name}", role)
