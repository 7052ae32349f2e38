"""A rehearsal from the words of a command line: target, what it answers, traffic and a reference."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import Any

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.attack.answering import OTHER, Answering
from otel_mlsec.attack.knowledge import Knowledge
from otel_mlsec.attack.rehearsal import Rehearsal
from otel_mlsec.attack.targets import classes_of, of_callable, of_model
from otel_mlsec.cli.attack_data import Data
from otel_mlsec.config import Config
from otel_mlsec.observation import Meaning, Model
from otel_mlsec.reference.reference import Reference
from otel_mlsec.table import table

AT_ONCE = 4096  # rows that a target is asked about


def rehearsal(options: argparse.Namespace, data: Data, config: Config) -> Rehearsal:
    target = of_model(data.model) if data.model is not None else of_callable(options.callable)
    columns = data.columns
    knowledge = Knowledge.of(data.known, n_classes=2)
    said = target(columns.frame(knowledge.held))
    answering = Answering(said, classes_of(data.model) or (data.reference.classes if data.reference is not None else ()))
    knowledge = replace(knowledge, n_classes=answering.n_classes)
    classes = tuple(name for name in answering.classes if name != OTHER)

    def ask(rows: Floats) -> Floats:
        parts = [answering.of(target(columns.frame(rows[i : i + AT_ONCE]))) for i in range(0, len(rows), AT_ONCE)]
        return np.concatenate(parts) if parts else np.zeros((0, answering.n_classes))

    name = type(data.model).__name__ if data.model is not None else options.callable.rpartition(":")[2]
    reference = data.reference
    if reference is None:
        reference = _fitted(columns.frame(data.fitted), ask(data.fitted), classes, name, labels_only=answering.labels_only)
    traffic = data.traffic(options)
    return Rehearsal(
        ask=ask,
        inputs=_Inputs(data, reference),
        knowledge=knowledge,
        held=answering.of(said),
        traffic=traffic,
        answers=ask(traffic.rows),
        reference=reference,
        settings=config.of(reference.model.name or name),
        classes=classes,
        labels_only=answering.labels_only,
        seed=options.seed,
    )


def _fitted(frame: Any, answers: Floats, classes: tuple[str, ...], name: str, *, labels_only: bool) -> Reference:
    rows, names = table(frame)
    if rows is None:
        raise ValueError("the data cannot be read as a table")
    said = [] if labels_only else [(Meaning.PROBABILITY, answers)]
    return Reference.of_matrix(
        rows, names, None, answers=[*said, (Meaning.LABEL, answers.argmax(axis=1).astype(np.float64))], classes=classes,
        model=Model(name=name), created=time.time(),
    )  # fmt: skip


class _Inputs:
    """Rows as capture would see them: text by its code, features that the reference knows."""

    def __init__(self, data: Data, reference: Reference) -> None:
        self._columns = data.columns
        known = {column.name for column in reference.inputs}
        self._at = [i for i, name in enumerate(data.columns.names) if name in known]
        if not self._at:
            raise ValueError(f"the reference knows none of the features; it knows {', '.join(sorted(known)[:20])}")
        self._names = tuple(data.columns.names[i] for i in self._at)

    def __call__(self, rows: Floats) -> tuple[Floats, tuple[str, ...]]:
        cells, _ = table(self._columns.frame(rows))
        if cells is None:
            raise ValueError("the data cannot be read as a table")
        return np.ascontiguousarray(cells[:, self._at]), self._names
