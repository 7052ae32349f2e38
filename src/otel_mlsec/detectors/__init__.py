"""What turns batches into findings.  Pure: numpy and the standard library, no clock, no environment, no global."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from otel_mlsec.config import ModelSettings
from otel_mlsec.detector import Detector, OutcomeDetector

if TYPE_CHECKING:  # detectors of texts live below, and need no reference
    from otel_mlsec.reference.reference import Reference

TABLE = {
    "drift/facts": "otel_mlsec.detectors.drift.facts:Facts",
    "drift/data": "otel_mlsec.detectors.drift.data:DataDrift",
    "drift/cycle": "otel_mlsec.detectors.drift.cycle:CycleDrift",
    "drift/anchor": "otel_mlsec.detectors.drift.anchor:Anchor",
    "drift/joint": "otel_mlsec.detectors.drift.joint:JointDrift",
    "drift/prediction": "otel_mlsec.detectors.drift.prediction:PredictionDrift",
    "drift/performance": "otel_mlsec.detectors.drift.performance:Performance",
    "evasion/near_duplicate": "otel_mlsec.detectors.evasion.near_duplicate:NearDuplicate",
    "anomaly/input": "otel_mlsec.detectors.anomaly.input:Input",
    "extraction/account": "otel_mlsec.detectors.extraction.account:Account",
    "extraction/volume": "otel_mlsec.detectors.extraction.volume:Volume",
    "evasion/sequence": "otel_mlsec.detectors.evasion.sequence:Sequence",
    "extraction/coordinated": "otel_mlsec.detectors.extraction.coordinated:Coordinated",
}
OUTCOMES = {"drift/concept": "otel_mlsec.detectors.drift.concept:ConceptDrift"}


def build(reference: Reference, settings: ModelSettings) -> list[Detector]:
    """All detectors of one model that its reference can serve; facts first, since they are told before statistics."""
    if settings.off:
        return []
    built: list[Detector] = []
    for path in TABLE.values():
        module, _, name = path.partition(":")
        detector: Detector | None = getattr(import_module(module), name).build(reference, settings)
        if detector is not None:
            built.append(detector)
    return built


def build_outcomes(reference: Reference, settings: ModelSettings) -> list[OutcomeDetector]:
    """Those that judge answers whose truth is known, as far as the reference was told the truth of its own."""
    if settings.off:
        return []
    built: list[OutcomeDetector] = []
    for path in OUTCOMES.values():
        module, _, name = path.partition(":")
        detector: OutcomeDetector | None = getattr(import_module(module), name).build(reference, settings)
        if detector is not None:
            built.append(detector)
    return built
