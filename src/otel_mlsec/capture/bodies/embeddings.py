"""Embeddings, of OpenAI's, Cohere's, Gemini's and Ollama's kind: texts go in, numbers come out."""

from __future__ import annotations

from typing import Final

from otel_mlsec.capture.bodies import chat, gemini
from otel_mlsec.capture.bodies.api import Api, last, nothing
from otel_mlsec.capture.bodies.reader import Reader
from otel_mlsec.capture.bodies.rows import How, Rows, row
from otel_mlsec.capture.bodies.shapes import Object, mapping
from otel_mlsec.capture.bodies.taken import At, Taken
from otel_mlsec.capture.bodies.voices import USER

TOP: Final[Rows] = (
    row("input|texts|prompt", USER, How.PARTS),
    row("inputs.*.content", USER, How.PARTS),
)


def ask(body: Object, taken: Taken) -> None:
    read = Reader(chat.PARTS, taken)
    read.rows(body, TOP, At(USER, path=()))
    of_gemini = Reader(gemini.PARTS, taken)
    gemini.content_of(of_gemini, body.get("content"), At(USER, path=("content",)))
    for index, request, at in taken.items(body.get("requests"), At(USER, path=("requests",))):
        gemini.content_of(of_gemini, mapping(request).get("content"), at.says(USER, index).into("content"))


LIMITS: Final = {"gen_ai.embeddings.dimension.count": ("dimensions", "output_dimension", "outputDimensionality")}
EMBEDDINGS: Final = Api(
    operation="embeddings",
    needs=("input", "texts", "prompt", "inputs", "content", "requests"),
    ask=ask,
    join=last,
    say=nothing,
    limits=LIMITS,
)
