"""JSON values of a shape that nobody promised: each of these takes anything and gives what the caller can work with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeGuard, cast

Object = dict[str, Any]  # as `json.loads` makes it; what is in it is anybody's guess

LABEL = re.compile(r"[A-Za-z0-9_.:/-]{1,64}")


def is_object(value: object) -> TypeGuard[Object]:
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def mapping(value: object) -> Object:
    return cast(Object, value) if isinstance(value, dict) else {}


def sequence(value: object) -> Sequence[Any]:
    """A list as it is, nothing as an empty one, and a single value as a list of one."""
    return cast("list[Any]", value) if isinstance(value, list) else () if value is None else (value,)


def string(value: object) -> str:
    return value if isinstance(value, str) else ""


def label(value: object, otherwise: str = "") -> str:
    """A word that names something, short and without blanks; whatever else comes is `otherwise`, and never passed on."""
    return value if isinstance(value, str) and LABEL.fullmatch(value) else otherwise


def count(value: object) -> int | None:
    """A number of tokens; some providers write it as a float."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 2**53:
        return None
    return int(value)


def position(value: object, otherwise: int = 0) -> int:
    """An index that a body gives: any other value is `otherwise`."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else otherwise
