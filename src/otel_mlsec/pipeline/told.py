"""One attack is one finding: what was told of somebody is counted, and told again only if it gets worse or very frequent."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from otel_mlsec.finding import Finding, Severity, Status

LASTS = 3600.0  # s without a repetition, after which it is another attack
TOLD_AGAIN = frozenset({10, 100, 1000, 10_000, 100_000, 1_000_000})  # repetitions
MAX_ATTACKS = 4096

Key = tuple[str, str, str, tuple[str, ...]]  # kind, model, whose, subject


@dataclass(slots=True)
class _Attack:
    since: float  # s since the epoch
    last: float
    severity: Severity  # the worst that was told
    count: int = 1


@dataclass(slots=True)
class Told:
    """State: at most 4096 attacks; of more, the oldest of the least severe are forgotten first."""

    _attacks: dict[Severity, OrderedDict[Key, _Attack]] = field(
        default_factory=lambda: {severity: OrderedDict[Key, _Attack]() for severity in Severity}
    )
    held_back: int = 0

    def admitted(self, findings: Sequence[Finding], whose: str) -> list[Finding]:
        """Those that are news; `whose` tells attackers apart: a principal, else a conversation, a trace, or a text."""
        told: list[Finding] = []
        for finding in findings:
            news = self._news(finding, (finding.kind, finding.model.name, whose, finding.subject))
            if news is None:
                self.held_back += 1
            else:
                told.append(news)
        return told

    def _news(self, finding: Finding, key: Key) -> Finding | None:
        attack = self._taken(key, finding.time)
        if attack is None:
            self._keep(key, _Attack(since=finding.time, last=finding.time, severity=finding.severity))
            return finding
        attack.count += 1
        attack.last = max(attack.last, finding.time)
        worse = finding.severity > attack.severity
        attack.severity = max(attack.severity, finding.severity)
        self._keep(key, attack)
        if not worse and attack.count not in TOLD_AGAIN:
            return None
        return replace(finding, status=Status.ONGOING, count=attack.count, first_seen=attack.since)

    def _taken(self, key: Key, now: float) -> _Attack | None:
        """Out of the table, to be put back where it then belongs."""
        for of_severity in self._attacks.values():
            attack = of_severity.pop(key, None)
            if attack is not None:
                return attack if now - attack.last <= LASTS else None
        return None

    def _keep(self, key: Key, attack: _Attack) -> None:
        self._attacks[attack.severity][key] = attack
        if sum(map(len, self._attacks.values())) > MAX_ATTACKS:
            next(kept for _, kept in sorted(self._attacks.items()) if kept).popitem(last=False)
