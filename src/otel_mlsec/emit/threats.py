"""What analysts file a finding under: techniques of MITRE ATLAS and risks of the lists of OWASP."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from otel_mlsec.finding import Finding

ATLAS: Final = "5.6.1"  # the release that the ids are of


@dataclass(frozen=True, slots=True)
class Threat:
    atlas: tuple[str, ...] = ()
    owasp: tuple[str, ...] = ()


# Kinds that are not here are no attacks by themselves: drift that is tagged as one would poison the statistics of its readers.
TABLE: Final[Mapping[str, Threat]] = {
    "anomaly.input": Threat(("AML.T0043",), ("ML01:2023",)),
    "evasion.near_duplicate": Threat(("AML.T0043.001", "AML.T0015", "AML.T0042"), ("ML01:2023",)),  # search, evasion, trial
    "evasion.sequence": Threat(("AML.T0043.001", "AML.T0015", "AML.T0042"), ("ML01:2023",)),
    "extraction.account": Threat(("AML.T0024.002", "AML.T0005.001"), ("ML05:2023", "LLM10:2025")),  # and training a proxy
    "extraction.volume": Threat(("AML.T0034.000",), ("LLM10:2025",)),  # excessive queries, whatever for
    "extraction.coordinated": Threat(("AML.T0024.002", "AML.T0021", "AML.T0008.005"), ("ML05:2023", "LLM10:2025")),
    "llm.injection.direct": Threat(("AML.T0051.000",), ("LLM01:2025",)),
    "llm.injection.indirect": Threat(("AML.T0051.001",), ("LLM01:2025",)),
    "llm.jailbreak": Threat(("AML.T0054",), ("LLM01:2025",)),
    "llm.hidden_text": Threat(("AML.T0068",), ("LLM01:2025",)),
    "llm.persistence": Threat(("AML.T0051", "AML.T0054"), ("LLM01:2025",)),
    "llm.system_prompt_leak": Threat(("AML.T0056",), ("LLM07:2025",)),
    "llm.canary_leak": Threat(("AML.T0056",), ("LLM07:2025",)),
    "llm.secret_leak": Threat(("AML.T0057",), ("LLM02:2025",)),
    "llm.pii_leak": Threat(("AML.T0057",), ("LLM02:2025",)),
    "llm.exfiltration": Threat(("AML.T0057", "AML.T0077"), ("LLM05:2025", "LLM02:2025")),  # by what the client renders
    "llm.tool_misuse": Threat(("AML.T0053",), ("LLM06:2025",)),
    "llm.cost": Threat(("AML.T0034",), ("LLM10:2025",)),
}
BY_TOOL: Final[Mapping[str, Threat]] = {  # where the evidence is in the arguments of a tool's call
    "llm.exfiltration": Threat(("AML.T0057", "AML.T0086"), ("LLM06:2025", "LLM02:2025")),
}
NONE: Final = Threat()


def threat(finding: Finding) -> Threat:
    by_tool = BY_TOOL.get(finding.kind) if finding.evidence.get("form") == "arguments" else None
    return by_tool or TABLE.get(finding.kind, NONE)
