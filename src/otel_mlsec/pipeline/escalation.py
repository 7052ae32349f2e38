"""How much worse a finding is for coming again and again, and for not coming alone; the evidence says why."""

from __future__ import annotations

from dataclasses import replace

from otel_mlsec.finding import Finding, Severity

STEPS = ((100, Severity.HIGH), (10, Severity.MEDIUM))  # times that a detector has said it, and what it then is at least
SEVERAL = 3  # kinds of attack of one principal at once, for which each is one step worse
WORST = Severity.HIGH  # CRITICAL is for effects: a mistake that repeats itself must wake nobody up
NEXT = {Severity.LOW: Severity.MEDIUM, Severity.MEDIUM: Severity.HIGH}


def escalated(finding: Finding, *, times: int, kinds: int) -> Finding:
    """As bad as it is, said `times` times, of somebody of whom `kinds` kinds are open."""
    if finding.kind.startswith("drift."):
        return finding  # nobody's doing, and how bad it is lies in its size
    severity, why = finding.severity, list[str]()
    least = next((step for count, step in STEPS if times >= count), Severity.LOW)
    if least > severity:
        severity = least
        why.append(f"{times} times")
    if kinds >= SEVERAL and severity < WORST:
        severity = NEXT[severity]
        why.append(f"{kinds} kinds of attack at once")
    if not why:
        return finding
    evidence = {**finding.evidence, "escalated_from": finding.severity.name, "escalation": ", ".join(why)}
    return replace(finding, severity=severity, evidence=evidence)
