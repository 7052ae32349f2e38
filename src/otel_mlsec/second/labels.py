"""Which outputs of a classifier mean an attack: what the operator says, else what `config.json` beside the file calls them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

LIMIT = 16 << 20  # bytes of a config.json
ATTACK = ("inject", "jailbreak", "attack", "malicious", "unsafe", "harm", "toxic", "adversarial")
BENIGN = ("benign", "safe", "legit", "normal", "clean", "harmless", "innocuous")
DENIED = ("not", "non", "no_", "no-", "no ")  # "not_injection"


class UnusableClassifier(Exception):
    """Why a classifier cannot be used; the message names files and settings, and quotes no text."""


def attack_labels(model: Path, n_labels: int, label: str = "") -> Sequence[int]:
    """Indices of outputs whose probabilities add up to that of an attack.

    `label` is an index or a name.  Without it names decide; of two outputs without names it is the second, as is the custom of
    injection classifiers, and a single output is it.

    Raises:
        UnusableClassifier: nothing says which.
    """
    if label.isascii() and label.isdigit():
        if int(label) >= n_labels:
            raise UnusableClassifier(f"has {n_labels} outputs, and label {label[:20]} was asked for")
        return (int(label),)
    names = _names(model.with_name("config.json"), n_labels)
    if label:
        if label.lower() not in names:
            raise UnusableClassifier(
                f"has the labels {', '.join(filter(None, names)) or '(none)'}, and {label[:40]} was asked for"
            )
        return (names.index(label.lower()),)
    if n_labels == 1:
        return (0,)
    benign = [name.startswith(DENIED) or (any(word in name for word in BENIGN) and "unsafe" not in name) for name in names]
    attack = [index for index, name in enumerate(names) if not benign[index] and any(word in name for word in ATTACK)]
    if attack:
        return attack
    if sum(benign) == 1:
        return [index for index in range(n_labels) if not benign[index]]
    if n_labels == 2:
        return (1,)
    raise UnusableClassifier(f"has {n_labels} outputs, and neither a setting nor config.json beside it says which are attacks")


def _names(config: Path, n_labels: int) -> list[str]:
    """Lower-case names by index, "" where there is none."""
    names = [""] * n_labels
    try:
        if config.stat().st_size > LIMIT:
            return names
        said: Any = json.loads(config.read_bytes())
    except (OSError, ValueError, RecursionError):
        return names
    labels: Any = cast("dict[str, Any]", said).get("id2label") if isinstance(said, dict) else None
    if isinstance(labels, dict):
        for index, name in cast("dict[str, Any]", labels).items():
            if index.isascii() and index.isdigit() and len(index) < 6 and int(index) < n_labels and isinstance(name, str):
                names[int(index)] = name.lower()[:100]
    return names
