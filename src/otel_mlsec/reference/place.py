"""Where the reference of one model lies, and what it must have been fitted with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the application or the model's registry say of it.

    Attributes:
        told: a `Reference`, or where one lies; None: as the settings say.
        beside: file in which one lies if it is there, as `model.joblib.mlsec`; what settings say of the model goes before it.
        file: of the model, whose digest the reference's must be.
        digest: that of the model where it is known without a file.
        columns: names that the data must have had; None: not known.
    """

    told: Any = None
    beside: str = ""
    file: str = ""
    digest: str = ""
    columns: tuple[str, ...] | None = None
