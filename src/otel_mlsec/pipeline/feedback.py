"""From answers and truths to findings: what is joined goes to the detectors of its model's outcomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from otel_mlsec.errors import contained
from otel_mlsec.finding import Finding
from otel_mlsec.observation import Model, Prediction, Truths
from otel_mlsec.pipeline.answers import Wanted, trace_of
from otel_mlsec.pipeline.awaiting import NOBODYS, Awaiting, Joined
from otel_mlsec.pipeline.route import Router

Found = tuple[Finding, Prediction]
Span = Callable[[int, int, int], Any]  # trace id, span id, flags -> whatever `Prediction.span` is


class Feedback:
    """State: that of `Awaiting`, and three counts.

    Args:
        router: knows who judges which model.
        slices: inputs that outcomes are told apart by, of a model by its name.
        digest: of an id, keyed.
        span: makes the span of a prediction that is over.
        horizon: s; n_bytes: of memory.
    """

    def __init__(
        self, router: Router, *, slices: Callable[[str], tuple[str, ...]], digest: Callable[[str], int], span: Span,
        horizon: float, n_bytes: int,
    ) -> None:  # fmt: skip
        self._router, self._slices, self._span = router, slices, span
        self._awaiting = Awaiting(digest=digest, wants=self._wants, horizon=horizon, n_bytes=n_bytes)

    @property
    def n_bytes(self) -> int:
        return self._awaiting.n_bytes

    def answered(self, calls: Iterable[Prediction], now: float) -> list[Found]:
        """Findings of truths that waited for these calls; `now` in s, of a clock that only goes forward."""
        return self._judged(self._awaiting.answered(calls, now))

    def told(self, truths: Sequence[Truths], now: float) -> list[Found]:
        """Findings, each with the prediction that decided, without its rows."""
        if self._router.judges_nothing:
            self._awaiting.counts[NOBODYS, "unwanted"] += sum(len(each.ids) for each in truths)
            return []
        return self._judged(self._awaiting.told(truths, now))

    def counted(self) -> tuple[Counter[tuple[Model, str]], Counter[tuple[Model, str]]]:
        """Labels by what became of them, and predictions forgotten by reason, since the last time that somebody asked."""
        labels, forgotten = Counter(self._awaiting.counts), Counter(self._awaiting.forgotten)
        self._awaiting.counts.clear()
        self._awaiting.forgotten.clear()
        return labels, forgotten

    def coverage(self) -> Iterable[tuple[Model, float]]:
        return self._awaiting.coverage()

    def _wants(self, model: Model) -> Wanted | None:
        watched = self._router.judging(model)
        return Wanted(self._slices(model.name), watched.features) if watched is not None else None

    def _judged(self, joined: Iterable[Joined]) -> list[Found]:
        found: list[Found] = []
        for each in joined:
            watched = self._router.judging(each.outcomes.model)
            if watched is not None:
                with contained("outcomes"):
                    found += [(finding, self._call(each, finding.call)) for finding in watched.outcomes(each.outcomes)]
        return found

    def _call(self, joined: Joined, row: int) -> Prediction:
        """As much of it as is remembered; of a finding that no row decided, the last."""
        record = joined.records[row]
        time = float(record["time"])
        return Prediction(
            model=joined.outcomes.model,
            method=joined.method,
            meaning=joined.outcomes.meaning,
            n_rows=1,
            principal=record["who"].decode("utf-8", "replace"),
            time=time,
            start_ns=round(time * 1e9),
            end_ns=round(time * 1e9),
            span=self._span(trace_of(record), int(record["span"]), int(record["flags"])),
        )
