"""A finding in one line.  Lists show some 60 characters of it: how bad, what and of which model come first."""

from otel_mlsec.emit.clean import text
from otel_mlsec.finding import Finding

NAME = 128  # bytes of a title, a model's name, its version


def line(finding: Finding) -> str:
    """`<SEVERITY> <Title>: <model> <version>, <summary>`, and whether nobody has vouched for what it is compared with."""
    title, name, version = (text(part, NAME) for part in (finding.title, finding.model.name, finding.model.version))
    model = f"{name} {version}".rstrip()
    unsure = " (provisional reference)" if finding.evidence.get("reference") == "provisional" else ""
    return text(f"{finding.severity.name} {title}: {model}, {text(finding.summary)}{unsure}")
