"""A text and what is seen in it, computed when it is first asked for, and once."""

from __future__ import annotations

from functools import cached_property

from otel_mlsec.observation import Text
from otel_mlsec.text.views import Seen, see


class Reading:
    """One text as detectors see it.

    Attributes:
        text: what was captured, with its role and origin.
    """

    def __init__(self, text: Text, /) -> None:
        self.text = text

    @cached_property
    def seen(self) -> Seen:
        """Its views, of which the first is the text itself without what hides in it, and what was found on the way."""
        return see(self.text.text)
