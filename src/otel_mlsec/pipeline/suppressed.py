"""Findings that an operator does not want to be told of, as long as he said."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from otel_mlsec.finding import Finding
from otel_mlsec.suppression import Suppression

_log = logging.getLogger("otel_mlsec")


class Suppressed:
    """State: which suppressions are left.  What is over is logged once, and told from then on."""

    def __init__(self, suppressions: Sequence[Suppression], now: float) -> None:
        """`now`: s since the epoch, as operators write dates and not durations."""
        self._left = list(suppressions)
        self._let_go(now)

    def __call__(self, finding: Finding, now: float) -> bool:
        if not self._left:
            return False
        self._let_go(now)
        return any(suppression.fits(finding) for suppression in self._left)

    def _let_go(self, now: float) -> None:
        over = [suppression for suppression in self._left if suppression.ends <= now]
        for suppression in over:
            self._left.remove(suppression)
            _log.warning("suppression ended at %s, its findings are told again: %s", suppression.until, suppression.reason)
