"""What a saved model answers to recorded rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from otel_mlsec.cli.models import load_model
from otel_mlsec.cli.recording import Part
from otel_mlsec.cli.traffic import Requests
from otel_mlsec.observation import Meaning
from otel_mlsec.reference.column import Column
from otel_mlsec.reference.fit import answers_of
from otel_mlsec.sketches.bins import is_text

CATEGORIES = ("xgboost", "lightgbm")  # libraries that want text as pandas' category


class Asked:
    """A model and the columns that it is asked by: those of the reference, in their order."""

    def __init__(self, path: Path, columns: Sequence[Column], classes: tuple[str, ...]) -> None:
        self._model, self._columns, self._classes = load_model(path), columns, classes
        self._path = path
        self._kind = "category" if type(self._model).__module__.partition(".")[0] in CATEGORIES else "object"

    def answered(self, requests: Requests, part: Part) -> Requests:
        """
        Raises:
            ValueError: a column that the model needs is not recorded, or it cannot answer; the sentence says why.
        """
        if missing := [c.name for c in self._columns if c.name not in requests.features]:
            raise ValueError(f"the model needs {missing[0]!r}, which is no column")
        try:
            answers, classes = answers_of(self._model, self._frame(requests, part))
        except ImportError:
            raise
        except Exception as error:  # foreign code, which raises anything
            said = str(error).partition("\n")[0]
            raise ValueError(f"{self._path} cannot answer ({type(error).__name__}: {said})") from error
        classes = self._classes if len(self._classes) == len(classes) else classes
        told = dict(answers)
        probabilities, label = told.get(Meaning.PROBABILITY), told.get(Meaning.LABEL)
        value = next((told[meaning] for meaning in (Meaning.VALUE, Meaning.MARGIN, Meaning.SCORE) if meaning in told), None)
        if probabilities is not None and probabilities.ndim == 1:  # of a booster: of the second of two classes
            probabilities = np.column_stack([1 - probabilities, probabilities])
        if probabilities is not None and not classes:
            classes = tuple(map(str, range(probabilities.shape[1])))
        return replace(
            requests,
            classes=classes if probabilities is not None else (),
            probabilities=probabilities,
            outputs=value.reshape(len(value), -1) if value is not None and probabilities is None and not classes else None,
            label=label.reshape(-1).astype(np.int64) if label is not None and classes else None,
            labels=[*classes, ""] if label is not None and classes else [],  # the last: -1, a class that is not listed
        )

    def _frame(self, requests: Requests, part: Part) -> Any:
        pandas = import_module("pandas")
        at = {name: i for i, name in enumerate(requests.features)}
        said: dict[str, Any] = {}
        for column in self._columns:
            values = requests.inputs[:, at[column.name]]
            if column.bins.text or bool(is_text(values).any()):
                index, words = part.words(column.name)
                cells = np.array([word or None for word in words], object)[index]
                said[column.name] = pandas.Series(cells).astype(self._kind)
            else:
                said[column.name] = values
        return pandas.DataFrame(said)
