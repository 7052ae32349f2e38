"""What was concluded: a claim about a model, with the numbers that let a person check it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from otel_mlsec.observation import Model

Evidence = Mapping[str, str | bool | int | float | tuple[str, ...]]


class Severity(IntEnum):
    """How bad it is if true; the value is OpenTelemetry's SeverityNumber.  FATAL means a crash, so it is never used."""

    LOW = 10
    MEDIUM = 13
    HIGH = 17
    CRITICAL = 20


class Status(StrEnum):
    NEW = "new"
    ONGOING = "ongoing"  # an attack that was told, and goes on or got worse
    REOPENED = "reopened"  # the same change, back after it had gone
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A claim; it exists iff `score >= threshold`."""

    kind: str  # one of a closed, dotted list: "drift.data", "drift.missing" …
    detector: str  # its row in the table: "drift/data"
    title: str  # "Data drift"
    summary: str  # what changed, one line; names of features and numbers, never a captured value
    severity: Severity
    score: float  # higher is more suspicious
    threshold: float  # same unit as the score
    model: Model
    time: float  # s since the epoch, of the row that decided
    first_seen: float  # s since the epoch: since when
    count: int = 1  # rows that it rests on
    status: Status = Status.NEW
    call: int = -1  # index in the batch of the call that decided
    principal: str = ""
    whose: str = ""  # what tells attackers apart where nobody is named: a conversation, a trace, a text
    action: str = "observed"  # what became of the call: "blocked" and "modified" only where the user asked for it
    subject: tuple[str, ...] = ()  # features or whatever else tells this finding from another of its kind
    evidence: Evidence = field(default_factory=dict[str, str | bool | int | float | tuple[str, ...]])

    @property
    def dedup_key(self) -> str:
        """The same for every record of one change, in every process.

        Without the detector: a kind is one detector's, and where a second one comes to the same it is the same attack.
        """
        what = (self.kind, self.model.name, self.model.version, self.principal or self.whose, *self.subject)
        return hashlib.blake2b("\x1f".join(what).encode("utf-8", "replace"), digest_size=16).hexdigest()

    @property
    def features(self) -> tuple[str, ...]:
        """Those that it is about; () where it is about a call, a text or an attacker."""
        named = self.evidence.get("features", ())
        return named if isinstance(named, tuple) and named else self.subject if self.kind.startswith("drift.") else ()
