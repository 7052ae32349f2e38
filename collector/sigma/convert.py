"""Rules → Splunk's SPL, Elastic's ES|QL and Loki's LogQL, with the names that findings have there.

Splunk: bodies of `ocsf.yaml` by `contrib/siem.yaml`, in which attributes are under `unmapped`.  Elastic: bodies of `ecs.yaml`.
Loki: OTLP as it is, whose attributes are structured metadata, with underscores for full stops.  Its lines are not parsed: what is
in a body may be the attacker's, and would become labels.  The event's name is not asked for, since releases before 2026 drop it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sigma.backends.elasticsearch import ESQLBackend
from sigma.backends.loki import LogQLBackend
from sigma.backends.splunk import SplunkBackend
from sigma.collection import SigmaCollection
from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
from sigma.processing.transformations import (
    AddConditionTransformation,
    AddFieldnamePrefixTransformation,
    FieldFunctionTransformation,
    SetCustomAttributeTransformation,
    SetStateTransformation,
)

HERE = Path(__file__).parent
RULES = sorted((HERE / "rules").glob("*.yml"))
INDEX = "logs-otel_mlsec.finding-*"


def _pipeline(*transformations: Any) -> ProcessingPipeline:
    return ProcessingPipeline(name="otel-mlsec", items=[ProcessingItem(transformation=each) for each in transformations])


def splunk() -> SplunkBackend:
    return SplunkBackend(
        processing_pipeline=_pipeline(
            AddFieldnamePrefixTransformation("unmapped."), AddConditionTransformation({"sourcetype": "otel:mlsec:finding"})
        )
    )


def elastic() -> ESQLBackend:
    return ESQLBackend(processing_pipeline=_pipeline(SetStateTransformation("index", INDEX)))


def loki() -> LogQLBackend:
    return LogQLBackend(
        processing_pipeline=_pipeline(
            FieldFunctionTransformation({}, lambda name: name.replace(".", "_")),
            SetCustomAttributeTransformation("logsource_loki_selection", '{service_name=~".+"}'),
            SetCustomAttributeTransformation("loki_parser", "|"),
            AddConditionTransformation({"mlsec_finding_id": "?*"}),
        ),
        add_line_filters=False,
    )


BACKENDS: Mapping[str, Callable[[], Any]] = {"spl": splunk, "esql": elastic, "logql": loki}


def converted(rule: Path, language: str) -> str:
    """All queries of a file, one after the other; of a correlation, itself only."""
    queries = BACKENDS[language]().convert(SigmaCollection.from_yaml(rule.read_text("utf-8")))
    return "\n\n".join(str(query) for query in queries) + "\n"


if __name__ == "__main__":
    for each in RULES:
        for name in BACKENDS:
            (HERE / "converted" / f"{each.stem}.{name}").write_text(converted(each, name), "utf-8")
