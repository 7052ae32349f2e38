"""httpx and httpx2, which nearly every client of a model sends through."""

from __future__ import annotations

from typing import Any

from otel_mlsec.capture._patch import Patches
from otel_mlsec.detector import Guard, Submit

LIBRARIES = ("httpx", "httpx2")


def patch(patches: Patches, submit: Submit, guard: Guard | None = None) -> None:
    """`submit` gets what `capture.llm` says of calls of language models; `guard` looks at their requests first."""

    def imported(module: Any) -> None:
        from otel_mlsec.capture.llm.send import wrap  # noqa: PLC0415 - 20 ms, of which only who has a client is to know

        wrap(patches, module, submit, guard)

    for library in LIBRARIES:
        patches.when_imported(library, imported)
