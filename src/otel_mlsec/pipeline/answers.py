"""Answers of one model that wait for their truth, one ledger for each kind of answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.observation import Meaning, Model, Prediction
from otel_mlsec.pipeline.cohorts import Cohorts
from otel_mlsec.pipeline.ledger import NOBODY, Dtype, Keys, Ledger, Records

WAITING, TOLD, DEAD, THINNED = range(4)  # DEAD: another answer to the same is meant; THINNED: stands for rows that were not kept
MAX_WIDTH = 1024  # numbers of one answer
MAX_COLUMNS = 64  # inputs that are kept beside it
MAX_KINDS = 16  # of one model
WORD = (1 << 64) - 1  # a span that another library made may have an id of any size
ALL = -1  # row that stands for a whole call
BEST = tuple(Meaning[name] for name in ("PROBABILITY", "LOG_PROBABILITY", "LABEL", "VALUE", "MARGIN", "SCORE", "RAW"))
GOLDEN, FIRST, SECOND = (np.uint64(each) for each in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


class Kind(NamedTuple):
    method: str
    meaning: Meaning
    width: int
    classes: tuple[str, ...]
    columns: tuple[str, ...]  # of inputs that are kept


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which inputs are to be kept beside an answer."""

    columns: tuple[str, ...] = ()
    features: tuple[str, ...] = ()  # as the reference names them, for rows without names

    def names(self, call: Prediction) -> tuple[str, ...]:
        """Of a call's inputs, or () where they are not those of its outputs."""
        if call.inputs is None or call.outputs is None or len(call.inputs) != len(call.outputs):
            return ()
        named = call.features or self.features
        return named if len(named) == call.inputs.shape[1] else ()


def row_keys(calls: Keys, rows: Ints) -> Keys:
    """(n,) digests of ids, (n,) rows of their calls -> (n,) keys, mixed as in SplitMix64 (Steele, Lea and Flood 2014)."""
    mixed = calls + rows.astype(np.uint64) * GOLDEN + GOLDEN
    mixed = (mixed ^ (mixed >> np.uint64(30))) * FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * SECOND
    return mixed ^ (mixed >> np.uint64(31))


