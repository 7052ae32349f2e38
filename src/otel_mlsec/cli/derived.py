"""References whose columns are made of what a model is given: files of plain columns cannot be held against all of them."""

from __future__ import annotations

from collections.abc import Collection

from otel_mlsec.reference.reference import Reference

KINDS = {"texts": "prompts and answers", "embedding": "embeddings", "prose": "a table with free text"}


def refuse_derived(reference: Reference, shown: object, reads: Collection[str] = ()) -> None:
    """Say so, rather than that every column is gone.

    Args:
        shown: what a sentence calls it.
        reads: parts whose columns the command can make itself.

    Raises:
        ValueError: the reference has such a part, and the command cannot make its columns.
    """
    for part, kind in KINDS.items():
        if part not in reads and getattr(reference, part) is not None:
            raise ValueError(
                f"{shown} is a reference of {kind}: live calls are judged by it, this command reads plain columns only"
            )
