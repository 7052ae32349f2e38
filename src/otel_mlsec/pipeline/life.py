"""One attack is one finding with a life: told when it begins, as it grows, when it gets worse, and when it is over.

The way out of a process, for findings about tables and about texts.  Detectors say what they see as often as they see it, and
those with a memory say themselves when it is over; what of that an analyst is told is decided here.  A process that ends
resolves nothing: the attack may go on at its successor.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Model
from otel_mlsec.pipeline.case import Case, Cases
from otel_mlsec.pipeline.rate import Overflow, Rate
from otel_mlsec.pipeline.suppressed import Suppressed
from otel_mlsec.suppression import Suppression

LASTS = 3600.0  # s without a repetition after which an attack in texts is over
LOOK = 1.0  # s between two looks at what is due
WORSE = 2.0  # times the effect that was told, at which a drift is told again
EFFECT, LOW = "js_distance", "js_distance_low"  # evidence of a drift, and its lower bound
REPETITION, SUPPRESSED, RATE = "repetition", "suppressed", "rate"  # why a finding is not told

Told = tuple[Finding, Any]  # and the call that it is told with
Withheld = Callable[[Finding, str], None]


class Life:
    """State: at most 4096 cases, of more the mildest is forgotten; buckets and floods of 257 models.

    Args:
        suppressions: what is counted and not told.
        withheld: told of every finding that is not, and why.
        forgotten: told of every case for which there was no room.
        now: s, of a clock that only goes forward: all durations are by it.
        wall: s since the epoch, for the end of suppressions and nothing else.
    """

    def __init__(
        self,
        suppressions: Sequence[Suppression] = (),
        *,
        withheld: Withheld = lambda finding, why: None,
        forgotten: Callable[[Finding], None] = lambda finding: None,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._now, self._wall, self._withheld, self._forgotten = now, wall, withheld, forgotten
        self._suppressed = Suppressed(suppressions, wall())
        self._cases, self._rate, self._overflow = Cases(), Rate(), Overflow()
        self._last_words: list[Told] = []  # of CRITICAL cases that had to go
        self._looked = -math.inf

    def admitted(self, finding: Finding, call: Any, *, lasts: float = math.inf) -> list[Finding]:
        """What is to be told now that a detector has said this.

        Args:
            call: what it is told with later, so without what was asked and answered.
            lasts: s without a repetition after which it is over; where its detector says that itself, for ever.
        """
        now = self._now()
        if finding.status is Status.RESOLVED:
            return self._resolved(finding)
        if self._suppressed(finding, self._wall()):
            self._withheld(finding, SUPPRESSED)
            return []
        case, ended = self._cases.take(finding.dedup_key), list[Finding]()
        if case is not None and case.over(now):
            ended = [case.quiet(now)] if case.told else []
            case = None
        if case is None:
            case = Case(finding=finding, call=call, lasts=lasts, last=now)
        case.said(finding, call, now)
        return ended + self._told(case, now)

    def due(self, *, last: bool = False) -> list[Told]:
        """What is to be told without anybody having said it: counts that waited, ends, and what was too much.

        `last`: nobody will ask again.
        """
        now = self._now()
        if now - self._looked < LOOK and not last:
            return []
        self._looked = now
        told, self._last_words = self._last_words, []
        for case in self._cases:
            if case.over(now):
                self._cases.take(case.finding.dedup_key)
                if case.told:
                    told.append((case.quiet(now), case.call))
            elif case.told and case.count > case.told:
                news = case.news(self._cases.kinds(case.finding), now)
                if news is not None and self._rate.allows(news, now):
                    told.append((replace(news, call=-1), case.call))
                    self._put_back(case, news, now)
        return told + self._overflow.due(now, last)

    def measured(self, effects: Iterable[tuple[Model, str, str, float]], severity: Callable[[float], Severity]) -> list[Told]:
        """Drifts that are twice as large as was told; of model, detector and feature the effects of now.

        A detector says once that a feature has changed.  Here it is how large the change is that decides how bad it is, also
        that it is CRITICAL.
        """
        now = self._now()
        sizes = {(model.name, model.version, detector, feature): effect for model, detector, feature, effect in effects}
        told: list[Told] = []
        for case in self._cases:
            drift, was = case.finding, case.finding.evidence.get(EFFECT)
            if not case.told or not isinstance(was, float):
                continue
            of = {name: sizes.get((drift.model.name, drift.model.version, drift.detector, name), 0.0) for name in drift.subject}
            name = max(of, key=lambda name: of[name], default="")
            if name and of[name] >= WORSE * was:
                grown = _grown(drift, name, was, of[name], severity)
                news = replace(grown, severity=max(grown.severity, case.severity), count=case.count)
                if self._rate.allows(news, now):
                    case.finding = replace(grown, status=drift.status)
                    self._put_back(case, news, now)
                    told.append((news, case.call))
        return told

    def _resolved(self, finding: Finding) -> list[Finding]:
        """Only what is known to be open: of the others nobody has heard, or it was said already."""
        case = self._cases.take(finding.dedup_key)
        if case is None or not case.told:
            return []
        began = min(case.finding.first_seen, finding.first_seen)
        return [replace(finding, severity=case.severity, first_seen=began, count=max(case.count, finding.count))]

    def _told(self, case: Case, now: float) -> list[Finding]:
        news = case.news(self._cases.kinds(case.finding), now)
        if news is None:
            self._withheld(case.finding, REPETITION)
        elif not self._rate.allows(news, now):
            self._withheld(news, RATE)
            self._overflow.add(news, case.call, now)
            case.severity = max(case.severity, news.severity) if not case.told else case.severity
            news = None
        else:
            case.was_told(news, now)
        self._keep(case, now)
        return [news] if news is not None else []

    def _put_back(self, case: Case, news: Finding, now: float) -> None:
        self._cases.take(case.finding.dedup_key)
        case.was_told(news, now)
        self._keep(case, now)

    def _keep(self, case: Case, now: float) -> None:
        out = self._cases.keep(case)
        if out is None:
            return
        self._forgotten(out.finding)
        if out.severity is Severity.CRITICAL and out.count > out.told:
            news = replace(out.finding, severity=out.severity, status=Status.ONGOING, count=out.count, call=-1)
            self._last_words.append((news, out.call))


def _grown(drift: Finding, name: str, was: float, size: float, severity: Callable[[float], Severity]) -> Finding:
    low = drift.evidence.get(LOW)
    surely = max(0.0, size - was + low) if isinstance(low, float) else size  # more rows by now: no wider than it was
    evidence = {**drift.evidence, EFFECT: size, LOW: surely, "js_distance_told": was}
    level = severity(surely)
    if isinstance(low, float) and drift.severity < severity(low):  # of a feature that the model hardly uses: one step less
        level = max((below for below in Severity if below < level), default=level)
    return replace(
        drift,
        severity=max(drift.severity, level),
        status=Status.ONGOING,
        call=-1,
        summary=f"worse: {name} JS {was:.2f} -> {size:.2f}",
        evidence=evidence,
    )
