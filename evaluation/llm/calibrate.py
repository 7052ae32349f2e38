"""Tails of benign texts, from sources that the scoring model has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluation.llm.data import Rows, balanced
from otel_mlsec.detectors.llm.classifier import Classifier
from otel_mlsec.detectors.llm.fusion import Evidence, Judge, Scale
from otel_mlsec.detectors.llm.tails import Tail, smooth_tail, step_tail
from otel_mlsec.observation import Origin, Role, Text
from otel_mlsec.text.reading import Reading

RULES_SLOPE = 0.12  # digits a unit of the rules' score, by which the heavier of two unseen ones is the rarer
NO_TAIL = Tail(scores=np.zeros(1), digits=np.zeros(1), start=float("inf"), mean_excess=1.0)
UNCALIBRATED = Scale(model=NO_TAIL, rules=NO_TAIL, total=NO_TAIL)


@dataclass(frozen=True, slots=True)
class Scored:
    """What a judge without scales sees in a text."""

    evidence: list[Evidence]
    signs: Mapping[str, int]

    def bare(self) -> Scored:
        """The text as it stands, nothing undone."""
        return Scored(self.evidence[:1], {})


def reading(text: str, document: bool) -> Reading:
    origin, role = (Origin.TOOL, Role.TOOL) if document else (Origin.USER, Role.USER)
    return Reading(Text(text=text, role=role, origin=origin))


def score(classifier: Classifier, texts: Sequence[str], document: Sequence[bool]) -> list[Scored]:
    judge = Judge(classifier, (UNCALIBRATED, UNCALIBRATED))
    scored: list[Scored] = []
    for text, of_document in zip(texts, document, strict=True):
        read = reading(text, bool(of_document))
        scored.append(Scored(judge.evidence(read, bool(of_document)), read.seen.signs))
    return scored


def scales(rows: Rows, scored: Mapping[int, Scored], use: npt.NDArray[np.bool_]) -> tuple[Scale, Scale]:
    """Users' and documents' scale from the benign rows of `use`; two steps, since the total rests on the parts' tails."""
    parts: list[Scale] = []
    benign = [
        np.flatnonzero(use & ~rows.attack & ~rows.about_attacks & (rows.document == document)) for document in (False, True)
    ]
    for indices in benign:
        weights = balanced(rows.source[indices])
        first = [scored[i].evidence[0] for i in indices]
        parts.append(
            Scale(
                model=smooth_tail(np.array([each.model for each in first]), weights),
                rules=step_tail(np.array([each.fired.score for each in first]), weights, RULES_SLOPE),
                total=NO_TAIL,
            )
        )
    totals = totals_of((parts[0], parts[1]), rows, scored)
    whole = [
        Scale(
            model=scale.model,
            rules=scale.rules,
            total=smooth_tail(np.array([totals[i] for i in indices]), balanced(rows.source[indices])),
        )
        for scale, indices in zip(parts, benign, strict=True)
    ]
    return whole[0], whole[1]


def totals_of(pair: tuple[Scale, Scale], rows: Rows, scored: Mapping[int, Scored]) -> dict[int, float]:
    nobody = Classifier(words=np.zeros(1, np.float32), parts=np.zeros(1, np.float32), bias=0.0)
    judge = Judge(nobody, pair)
    return {i: judge.total(each.evidence, each.signs, pair[int(rows.document[i])])[0] for i, each in scored.items()}


def digits_of(pair: tuple[Scale, Scale], rows: Rows, scored: Mapping[int, Scored]) -> dict[int, float]:
    """Verdicts' scores (without templates, which the folds' attacks would be found by)."""
    return {i: pair[int(rows.document[i])].total(total) for i, total in totals_of(pair, rows, scored).items()}
