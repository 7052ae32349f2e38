"""Numbers learned from public texts, shipped with the package: which words are common, weights, calibration.

`evaluation/llm` makes the file and names its sources; it holds hashes and weights, no text.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast

import numpy as np
import numpy.typing as npt

FILE = "learned.npz"
MOST = 8 << 20  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """Arrays by name, and what is to be known of them."""

    arrays: Mapping[str, npt.NDArray[np.generic]]
    about: Mapping[str, Any]  # versions, sources, row counts, calibration


@cache
def artefact() -> Artefact:
    """The one in the package; loaded when it is first needed.  8 ms."""
    return load((files("otel_mlsec.text") / FILE).read_bytes())


def load(raw: bytes) -> Artefact:
    """
    Raises:
        ValueError: it is none, or larger than 8 MiB.
    """
    if len(raw) > MOST:
        raise ValueError(f"artefact must be at most {MOST} bytes, got {len(raw)}")
    with np.load(io.BytesIO(raw), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    about = cast("dict[str, Any]", json.loads(bytes(arrays.pop("about").astype(np.uint8))))
    return Artefact(arrays=arrays, about=about)
