"""Detectors of what language models are given and give: one file each, one row each in `TABLE`."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

from otel_mlsec.config import LlmSettings
from otel_mlsec.text.turn import TextDetector

# Those that judge what the model is given come first: what they find decides how bad an answer is.
TABLE: Mapping[str, str] = {
    # what is judged before it is answered
    "llm/hidden_text": "otel_mlsec.detectors.llm.hidden_text:HiddenText",
    "llm/injection": "otel_mlsec.detectors.llm.injection:Injection",
    "llm/jailbreak": "otel_mlsec.detectors.llm.jailbreak:Jailbreak",
    "llm/persistence": "otel_mlsec.detectors.llm.persistence:Persistence",
    # what is judged when it is answered
    "llm/system_prompt_leak": "otel_mlsec.detectors.llm.system_prompt_leak:SystemPromptLeak",
    "llm/secret_leak": "otel_mlsec.detectors.llm.secret_leak:SecretLeak",
    "llm/pii_leak": "otel_mlsec.detectors.llm.pii_leak:PiiLeak",
    "llm/exfiltration": "otel_mlsec.detectors.llm.exfiltration:Exfiltration",
    "llm/tool_misuse": "otel_mlsec.detectors.llm.tool_misuse:ToolMisuse",
    "llm/compliance": "otel_mlsec.detectors.llm.compliance:Compliance",
    "llm/cost": "otel_mlsec.detectors.llm.cost:Cost",
    "drift/text": "otel_mlsec.detectors.drift.text:TextDrift",
}


def build(
    settings: LlmSettings,
    *,
    key: bytes = b"",
    only: Collection[str] | None = None,
    adaptive: bool = True,
    **live: Any,
) -> list[TextDetector]:
    """All detectors, as new, or those of `only`, each with the settings for which it has a parameter.

    `key` is that of the canaries; `adaptive` are those of live traffic, of which `live` gives `known` and `models`: reference
    and settings by the name of a model.
    """
    if settings.off:
        return []
    given: Mapping[str, Any] = {
        "allowed_hosts": settings.allowed_hosts,
        "false_alarms_per_million": settings.false_alarms_per_million,
        "threshold": 6.0 - math.log10(settings.false_alarms_per_million),  # in digits, as `Verdict.score`
        "key": key,
        "adaptive": adaptive,
        **live,
    }
    built: list[TextDetector] = []
    for name, path in TABLE.items():
        if only is None or name in only:
            module, _, of = path.partition(":")
            kind: Any = getattr(import_module(module), of)
            known = _parameters(kind)
            built.append(kind(**{parameter: value for parameter, value in given.items() if parameter in known}))
    return built


def _parameters(kind: type) -> set[str]:
    return {each.name for each in fields(kind) if each.init} if is_dataclass(kind) else set()
