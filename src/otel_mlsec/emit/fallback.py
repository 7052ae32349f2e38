"""Findings without a backend: the standard library's log, so that they are seen on stderr at least."""

import logging

from otel_mlsec.emit.line import line
from otel_mlsec.finding import Finding, Severity

_log = logging.getLogger("otel_mlsec")


def log(finding: Finding, identifier: str) -> None:
    """One line, with where the finding stands in its life and the id of the record."""
    level = logging.ERROR if finding.severity >= Severity.HIGH else logging.WARNING
    _log.log(level, "%s (%s, %s)", line(finding), finding.status, identifier)
