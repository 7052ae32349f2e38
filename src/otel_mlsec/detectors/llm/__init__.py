"""Detectors of what language models are given and give: one file each, one row each in `TABLE`."""

from __future__ import annotations

from collections.abc import Mapping

# Those that judge what the model is given come first: what they find decides how bad an answer is.
TABLE: Mapping[str, str] = {
    # what is judged when it is answered
    "llm/system_prompt_leak": "otel_mlsec.detectors.llm.system_prompt_leak:SystemPromptLeak",
    "llm/secret_leak": "otel_mlsec.detectors.llm.secret_leak:SecretLeak",
    "llm/pii_leak": "otel_mlsec.detectors.llm.pii_leak:PiiLeak",
}
