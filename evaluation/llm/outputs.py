"""Detectors of answers on benign texts: how often they raise an alarm about nothing."""

from __future__ import annotations

import numpy as np

from evaluation.llm.folds import Folds
from evaluation.llm.report import out, table, upper
from otel_mlsec.config import LlmSettings
from otel_mlsec.detectors.llm import build
from otel_mlsec.observation import Completion, Form, Model, Origin, Role, Text
from otel_mlsec.text.reading import Reading
from otel_mlsec.text.turn import TextDetector, Turn

ASKED = {"llm/secret_leak": "0.01", "llm/exfiltration": "0.05", "llm/pii_leak": "", "llm/system_prompt_leak": ""}  # % at most
SECRET = b"0123456789abcdef"


def outputs(made: Folds) -> None:
    """Each benign text as the answer to nobody's question, under a system prompt that has nothing to do with it."""
    rows = made.rows
    benign = rows.text[~rows.attack & ~np.char.startswith(rows.kind.astype(str), "synth")]
    prompts = rows.text[rows.kind == "benign_system_prompt"]
    shown = table("False alarms in answers: benign texts of the pool (secrets in them, if any, are counted, too)",
                  "detector", "alarms", "%", "95 % bound", "asked ≤ %")  # fmt: skip
    for name, asked in ASKED.items():
        [detector] = build(LlmSettings(), key=SECRET, only={name})
        alarms = sum(_alarms(detector, str(text), str(prompts[i % len(prompts)])) for i, text in enumerate(benign))
        n = len(benign)
        shown.add_row(name, f"{alarms} of {n:,}", f"{100 * alarms / n:.4f}", f"{100 * upper(alarms, n):.4f}", asked)
    out.print(shown)


def _alarms(detector: TextDetector, text: str, prompt: str) -> bool:
    system = Text(text=prompt, role=Role.SYSTEM, origin=Origin.OPERATOR)
    said = Text(text=text, role=Role.ASSISTANT, origin=Origin.MODEL, form=Form.TEXT)
    call = Completion(model=Model(name="m"), operation="chat", inputs=(system,), outputs=(said,))
    return bool(detector.update(Turn(completion=call, inputs=(), outputs=(Reading(said),), answered=True)))
