"""Embeddings, of OpenAI's, Cohere's, Gemini's and Ollama's kind: texts go in, numbers come out."""

from __future__ import annotations

from typing import Final

from otel_mlsec.capture.bodies import chat, gemini
from otel_mlsec.capture.bodies.api import Api, last, nothing
from otel_mlsec.capture.bodies.reader import Reader
from otel_mlsec.capture.bodies.rows import How, Rows, row
from otel_mlsec.capture.bodies.shapes import Object, mapping, sequence
from otel_mlsec.capture.bodies.taken import At, Taken
from otel_mlsec.capture.bodies.voices import USER

TOP: Final[Rows] = (
    row("input|texts|prompt", USER, How.PARTS),
    row("inputs.*.content", USER, How.PARTS),
)


def ask(body: Object, taken: Taken) -> None:
    read = Reader(chat.PARTS, taken)
    read.rows(body, TOP, At(USER, path=()))
    gemini.ask({"contents": body.get("content")}, taken)
    for request in sequence(body.get("requests"))[:4096]:
        gemini.ask({"contents": mapping(request).get("content")}, taken)


LIMITS: Final = {"gen_ai.embeddings.dimension.count": ("dimensions", "output_dimension", "outputDimensionality")}
EMBEDDINGS: Final = Api(
    operation="embeddings",
    needs=("input", "texts", "prompt", "inputs", "content", "requests"),
    ask=ask,
    join=last,
    say=nothing,
    limits=LIMITS,
)
