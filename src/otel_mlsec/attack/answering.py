"""What a target says, as probabilities of classes, in whichever form it says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats

MAX_LABELS = 100  # distinct ones; more are numbers, or names of rows
OTHER = "(another)"  # class of labels that it never gave to natural rows


class Form(Enum):
    PROBABILITIES = "probabilities of classes"
    POSITIVE = "the probability of the second of two classes"
    LABELS = "labels"


class Answering:
    """Learned from the answers to natural rows.

    Args:
        said: one answer a row: numbers, an object of numbers by class, one probability, or a label.
        classes: their names in the order of the probabilities, where somebody knows them.

    Raises:
        ValueError: answers that are none of these, as a regression's.
    """

    def __init__(self, said: Any, classes: Sequence[str] = ()) -> None:
        self._keys = _keys(said)
        answers = _array(said, self._keys)
        if answers.ndim == 2 and answers.shape[1] > 1:
            self.form = Form.PROBABILITIES
            k = answers.shape[1]
            self.classes = self._keys or (tuple(classes) if len(classes) == k else tuple(map(str, range(k))))
        elif answers.dtype.kind == "f" and bool((answers != np.round(answers)).any()):
            self.form = Form.POSITIVE
            self.classes = tuple(classes) if len(classes) == 2 else ("0", "1")
        else:
            self.form = Form.LABELS
            labels = {_label(each) for each in answers.ravel().tolist()}
            if len(labels) > MAX_LABELS:
                raise ValueError(f"the target answers with more than {MAX_LABELS} distinct labels, so they are no classes")
            self.classes = (*sorted(labels, key=lambda label: (_rank(label), label)), OTHER)
        self.of(said)  # of all that it says, nothing must be odd

    @property
    def n_classes(self) -> int:
        return len(self.classes)

    @property
    def labels_only(self) -> bool:
        return self.form is Form.LABELS

    def of(self, said: Any) -> Floats:
        """Answers to n rows -> (n, k).

        Raises:
            ValueError: they are not what it said before.
        """
        answers = _array(said, self._keys)
        if self.form is Form.LABELS:
            index = {name: i for i, name in enumerate(self.classes)}
            at = [index.get(_label(each), self.n_classes - 1) for each in answers.ravel().tolist()]
            return np.eye(self.n_classes)[at]
        numbers = _numbers(answers)
        if self.form is Form.POSITIVE:
            if numbers.ndim == 2 and numbers.shape[1] != 1:
                raise ValueError(f"the target answered {numbers.shape[1]} numbers where it had answered one")
            numbers = numbers.reshape(len(numbers))
            if not ((numbers >= 0) & (numbers <= 1)).all():
                raise ValueError("the target answers with numbers that are no probabilities; attacks need classes")
            return np.stack([1 - numbers, numbers], axis=1)
        if numbers.shape != (len(numbers), self.n_classes):
            raise ValueError(f"the target answered {numbers.shape[1:]} numbers where it had answered {self.n_classes}")
        if not ((numbers >= 0) & (numbers <= 1)).all():  # scores of classes
            numbers = np.exp(numbers - numbers.max(axis=1, keepdims=True))
            numbers /= numbers.sum(axis=1, keepdims=True)
        return numbers


def _keys(said: Any) -> tuple[str, ...]:
    first = said[0] if len(said) else None
    return tuple(map(str, cast("Mapping[Any, Any]", first))) if isinstance(first, Mapping) else ()


def _array(said: Any, keys: tuple[str, ...]) -> npt.NDArray[Any]:
    """(n,) or (n, k)."""
    try:
        if keys:
            said = [[each[key] for key in keys] for each in said]
        answers = np.asarray(said)
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise ValueError("the target's answers differ in their form from row to row") from error
    if answers.ndim not in (1, 2) or answers.dtype.kind not in "fiubUO":
        raise ValueError(f"the target answers with what is neither probabilities nor labels: {answers.ndim} dimensions of "
                         f"{answers.dtype}")  # fmt: skip
    return answers.reshape(len(answers)) if answers.ndim == 2 and answers.shape[1] == 1 else answers


def _numbers(answers: npt.NDArray[Any]) -> Floats:
    try:
        numbers = answers.astype(np.float64)
    except (ValueError, TypeError) as error:
        raise ValueError("the target answered no numbers where it had answered some") from error
    if not np.isfinite(numbers).all():
        raise ValueError("the target answered what is no number")
    return numbers


def _label(value: Any) -> str:
    """12.0 is 12: how libraries write a whole number is nobody's class."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _rank(label: str) -> float:
    try:
        return float(label)
    except ValueError:
        return float("inf")
