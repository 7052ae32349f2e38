"""What the levels of categories are called, where the user wants that shown: references keep only hashes of them."""

from __future__ import annotations

from collections.abc import Sequence

from otel_mlsec.cli.recording import Part
from otel_mlsec.observation import text_code
from otel_mlsec.reference.reference import Reference
from otel_mlsec.sketches.bins import REST

LONGEST = 40  # characters


class Names:
    """At most 28 a column."""

    def __init__(self, reference: Reference) -> None:
        self.levels: dict[str, dict[int, str]] = {}  # by column and bin
        self._wanted: dict[str, dict[float, int]] = {}  # codes of text that has no name yet
        for column in reference.inputs:
            own = column.bins.level_bins < REST
            pairs = dict(zip(column.bins.levels[own].tolist(), column.bins.level_bins[own].tolist(), strict=True))
            if column.bins.text:
                self._wanted[column.name] = pairs
                self.levels[column.name] = {}
            elif pairs:
                self.levels[column.name] = {at: f"{code:.12g}" for code, at in pairs.items()}

    def add(self, part: Part, features: Sequence[str]) -> None:
        for name, wanted in self._wanted.items():
            if wanted and name in features:
                for word in part.words(name)[1]:
                    at = wanted.pop(text_code(word), None)
                    if at is not None:
                        self.levels[name][at] = word[:LONGEST]
