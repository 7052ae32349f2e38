"""Findings of one change -> a case; as many as a reader can take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from otel_mlsec.cli.report.result import Case, Episode
from otel_mlsec.finding import Finding, Status

MOST = 2000
EPISODES = 100  # of one change; of more the last takes the place of the one before
Key = tuple[str, tuple[str, ...]]


class Cases:
    """By kind and subject."""

    def __init__(self) -> None:
        self._cases: dict[Key, Case] = {}
        self.more = 0  # findings of further cases

    def add(self, finding: Finding, first_row: int, row: int) -> None:
        key = finding.kind, finding.subject
        known = self._cases.get(key)
        if finding.status is Status.RESOLVED:
            if known is not None and known.open:
                ended = replace(known.episodes[-1], until=finding.time)
                self._cases[key] = replace(known, episodes=(*known.episodes[:-1], ended))
            return
        if known is None and len(self._cases) >= MOST:
            self.more += 1
            return
        told = known if known is not None and known.severity >= finding.severity else _case(finding)
        episodes = known.episodes if known is not None else ()
        if known is None or not known.open:
            began = Episode(since=finding.first_seen, since_row=first_row, told=finding.time, told_row=row)
            episodes = (*episodes[: EPISODES - 1], began)
        self._cases[key] = replace(told, episodes=episodes)

    def sorted(self) -> tuple[Case, ...]:
        """The worst first; of those the ones that are there at the end, then the earliest."""
        return tuple(sorted(self._cases.values(), key=lambda case: (-case.severity, not case.open, case.since, case.subject)))


def of(cases: Iterable[Case], name: str) -> tuple[Case, ...]:
    return tuple(case for case in cases if name in case.features)


def _case(finding: Finding) -> Case:
    effects = finding.evidence.get("effects", ())
    measure, before, after = _answers(finding)
    return Case(
        kind=finding.kind,
        detector=finding.detector,
        title=finding.title,
        subject=finding.subject,
        features=tuple(dict.fromkeys((*finding.features, *finding.subject))),
        severity=finding.severity,
        summary=finding.summary,
        effects=effects if isinstance(effects, tuple) else (),
        episodes=(),
        measure=measure,
        before=before,
        after=after,
    )


def _answers(finding: Finding) -> tuple[str, float, float]:
    """What is worse, before and after, of a finding about answers."""
    was, now, measure = (finding.evidence.get(name) for name in ("before", "after", "measure"))
    if isinstance(was, float) and isinstance(now, float):
        return measure if isinstance(measure, str) else "accuracy", was, now
    return "", 0.0, 0.0
