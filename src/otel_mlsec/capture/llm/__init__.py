"""Calls of language models, where every client passes: one HTTP request and one response.

The bytes are the ground truth of what reached the model and of what came back; they cannot change, so nothing is copied, and
they are read in the worker.  The client's own objects are never touched: a stream is watched below them, by way of
`response.stream`, an attribute that httpx documents.
"""

from __future__ import annotations

from otel_mlsec.capture.llm.attempts import Attempts
from otel_mlsec.capture.llm.completions import prompt, whole
from otel_mlsec.capture.llm.exchange import Answered, Asked, Exchange

__all__ = ["Answered", "Asked", "Attempts", "Exchange", "prompt", "whole"]
