"""One attack, or one change, while it goes on; and as many of them as there is room for."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.pipeline.escalation import escalated

AGAIN = 600.0  # s after which what goes on is told again
MOST = 4096  # cases


@dataclass(slots=True, kw_only=True)
class Case:
    """Times are s of a clock that nobody sets; those within the finding are for people."""

    finding: Finding  # the worst that was said of it, at the time of the latest
    call: Any  # that the finding is told with, without what was asked and answered
    lasts: float  # s without a repetition after which it is over; infinite where its detector says so itself
    last: float
    times: int = 0  # that it was said
    count: int = 0  # rows that it rests on, or as often as it was said
    told: int = 0  # the count that was told last; 0: none
    told_at: float = 0.0
    severity: Severity = Severity.LOW  # the worst that was told, or would have been

    def said(self, finding: Finding, call: Any, now: float) -> None:
        """Once more."""
        self.times += 1
        self.count = max(self.count + 1, finding.count)
        began = min(self.finding.first_seen, finding.first_seen)
        face = finding if finding.severity >= self.finding.severity else self.finding
        status = self.finding.status if self.times > 1 else finding.status
        self.finding = replace(face, time=finding.time, call=finding.call, first_seen=began, status=status)
        self.call, self.last = call, now

    def news(self, kinds: int, now: float) -> Finding | None:
        """What there is to tell, if anything; telling it is `was_told`."""
        finding = escalated(self.finding, times=self.times, kinds=kinds)
        if self.told and finding.severity <= self.severity and not self._grown(now):
            return None
        return replace(
            finding,
            severity=max(finding.severity, self.severity),
            status=Status.ONGOING if self.told else finding.status,
            count=self.count,
        )

    def was_told(self, finding: Finding, now: float) -> None:
        self.told, self.told_at, self.severity = self.count, now, finding.severity

    def _grown(self, now: float) -> bool:
        tenfold = len(str(self.count)) > len(str(self.told))  # 10, 100, 1000 …
        return tenfold or (self.count > self.told and now - self.told_at >= AGAIN)

    def over(self, now: float) -> bool:
        return now - self.last >= self.lasts

    def quiet(self, now: float) -> Finding:
        """What is told when it is over, of a case that was told."""
        times = f"{self.count:,} times" if self.count > 1 else "once"
        return replace(
            self.finding, status=Status.RESOLVED, severity=self.severity, count=self.count, call=-1,
            time=self.finding.time + now - self.last, summary=f"no more for {self.lasts / 60:.0f} minutes: seen {times}",
        )  # fmt: skip


class Cases:
    """State: at most `most`, and the kinds that are open of each principal among them."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._open = {severity: OrderedDict[str, Case]() for severity in Severity}
        self._kinds: dict[str, Counter[str]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))

    def __iter__(self) -> Iterator[Case]:
        """Those that are open now, while some of them are taken."""
        return iter([case for of_severity in self._open.values() for case in of_severity.values()])

    def take(self, key: str) -> Case | None:
        """Out of the table, to be put back where it then belongs."""
        for of_severity in self._open.values():
            case = of_severity.pop(key, None)
            if case is not None:
                kinds = self._kinds.get(_who(case.finding))
                if kinds is not None:
                    kinds[case.finding.kind] -= 1
                    if not kinds[case.finding.kind]:
                        del kinds[case.finding.kind]
                    if not kinds:
                        del self._kinds[_who(case.finding)]
                return case
        return None

    def keep(self, case: Case) -> Case | None:
        """-> what had to go for it: the mildest, of those the one that was quiet for the longest."""
        self._open[case.severity][case.finding.dedup_key] = case
        who = _who(case.finding)
        if who:
            self._kinds.setdefault(who, Counter())[case.finding.kind] += 1
        if len(self) <= self._most:
            return None
        mildest = next(of_severity for of_severity in self._open.values() if of_severity)
        return self.take(next(iter(mildest)))

    def kinds(self, finding: Finding) -> int:
        """Of attack, of whoever the finding is about, this one included."""
        return len({finding.kind} | set(self._kinds.get(_who(finding), ())))


def _who(finding: Finding) -> str:
    return "" if finding.kind.startswith("drift.") else finding.principal or finding.whose
