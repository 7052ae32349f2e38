"""What came of an attack, and of benign traffic: what a person is told."""

from __future__ import annotations

from dataclasses import dataclass

from otel_mlsec.finding import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A finding, as far as it can be known from outside, too."""

    identifier: str  # `Finding.dedup_key` in this process, the record's id from another
    detector: str
    severity: str
    principals: tuple[str, ...] = ()

    @classmethod
    def of(cls, finding: Finding) -> Told:
        return cls(
            identifier=finding.dedup_key, detector=finding.detector, severity=finding.severity.name,
            principals=principals_of(finding),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Of one attack."""

    attack: str
    threat: str
    queries: int
    accounts: int
    success: bool
    effect: float  # see `families.Trace`
    watched: bool = True  # false: nobody could see findings
    detected_at: int | None = None  # query of the attack, from 1, at which the first finding about it was made
    told: Told | None = None  # that finding
    note: str = ""  # why it ended early


@dataclass(frozen=True, slots=True, kw_only=True)
class Calm:
    """Of benign traffic."""

    queries: int
    watched: bool = True
    false_alarms: tuple[Told, ...] = ()


def principals_of(finding: Finding) -> tuple[str, ...]:
    """Whom it is about."""
    listed = finding.evidence.get("principals", ())
    return tuple(filter(None, (finding.principal, *(listed if isinstance(listed, tuple) else ()))))
