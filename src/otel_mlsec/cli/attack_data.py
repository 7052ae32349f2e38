"""Natural rows for attacks, from a file: what the attacker has, what honest clients ask, what a reference is fitted on."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.attack.columns import Columns
from otel_mlsec.attack.knowledge import Knowledge
from otel_mlsec.attack.traffic import Traffic, benign
from otel_mlsec.cli.models import load_model
from otel_mlsec.config import Config
from otel_mlsec.reference.reference import MIN_ROWS, Reference

MAX_ROWS = 200_000  # of the file that are used, chosen at random
LEAST = 20  # rows of an attacker, and of honest clients
BENIGN = 10_000


@dataclass(frozen=True, kw_only=True)
class Data:
    """
    Attributes:
        known, pool, fitted: (n, d) disjoint rows: the attacker's, honest clients', the reference's where none is given.
    """

    columns: Columns
    known: Floats
    pool: Floats
    fitted: Floats
    model: Any  # None for other targets
    reference: Reference | None

    @classmethod
    def read(cls, options: argparse.Namespace, config: Config) -> Data:
        """
        Raises:
            ValueError: the file cannot be read as rows, lacks what is named, or has too few.
            ImportError: pandas is not installed.
        """
        model = load_model(options.model) if options.model else None
        reference = None
        if options.reference:
            reference = Reference.load(options.reference, key=config.reference_key.encode() or None)
        frame = _read(options.data)
        known = [column.name for column in reference.inputs] if reference is not None else []
        frame = frame[_features(list(map(str, frame.columns)), options, _fitted_on(model) or known)]
        rng = np.random.default_rng(options.seed)
        frame = frame.iloc[rng.permutation(len(frame))[:MAX_ROWS]].reset_index(drop=True)
        columns = Columns(frame)
        rows = columns.numbers(frame)
        fit = 0 if reference is not None or options.url else len(rows) // 2
        known_rows = (len(rows) - fit) * 2 // 5
        if known_rows < LEAST or 0 < fit < MIN_ROWS:
            least = 5 * LEAST // 2 if not fit else 2 * MIN_ROWS
            raise ValueError(f"{options.data} has {len(rows)} rows; at least {least} are needed")
        return cls(columns=columns, fitted=rows[:fit], known=rows[fit : fit + known_rows], pool=rows[fit + known_rows :],
                   model=model, reference=reference)  # fmt: skip

    def traffic(self, options: argparse.Namespace) -> Traffic:
        """Honest clients' queries, in as many as are wanted."""
        n = options.benign if options.benign is not None else 0 if options.url else BENIGN
        if not n:
            none = np.zeros(0, np.int64)
            return Traffic(rows=self.pool[:0], principals=none, times=np.zeros(0), kinds=none.astype(np.int8))
        like = Knowledge.of(self.pool, n_classes=2)
        return benign(
            self.pool, n, low=like.low, high=like.high, decimals=like.decimals, numeric=self.columns.numeric, seed=options.seed
        )


def _features(names: Sequence[str], options: argparse.Namespace, known: Sequence[str]) -> list[str]:
    wanted = [name for name in options.features.split(",") if name]
    for option, name in [("--label", options.label), *(("--features", name) for name in wanted)]:
        if name and name not in names:
            raise ValueError(f"{option} names {name!r}, which is no column; those are {', '.join(names[:20])}")
    if wanted:
        return wanted
    missing = [name for name in known if name not in names]
    if known and len(missing) < len(known):
        if missing:
            raise ValueError(f"{options.data} lacks {', '.join(missing[:5])}, which the target knows")
        return list(known)
    return [name for name in names if name != options.label]


def _fitted_on(model: Any) -> list[str]:
    """Names of the features that a model was fitted on, where it says so."""
    try:
        names = getattr(model, "feature_names_in_", None)
    except (AttributeError, ValueError, TypeError):  # a property of some, which raises before they are fitted
        names = None
    return [str(name) for name in names] if names is not None else []


def _read(path: Path) -> Any:
    parquet = path.suffix in (".parquet", ".pq")
    if not parquet and not path.name.endswith((".csv", ".csv.gz", ".csv.zip")):
        raise ValueError(f"{path} must be .csv, .csv.gz, .csv.zip or .parquet")
    try:
        pandas = import_module("pandas")
    except ImportError as error:
        raise ImportError("attacks from a file need pandas: pip install 'otel-mlsec[attack]'") from error
    try:
        frame = pandas.read_parquet(path) if parquet else pandas.read_csv(path)
    except ValueError as error:
        said = str(error).partition("\n")[0]
        raise ValueError(f"{path} cannot be read as rows ({type(error).__name__}: {said})") from error
    frame.columns = [str(name) for name in frame.columns]
    return frame
