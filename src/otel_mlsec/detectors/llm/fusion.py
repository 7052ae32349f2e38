"""Rules, model and hidden channels, put together: how rare a text is among benign ones of its kind.

For each view of a text, l and q are the decimal digits by which the model's and the rules' scores are rare among benign
texts; the view's evidence is l + q, the text's that of its worst view and of what hides in it.  That sum is in
turn made rare or common by the same benign texts: a verdict of 3 is one in a thousand, whatever the role.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from otel_mlsec.detectors.llm.classifier import Classifier, classifier
from otel_mlsec.detectors.llm.rules import Fired, fired
from otel_mlsec.detectors.llm.tails import Tail
from otel_mlsec.detectors.llm.template import template
from otel_mlsec.observation import Origin
from otel_mlsec.text.artefact import artefact
from otel_mlsec.text.reading import Reading
from otel_mlsec.text.turn import UNTRUSTED, Verdict

LONG = 300  # characters from which a text may have several passages
MOST = 9.0  # digits; beyond, an extrapolated tail means nothing
USERS = frozenset({Origin.USER})

# Digits for what hides: such channels have no use in a prompt.
_HIDDEN: Mapping[str, Callable[[int], float]] = {
    "tag_characters": lambda n: 6.0 if n >= 7 else 2.0,
    "variation_selectors": lambda n: 6.0 if n >= 12 else 2.5,
    "zero_width_run": lambda n: 2.5,
    "zero_width": lambda n: 1.5,
    "bidi": lambda n: 1.5,
    "control": lambda n: 1.0 if n >= 4 else 0.0,
    "concealed": lambda n: 1.5,
}
_DISGUISED = {
    "reversed": 3.0, "reversed_words": 3.0, "rot13": 3.0, "caesar": 3.0, "morse": 2.0, "confusable": 1.0, "binary": 1.0,
    "codes": 1.0, "spaced": 0.7, "base64": 1.0, "hex": 1.0, "leet": 0.5, "escapes": 0.3, "upside_down": 2.0,
}  # fmt: skip


def bonus(signs: Mapping[str, int]) -> float:
    """Digits for the worst of what hides or is disguised."""
    hidden = [weigh(signs[sign]) for sign, weigh in _HIDDEN.items() if sign in signs]
    return max([*hidden, *(_DISGUISED.get(sign, 0.0) for sign in signs)], default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Tails among benign texts of one kind."""

    model: Tail
    rules: Tail
    total: Tail


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one view of a text shows, before it is compared with benign texts."""

    model: float
    fired: Fired
    layer: str


class Judge:
    """Gives verdicts on texts.  Pure, and without state.

    Documents are judged by their worst passage; what users write, and what is decoded from anywhere, as a whole too: an
    attack behind a page of harmless text is one all the same.
    """

    def __init__(self, classifier: Classifier, scales: tuple[Scale, Scale]) -> None:
        self._classifier = classifier
        self._of_users, self._of_documents = scales

    def __call__(self, reading: Reading) -> Verdict:
        document = reading.text.origin in UNTRUSTED
        if not document and reading.text.origin not in USERS:
            return Verdict()  # the operator's and the model's own words
        scale = self._of_documents if document else self._of_users
        return self.verdict(reading, self.evidence(reading, document), scale)

    def evidence(self, reading: Reading, document: bool) -> list[Evidence]:
        return [
            Evidence(self._odds(view.text, document and not view.layer), fired(view.text), view.layer)
            for view in reading.seen.views
        ]

    def _odds(self, text: str, document: bool) -> float:
        if document:
            return self._classifier.passages(text)
        whole = self._classifier.whole(text)
        return max(whole, self._classifier.passages(text)) if len(text) > LONG else whole

    def total(self, evidence: list[Evidence], signs: Mapping[str, int], scale: Scale) -> tuple[float, Evidence]:
        """Digits of a text before they are made rare by those of benign ones, and the view that decided."""
        worst, by = -np.inf, evidence[0]
        for each in evidence:
            tails = scale if not each.layer else self._of_users
            digits = tails.model(each.model) + (tails.rules(each.fired.score) if each.fired.score > 0 else 0.0)
            if digits > worst:
                worst, by = digits, each
        return float(worst) + bonus(signs), by

    def verdict(self, reading: Reading, evidence: list[Evidence], scale: Scale) -> Verdict:
        digits, by = self.total(evidence, reading.seen.signs, scale)
        known = template(reading.seen.views[0].text)
        digits += known.digits
        families = tuple(dict.fromkeys(rule.family for rule in by.fired.rules if rule.weight > 0))
        return Verdict(
            score=min(MOST, scale.total(digits)),
            families=families,
            layer=by.layer,
            jailbreak=bool(known.family) or (bool(families) and families[0] == "jailbreak"),
            template=known.family,
        )


def _tail(numbers: Mapping[str, Any]) -> Tail:
    return Tail(
        scores=np.array(numbers["scores"]),
        digits=np.array(numbers["digits"]),
        start=float(numbers["start"]),
        mean_excess=float(numbers["mean_excess"]),
        slope=float(numbers["slope"]),
    )


@cache
def judge() -> Judge:
    """That of the package, calibrated."""
    calibration = artefact().about["calibration"]
    user, document = (
        Scale(**{part: _tail(calibration[kind][part]) for part in ("model", "rules", "total")}) for kind in ("user", "document")
    )
    return Judge(classifier(), (user, document))
