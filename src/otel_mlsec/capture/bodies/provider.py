"""Names that OpenTelemetry has for providers (`gen_ai.provider.name`), by the host that answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# A host, or what it ends in.
HOSTS: Final[Mapping[str, str]] = {
    "api.openai.com": "openai",
    "openai.azure.com": "azure.ai.openai",
    "cognitiveservices.azure.com": "azure.ai.openai",
    "services.ai.azure.com": "azure.ai.inference",
    "models.ai.azure.com": "azure.ai.inference",
    "inference.ai.azure.com": "azure.ai.inference",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "api.mistral.ai": "mistral_ai",
    "api.cohere.com": "cohere",
    "api.cohere.ai": "cohere",
    "api.groq.com": "groq",
    "api.deepseek.com": "deepseek",
    "api.x.ai": "x_ai",
    "api.perplexity.ai": "perplexity",
    "ml.cloud.ibm.com": "ibm.watsonx.ai",
}


def provider(host: str, path: str) -> str:
    """
    >>> provider("eu.api.openai.com", "/v1/responses"), provider("llm.example", "/v1/responses")
    ('openai', 'llm.example')
    """
    host = host.lower().rstrip(".")
    for end, name in HOSTS.items():
        if host == end or host.endswith(("." + end, "-" + end)):  # us-central1-aiplatform.googleapis.com
            return name
    if host.startswith("bedrock") and host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws")):
        return "aws.bedrock"
    return "azure.ai.openai" if "/openai/deployments/" in path else host[:255]
