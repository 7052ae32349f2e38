"""What the rows of an attack do to a model's traffic is no second finding: they are strange, and shift every feature.

While an attack is open, anomalies that its principals ask, and drifts no larger than their rows can make, are held back.  When
it is over, or after two hours, what still stands of them is told.  Where most principals are taken for attackers it is the world
that has changed, a unit or a feed, and every drift is told.  What is CRITICAL always is.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from otel_mlsec.finding import Finding, Severity, Status
from otel_mlsec.observation import Prediction

ATTACKS = ("extraction/account", "extraction/coordinated", "evasion/sequence", "evasion/near_duplicate")  # say who, and when over
DRIFTS = ("drift/data", "drift/cycle", "drift/joint", "drift/prediction")
ANOMALIES = "anomaly/input"
REPEATED = "drift.repeated"  # the same row again and again
ROWS = 4096  # that are remembered of a model, with who asked them
MODELS = 64
OPEN = 512  # attacks of one model, and findings that are held back
LONG = 7200.0  # s that anything is held back at most, and after which an attack is over of which no more was said
SHARE = 0.5  # of the rows of an anomaly, that one principal must have asked

Found = tuple[Finding, Prediction]


@dataclass(slots=True)
class _Attack:
    principals: frozenset[str]
    last: float  # s since the epoch, of rows


class _Held(NamedTuple):
    finding: Finding
    call: Prediction
    since: float  # s since the epoch, of rows


@dataclass(slots=True)
class _Of:
    """One model."""

    asked: deque[tuple[float, str, int]] = field(default_factory=deque[tuple[float, str, int]])  # time, who, rows
    rows: int = 0
    attacks: OrderedDict[str, _Attack] = field(default_factory=OrderedDict[str, _Attack])
    held: OrderedDict[str, _Held] = field(default_factory=OrderedDict[str, _Held])

    def add(self, call: Prediction) -> None:
        n = max(1, min(call.n_rows, ROWS))
        self.asked.append((call.time, call.principal, n))
        self.rows += n
        while self.rows > ROWS:
            self.rows -= self.asked.popleft()[2]

    def suspects(self) -> set[str]:
        return {who for attack in self.attacks.values() for who in attack.principals}

    def few(self, suspects: set[str]) -> bool:
        """Are those who asked lately mostly others?"""
        lately = {who for _, who, _ in self.asked}
        return 2 * len(lately & suspects) <= len(lately)

    def share(self, whose: set[str], since: float) -> float:
        """Of the rows that are remembered, at least the latest call's."""
        lately = [(who, n) for time, who, n in self.asked if time >= since] or [each[1:] for each in list(self.asked)[-1:]]
        return sum(n for who, n in lately if who in whose) / max(1, sum(n for _, n in lately))


class Consequences:
    """State: of at most 64 models 4096 rows' principals, 512 attacks and 512 findings.

    It does not see: a fault that comes while an attack is open and changes less than the attack's rows can; it is told late.

    Args:
        held_back: told of each finding that is.
    """

    def __init__(self, held_back: Callable[[Finding], None] = lambda finding: None) -> None:
        self._held_back = held_back
        self._models: OrderedDict[tuple[str, str], _Of] = OrderedDict()

    def admitted(self, calls: Iterable[Prediction], found: Sequence[Found]) -> tuple[list[Found], list[Found]]:
        """What was found in these calls and is told, and what was held back until now; the latter with calls that are over."""
        asked: dict[tuple[str, str], Prediction] = {}
        for call in calls:
            self._of(call).add(call)
            asked[call.model.name, call.model.version] = call
        for finding, call in found:  # first: what comes with an attack is held back by it
            if finding.detector in ATTACKS:
                _note(self._of(call), finding)
        told = [(finding, call) for finding, call in found if self._admits(self._of(call), finding, call)]
        return told, [each for call in asked.values() for each in _over(self._of(call), call.time)]

    def _admits(self, of: _Of, finding: Finding, call: Prediction) -> bool:
        held = of.held.pop(finding.dedup_key, None)
        if held is not None and finding.status is Status.RESOLVED:
            return False  # nobody has heard of it
        if finding.status is Status.RESOLVED or not _explains(of, finding, call):
            return True
        remembered = replace(call, inputs=None, outputs=None, reference=None, id="")
        since = held.since if held is not None else call.time
        of.held[finding.dedup_key] = _Held(replace(finding, call=-1), remembered, since)
        if len(of.held) > OPEN:
            of.held.popitem(last=False)
        self._held_back(finding)
        return False

    def _of(self, call: Prediction) -> _Of:
        key = call.model.name, call.model.version
        of = self._models.setdefault(key, _Of())
        self._models.move_to_end(key)
        if len(self._models) > MODELS:
            self._models.popitem(last=False)
        return of


def _note(of: _Of, finding: Finding) -> None:
    of.attacks.pop(finding.dedup_key, None)
    if finding.status is Status.RESOLVED:
        return
    listed = finding.evidence.get("principals", ())
    who = frozenset((finding.principal, *(listed if isinstance(listed, tuple) else ()))) - {""}
    of.attacks[finding.dedup_key] = _Attack(who, finding.time)
    if len(of.attacks) > OPEN:
        of.attacks.popitem(last=False)


def _over(of: _Of, now: float) -> list[Found]:
    """What was held back, and has stood for too long or longer than the attack."""
    for key in [key for key, attack in of.attacks.items() if now - attack.last >= LONG]:
        del of.attacks[key]
    told = [key for key, held in of.held.items() if not of.attacks or now - held.since >= LONG]
    return [of.held.pop(key)[:2] for key in told]


def _explains(of: _Of, finding: Finding, call: Prediction) -> bool:
    """Could the open attacks be all there is to it?"""
    of_these = finding.detector in (*DRIFTS, ANOMALIES) or finding.kind == REPEATED
    if not of.attacks or not of_these or finding.severity is Severity.CRITICAL:
        return False
    suspects = of.suspects()
    if finding.detector in DRIFTS:
        size = finding.evidence.get("js_distance_low")
        return isinstance(size, float) and of.few(suspects) and size <= reach(of.share(suspects, finding.first_seen))
    if finding.detector == ANOMALIES:
        share = finding.evidence.get("largest_share")
        return call.principal in suspects and isinstance(share, float) and share >= SHARE
    return call.principal in suspects


def reach(share: float) -> float:
    """The largest Jensen-Shannon distance, base 2, at which a law can be from itself with a share of foreign rows mixed in.

    It is reached where these rows are nowhere near: 0.23 for a tenth of the rows, 0.37 for a quarter, 0.56 for a half, 1 for all.
    """
    own = 1.0 - share
    middle = 1.0 - share / 2
    mixed = own * math.log2(own / middle) if own > 0 else 0.0
    return math.sqrt(max(0.0, (-math.log2(middle) + mixed + share) / 2))
