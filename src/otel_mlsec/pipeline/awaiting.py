"""Answers wait for their truth, and truths for their answer, until both are there: each label is joined once, or counted.

An id is kept as a keyed digest.  One label of one row becomes one outcome of each model that answered under the id: of several
kinds of answer to the same row the most telling is meant (probabilities, then labels, values …), of several alike the latest, and
once its truth is told the answer stands.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.observation import Model, Outcomes, Prediction, Truths
from otel_mlsec.pipeline.answers import ALL, DEAD, THINNED, TOLD, WAITING, Answers, Wanted, inputs_of, row_keys
from otel_mlsec.pipeline.codes import truths as among
from otel_mlsec.pipeline.early import Early, Told, told_of
from otel_mlsec.pipeline.ledger import NOBODY, Records

MAX_MODELS = 64
NOBODYS = Model(name="")

Wants = Callable[[Model], Wanted | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Outcomes of one model, and the records of the answers, row by row."""

    outcomes: Outcomes
    method: str
    records: Records


class Awaiting:
    """State: `n_bytes` of answers and truths of at most 64 models, an eighth of it truths; of more the oldest are forgotten.

    Args:
        digest: of an id, in [0, 2**64), keyed.
        wants: inputs that are needed with a model's outcomes; None: nobody wants its outcomes, and nothing is kept of it.
        horizon: s after which an answer no longer waits for its truth, nor a truth for its answer.
    """

    def __init__(self, *, digest: Callable[[str], int], wants: Wants, horizon: float, n_bytes: int, segment: int = 0) -> None:
        self._digest, self._wants, self._horizon, self._limit = digest, wants, horizon, n_bytes
        self._models: OrderedDict[tuple[str, str], Answers] = OrderedDict()
        self._early = Early(segment)
        self._n_calls = 0
        self.counts: Counter[tuple[Model, str]] = Counter()  # of labels, by what became of them
        self.forgotten: Counter[tuple[Model, str]] = Counter()  # answers whose truth never came, by reason

    @property
    def n_bytes(self) -> int:
        return self._early.n_bytes + sum(ledger.n_bytes for of in self._models.values() for ledger in of.ledgers)

    def __bool__(self) -> bool:
        """Does any answer wait?"""
        return bool(self._models)

    def coverage(self) -> Iterable[tuple[Model, float]]:
        """Share of the predictions whose truth is known, of each model."""
        return [(of.model, of.cohorts.coverage()) for of in self._models.values()]

    def answered(self, calls: Iterable[Prediction], now: float) -> list[Joined]:
        """
        Args:
            calls: what models answered, in the order in which they were asked.
            now: s, of a clock that only goes forward.

        Returns:
            what becomes of truths that were there before.
        """
        groups: dict[tuple[str, str, int, bool], tuple[Answers, Wanted, list[Prediction], list[int]]] = {}
        for call in calls:
            self._n_calls += 1
            wanted = self._wants(call.model)
            if wanted is None:
                continue
            of = self._of(call.model)
            kind = of.of(call, wanted)
            if kind != NOBODY:
                key = call.model.name, call.model.version, kind, call.made
                *_, group, places = groups.setdefault(key, (of, wanted, [], []))
                group.append(call)
                places.append(self._n_calls)
        joined: list[Joined | None] = []
        for (*_, kind, by_us), (of, wanted, group, places) in sorted(
            groups.items(), key=lambda each: each[1][0].best(each[0][2])
        ):
            made = _last_of_each(of.records(kind, group, places, wanted, self._digest))
            made["asked"] = now
            joined.append(self._put(of, kind, made if by_us else self._meant(of, kind, made), now))
        self._bound(now)
        return [each for each in joined if each is not None]

    def told(self, told: Sequence[Truths], now: float) -> list[Joined]:
        """The outcomes that come of what the application said; what does not come of anything is held or counted."""
        labels = self._once(told_of(told, self._digest, self._early.sources))
        joined: list[Joined] = []
        matched = np.zeros(len(labels), bool)
        for of in self._models.values():
            kinds, numbers = of.find(labels.key)
            by_trace = np.flatnonzero((kinds < 0) & labels.like_a_trace)
            kinds[by_trace], numbers[by_trace] = of.find(labels.key[by_trace], "also")
            for kind in _distinct(kinds):
                at = np.flatnonzero(kinds == kind)
                matched[at] = True
                joined += self._join(of, kind, numbers[at], labels.at(at), now)
            left = np.flatnonzero(~matched)
            matched[left] = self._thinned(of, labels.at(left))
        self._early.hold(labels.at(np.flatnonzero(~matched)), now, self._count)
        self._bound(now)
        return joined

    def _of(self, model: Model) -> Answers:
        key = model.name, model.version
        of = self._models.get(key)
        if of is None:
            of = self._models[key] = Answers(model)
            if len(self._models) > MAX_MODELS:
                _, gone = self._models.popitem(last=False)
                self._forget(gone, "models")
        self._models.move_to_end(key)
        return of

    def _meant(self, of: Answers, kind: int, made: Records) -> Records:
        """Rows that are still to be told, now that they have been answered again under the same id."""
        kinds, numbers = of.find(made["key"])
        keep = np.ones(len(made), bool)
        for before in _distinct(kinds):
            at = np.flatnonzero(kinds == before)
            records = of.ledgers[before].get(numbers[at])
            stands = (records["state"] == TOLD) | (of.best(before) < of.best(kind))
            keep[at[stands]] = False
            of.ledgers[before].put(numbers[at[~stands]], "state", DEAD)
            of.cohorts.answered(records["time"][~stands & (records["state"] == WAITING)], -1)
        return made[keep]

    def _put(self, of: Answers, kind: int, made: Records, now: float) -> Joined | None:
        ledger = of.ledgers[kind]
        waits = made["state"] == WAITING
        of.cohorts.answered(made["time"][waits])
        ledger.append(made, now)
        early, at = self._early.take(made, now - self._horizon)
        if not len(at):
            return None
        joined = self._join(of, kind, ledger.find(made["key"][at]), early, now)
        return joined[0] if joined else None

    def _join(self, of: Answers, kind: int, numbers: Ints, labels: Told, now: float) -> list[Joined]:
        """Labels of answers of one kind, which are there."""
        _, first = np.unique(numbers, return_index=True)  # an id and its trace may name the same
        again = np.setdiff1d(np.arange(len(numbers)), first)
        ledger = of.ledgers[kind]
        records = ledger.get(numbers)
        truth = among(labels.code, of.kinds[kind].classes)
        open_to = records["state"] == WAITING
        open_to[again] = False
        late = open_to & (now - records["asked"] > self._horizon)
        invalid = open_to & ~late & np.isnan(truth)
        joins = np.flatnonzero(open_to & ~late & ~invalid)
        self._count(of.model, "too_late", int(late.sum()))
        self._count(of.model, "invalid", int(invalid.sum()))
        ledger.put(numbers[joins], "state", TOLD)
        ledger.put(numbers[joins], "code", labels.code[joins])
        told = np.flatnonzero(~open_to)
        before = ledger.get(numbers[told])
        self._repeated(of.model, np.where(before["state"] == TOLD, before["code"], labels.code[told]), labels.code[told])
        if not len(joins):
            return []
        order = joins[np.argsort(records["time"][joins], kind="stable")]
        return [self._outcomes(of, kind, records[order], labels.at(order), truth[order])]

    def _outcomes(self, of: Answers, kind: int, records: Records, labels: Told, truth: Floats) -> Joined:
        times = np.ascontiguousarray(records["time"])
        of.cohorts.labelled(times)
        self._count(of.model, "joined", len(times))
        self._count(of.model, "backwards", int((labels.time < times).sum()))
        said = of.kinds[kind]
        if said.classes:
            self._count(of.model, "new_class", int((truth < 0).sum()))
        outcomes = Outcomes(
            model=of.model,
            meaning=said.meaning,
            features=said.columns,
            inputs=inputs_of(said, records),
            outputs=np.ascontiguousarray(records["outputs"]),
            truth=truth,
            times=times,
            told=labels.time,
            sources=tuple(self._early.sources.name(i) for i in labels.source.tolist()),
            classes=said.classes,
            coverage=of.cohorts.coverage(times),
        )
        return Joined(outcomes=outcomes, method=said.method, records=records)

    def _once(self, labels: Told) -> Told:
        """Without those that are none, and each row's first."""
        wrong = np.isnan(labels.code) | labels.unreadable
        self._count(NOBODYS, "invalid", int(wrong.sum()))
        labels = labels.at(np.flatnonzero(~wrong))
        _, first, at = np.unique(labels.key, return_index=True, return_inverse=True)
        again = np.setdiff1d(np.arange(len(labels)), first)
        self._repeated(NOBODYS, labels.code[first[at[again]]], labels.code[again])
        return labels.at(np.sort(first))

    def _thinned(self, of: Answers, labels: Told) -> Floats:
        """(n,) of rows that were answered and not kept."""
        all_of_it = row_keys(labels.call, np.full(len(labels), ALL))
        kinds, numbers = of.find(all_of_it)
        by_trace = np.flatnonzero((kinds < 0) & labels.like_a_trace)
        kinds[by_trace], numbers[by_trace] = of.find(all_of_it[by_trace], "also")
        found = np.zeros(len(labels), bool)
        for kind in _distinct(kinds):
            at = np.flatnonzero(kinds == kind)
            records = of.ledgers[kind].get(numbers[at])
            found[at] = (records["state"] == THINNED) & (labels.row[at] < records["code"])
        self._count(of.model, "thinned", int(found.sum()))
        return found

    def _repeated(self, model: Model, before: Floats, now: Floats) -> None:
        self._count(model, "duplicate", int((before == now).sum()))
        self._count(model, "contradictory", int((before != now).sum()))

    def _count(self, model: Model, outcome: str, labels: int) -> None:
        if labels:
            self.counts[model, outcome] += labels

    def _bound(self, now: float) -> None:
        """Forget what is over the horizon, and of more than fits the oldest of whom most is kept."""
        self._early.bound(now - self._horizon, self._limit // 8, lambda n: self._count(NOBODYS, "unknown", n))
        for of in self._models.values():
            for kind, ledger in enumerate(of.ledgers):
                while ledger.latest < now - self._horizon:
                    self._gone(of, "horizon", of.forget(kind))
        while self.n_bytes > self._limit:
            of, kind = max(((of, kind) for of in self._models.values() for kind in range(len(of.ledgers))), key=_size)
            self._gone(of, "bytes", of.forget(kind))

    def _forget(self, of: Answers, reason: str) -> None:
        for kind, ledger in enumerate(of.ledgers):
            while len(ledger):
                self._gone(of, reason, of.forget(kind))

    def _gone(self, of: Answers, reason: str, answers: int) -> None:
        if answers:
            self.forgotten[of.model, reason] += answers


def _distinct(kinds: Ints) -> list[int]:
    return [int(kind) for kind in np.unique(kinds[kinds >= 0])]


def _size(of: tuple[Answers, int]) -> int:
    return of[0].ledgers[of[1]].n_bytes


def _last_of_each(made: Records) -> Records:
    """The same row may have been answered twice in a row."""
    _, last = np.unique(made["key"][::-1], return_index=True)
    return made if len(last) == len(made) else made[np.sort(len(made) - 1 - last)]
