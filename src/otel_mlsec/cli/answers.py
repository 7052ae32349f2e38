"""What a model answered, as a recording has it -> outputs as capture would have seen them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.cli.traffic import Requests
from otel_mlsec.observation import Meaning
from otel_mlsec.reference.reference import Reference

MAX_CLASSES = 1024  # learned from labels; later ones are -1, classes that the model does not list
CODES = 64  # distinct numbers, above which what is called a label is a value if not all are whole
NUMBERS = (Meaning.VALUE, Meaning.MARGIN, Meaning.SCORE)  # what columns of numbers may be; the first unless a reference knows
UNLISTED = -1.0
SHOWN = 20  # names in a sentence

Answer = tuple[Meaning, Floats]


class Answers:
    """Of one model.  State: names of at most 1,024 classes, and whether labels are values."""

    def __init__(self, reference: Reference | None) -> None:
        said = [column.name.partition("[")[0] for column in reference.outputs] if reference is not None else []
        self.classes = reference.classes if reference is not None else ()
        self._listed = bool(self.classes)
        self._numbers = next((meaning for meaning in NUMBERS if meaning.value in said), Meaning.VALUE)
        self._plain = Meaning.LABEL.value in said and not self._listed  # labels of a model that lists no classes: as they are
        self._values: bool | None = Meaning.VALUE.value in said and Meaning.LABEL.value not in said if said else None

    def of(self, requests: Requests, rows: Any) -> list[Answer]:
        """The answers to `rows`, an index into those of the part, the most telling first: that comes with the inputs.

        Raises:
            ValueError: probabilities of other classes than the model's.
        """
        answers: list[Answer] = []
        if requests.probabilities is not None:
            answers.append((Meaning.PROBABILITY, self._probabilities(requests.classes, requests.probabilities[rows])))
        if requests.label is not None:
            answers.append(self._labels(requests.label[rows], requests.labels))
        if requests.outputs is not None:
            answers.append((self._numbers, requests.outputs[rows]))
        return answers

    def _probabilities(self, names: tuple[str, ...], values: Floats) -> Floats:
        """In the order of the model's classes, where they are those."""
        if not self.classes:
            self.classes, self._listed = names, True
        at = _places(names, self.classes)
        wanted = [int(np.flatnonzero(at == i)[0]) if (at == i).any() else -1 for i in range(len(self.classes))]
        if -1 not in wanted:
            return values[:, wanted]
        if len(wanted) == 2 and max(wanted) >= 0:
            known = values[:, max(wanted)]
            return np.stack([1 - known, known] if wanted[0] < 0 else [known, 1 - known], axis=1)
        said, own = (", ".join(each[:SHOWN]) for each in (names, self.classes))  # which is which cannot be guessed by the order
        raise ValueError(f"probabilities are of {said}; the model's classes are {own}")

    def _labels(self, index: Ints, words: Sequence[str]) -> Answer:
        used = np.unique(index)
        said: list[str] = [words[int(i)] for i in used]
        numbers = np.array([_number(word) for word in words])
        if self._values is None:
            own = numbers[used]
            self._values = not self._listed and len(said) > CODES and bool((own != np.round(own)).any())
        if self._values:
            return Meaning.VALUE, numbers[index][:, None]
        if self._plain:
            return Meaning.LABEL, np.where(np.isnan(numbers), UNLISTED, numbers)[index][:, None]
        if not self._listed:
            self._learn(said)
        return Meaning.LABEL, _places(words, self.classes)[index][:, None]

    def _learn(self, words: Iterable[str]) -> None:
        """In an order that does not depend on the order of the rows, as long as all of them come early."""
        known = set(self.classes)
        new = sorted((word for word in words if word and word not in known), key=lambda word: (_rank(word), word))
        self.classes = (*self.classes, *new)[:MAX_CLASSES]


def other_classes(classes: Sequence[str]) -> ValueError:
    """To be raised where no label is one of a model's classes, as every answer would be called wrong."""
    return ValueError(f"no label is one of the model's classes, {', '.join(classes[:SHOWN])}; is it the right column, and UTF-8?")


def _places(words: Sequence[str], classes: Sequence[str]) -> Floats:
    """(n_words,) positions in `classes`, by what is written or else by the number; -1: not listed."""
    exact = {name: float(i) for i, name in enumerate(classes)}
    by_number = {number: float(i) for i, name in enumerate(classes) if (number := _number(name)) == number}
    return np.array([exact.get(word, by_number.get(_number(word), UNLISTED)) for word in words])


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return float("nan")


def _rank(word: str) -> float:
    number = _number(word)
    return number if number == number else float("inf")
