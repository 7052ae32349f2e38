"""A change of properties of free text in a column, in their own units, the one that a person can name first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from otel_mlsec.detectors.drift.change import Change
from otel_mlsec.detectors.drift.effect import Effect
from otel_mlsec.detectors.drift.tell import GONE, usual
from otel_mlsec.finding import Status
from otel_mlsec.reference.column import Column
from otel_mlsec.text.languages import LANGUAGES
from otel_mlsec.text.properties import ECHOES, SHARES

UNITS = {"word length": "characters", "entropy": "bits a character", "surprise": "bits, by the letters of known ones,"}


def ordered(change: Change, made: Collection[str]) -> Change:
    """`made` are the columns that are properties."""
    first = sorted(change.effects, key=lambda effect: (_echoes(effect.column, made), -effect.distance))
    return replace(change, effects=tuple(first))


def is_echo(change: Change, open_: Sequence[str], made: Collection[str]) -> bool:
    """Nothing but what every change of texts changes, too, of columns that have another property open (`open_`)."""
    own = {effect.column for effect in change.effects}
    others = {_of(name) for name in open_ if name in made and name not in own}
    return change.status is not Status.RESOLVED and all(_echoes(name, made) and _of(name) in others for name in own)


def words(effect: Effect, columns: Sequence[Column], made: Collection[str]) -> str:
    """Means over texts, never a text; of a column that is no property, or has gone missing, as of any other."""
    if effect.column not in made or abs(effect.missing - effect.missing_before) >= GONE:
        return usual(effect)
    return words_of(effect, _of(effect.column), effect.column.rpartition(": ")[2], columns)


def words_of(effect: Effect, what: str, name: str, columns: Sequence[Column]) -> str:
    """Of property `name` of the texts that are called `what`."""
    before = next(column.mean for column in columns if column.name == effect.column)
    after = before + effect.shift
    if name in LANGUAGES:
        said = f"texts in {name} {_percent(before)} -> {_percent(after)}"
    elif name in SHARES:
        said = f"{name} {_percent(before)} -> {_percent(after)}"
    elif name == "length":
        said = f"typical length {np.expm1(before):,.0f} -> {np.expm1(after):,.0f} characters"
    else:
        said = f"{name} {before:.3g} -> {after:.3g} {UNITS.get(name, 'in [-1, 1]')}"
    return f"{what}: {said} JS {effect.distance:.2f} [{effect.low:.2f}, {effect.high:.2f}]"


def _of(name: str) -> str:
    return name.rpartition(": ")[0]


def _echoes(name: str, made: Collection[str]) -> bool:
    return name in made and name.rpartition(": ")[2] in ECHOES


def _percent(share: float) -> str:
    return f"{100 * min(max(share, 0.0), 1.0):.3g} %"
