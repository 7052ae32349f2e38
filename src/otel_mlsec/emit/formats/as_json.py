"""A document as one line of JSON, also of numbers and characters that JSON or UTF-8 have not."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any


def as_json(document: Mapping[str, Any]) -> str:
    """ASCII only, so no reader can take anything in it for the end of a line."""
    return json.dumps(_finite(document), separators=(",", ":"), allow_nan=False)


def _finite(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode("utf-8")  # halves of pairs
        case float() if not math.isfinite(value):
            return str(value)
        case Mapping():
            return {str(key): _finite(inner) for key, inner in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        case Sequence():
            return [_finite(inner) for inner in value]  # pyright: ignore[reportUnknownVariableType]
        case _:
            return value
