"""What a finding about a text says of it."""

from __future__ import annotations

import pytest
from tests.detectors.llm.spoken import judged

from otel_mlsec.detectors.llm.tell import tell
from otel_mlsec.finding import Severity
from otel_mlsec.observation import Completion, Form, Model, Origin
from otel_mlsec.text.turn import Turn


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("run_shell", "run_shell"),
        ("mcp/files.read-all", "mcp/files.read-all"),
        ("my password is hunter2", None),
        ("x" * 65, None),
    ],
)
def test_the_name_of_a_tool_is_told_if_it_is_a_name(name: str, told: str | None):
    about = judged("{}", Origin.MODEL, form=Form.ARGUMENTS, tool=name).reading.text
    turn = Turn(completion=Completion(model=Model(name="m"), operation="chat"), inputs=())

    finding = tell(
        turn, "llm/x", kind="llm.x", title="", summary="", severity=Severity.LOW, score=1.0, threshold=1.0, about=about
    )

    assert finding.evidence.get("tool") == told