@dataclass(slots=True)
class Answers:
    """State: ledgers of at most 16 kinds of answer, and counts by day.  Whoever owns it bounds the ledgers."""

    model: Model
    kinds: list[Kind] = field(default_factory=list[Kind])
    ledgers: list[Ledger] = field(default_factory=list[Ledger])
    cohorts: Cohorts = field(default_factory=Cohorts)

    def of(self, call: Prediction, wanted: Wanted) -> int:
        """The kind of a call's answers, or -1 where they are not kept."""
        outputs = call.outputs
        if outputs is None or call.error or not call.id or not len(outputs):
            return NOBODY
        if len(outputs) != len(range(call.start, call.n_rows, call.step)):
            return NOBODY
        width = math.prod(outputs.shape[1:])
        there = wanted.names(call)
        kept = tuple(name for name in wanted.columns if name in there)[:MAX_COLUMNS]
        kind = Kind(call.method, call.meaning, width, call.classes, kept)
        if kind in self.kinds:
            return self.kinds.index(kind)
        if len(self.kinds) == MAX_KINDS or not 0 < width <= MAX_WIDTH:
            return NOBODY
        self.kinds.append(kind)
        self.ledgers.append(Ledger(_record(width, len(kept)), keys=("key", "also")))
        return len(self.kinds) - 1

    def records(
        self, kind: int, calls: Sequence[Prediction], places: Sequence[int], wanted: Wanted, digest: Callable[[str], int]
    ) -> Records:
        """One a row that was kept, and one a call for those that were not; `places` say which call was later."""
        kept = np.array([len(call.outputs) if call.outputs is not None else 0 for call in calls], np.int64)
        steps = np.array([call.step for call in calls], np.int64)
        sizes = kept + (steps > 1)
        made = np.zeros(int(sizes.sum()), self.ledgers[kind].dtype)
        nth = np.arange(len(made)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        rest = nth == np.repeat(kept, sizes)
        starts = np.array([call.start for call in calls], np.int64)
        rows = np.where(rest, ALL, np.repeat(starts, sizes) + np.repeat(steps, sizes) * nth)
        made["key"] = row_keys(np.repeat(np.array([digest(call.id) for call in calls], np.uint64), sizes), rows)
        made["place"] = np.repeat(np.array(places, np.int64), sizes)
        _say_who(made, sizes, rows, calls, digest)
        made["outputs"][~rest] = np.concatenate([c.outputs.reshape(len(c.outputs), -1) for c in calls if c.outputs is not None])
        columns = self.kinds[kind].columns
        if columns:
            inputs = [c.inputs[:, [wanted.names(c).index(name) for name in columns]] for c in calls if c.inputs is not None]
            made["inputs"][~rest] = np.concatenate(inputs)
        if rest.any():
            made["state"][rest] = THINNED
            made["code"][rest] = [call.n_rows for call in calls if call.step > 1]
        return made

    def best(self, kind: int) -> int:
        """The less, the more it tells."""
        return BEST.index(self.kinds[kind].meaning)

    def find(self, keys: Keys, by: str = "key") -> tuple[Ints, Ints]:
        """(n,) kinds and (n,) numbers of the answers that are meant by each key, the latest; -1 where there is none."""
        kinds, numbers = np.full(len(keys), NOBODY), np.full(len(keys), NOBODY)
        latest = np.full(len(keys), NOBODY)
        for kind, ledger in enumerate(self.ledgers):
            found = ledger.find(keys, by)
            there = np.flatnonzero(found >= 0)
            records = ledger.get(found[there])
            meant = (records["state"] != DEAD) & (records["place"] > latest[there])
            there, records = there[meant], records[meant]
            kinds[there], numbers[there], latest[there] = kind, found[there], records["place"]
        return kinds, numbers

    def forget(self, kind: int) -> int:
        """The oldest answers of a kind -> how many of them were still waiting."""
        return int((self.ledgers[kind].forget()["state"] == WAITING).sum())


def _record(width: int, columns: int) -> Dtype:
    return np.dtype([
        ("key", "<u8"), ("also", "<u8"), ("time", "<f8"), ("asked", "<f8"), ("place", "<i8"), ("code", "<f8"), ("state", "u1"),
        ("trace", "<u8", (2,)), ("span", "<u8"), ("flags", "u1"), ("who", "S29"),
        ("outputs", "<f8", (width,)), ("inputs", "<f8", (columns,)),
    ])  # fmt: skip


def _say_who(
    made: Records, sizes: Ints, rows: Ints, calls: Sequence[Prediction], digest: Callable[[str], int]
) -> None:  # fmt: skip
    spans = [_span(call) for call in calls]
    traces = [digest(f"{trace:032x}") if call.made and trace else 0 for call, (trace, _, _) in zip(calls, spans, strict=True)]
    also = np.repeat(np.array(traces, np.uint64), sizes)
    made["also"] = np.where(also > 0, row_keys(also, rows), 0)
    made["time"] = np.repeat([call.time for call in calls], sizes)
    made["trace"] = np.repeat(np.array([_halves(trace) for trace, _, _ in spans], np.uint64), sizes, axis=0)
    made["span"] = np.repeat(np.array([span for _, span, _ in spans], np.uint64), sizes)
    made["flags"] = np.repeat(np.array([flags & 0xFF for _, _, flags in spans], np.uint8), sizes)
    made["who"] = np.repeat(np.array([call.principal.encode("utf-8", "replace") for call in calls], "S29"), sizes)


def _span(call: Prediction) -> tuple[int, int, int]:
    span = call.span
    return (int(span.trace_id), int(span.span_id) & WORD, int(span.trace_flags)) if span is not None else (0, 0, 0)


def _halves(trace_id: int) -> tuple[int, int]:
    return (trace_id >> 64) & WORD, trace_id & WORD


def trace_of(record: Any) -> int:
    """Of one record."""
    return int(record["trace"][0]) << 64 | int(record["trace"][1])


def inputs_of(kind: Kind, records: Records) -> Floats | None:
    return np.ascontiguousarray(records["inputs"]) if kind.columns else None
