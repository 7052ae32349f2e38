"""What `opentelemetry-instrument` loads.  Nothing may be raised here: it would abort the instrumentors behind us."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection
from typing import Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from otel_mlsec import agent
from otel_mlsec.config import Config, ConfigError
from otel_mlsec.errors import contained

_log = logging.getLogger("otel_mlsec")
HOOKS = "genai"  # row of `capture.TABLE`
_refused = ""  # why the agent stays off, once it was said


def pre_instrument() -> None:
    """Before any instrumentor runs: a wrong configuration is said at the top of the log, and once.

    Those of OpenTelemetry's GenAI packages ask the environment for their hook; one that the user named stays.
    """
    try:
        config = Config.load(os.environ)
    except ConfigError as error:
        _refuse(error)
        return
    if config.enabled and HOOKS not in config.disabled_instrumentations:
        os.environ.setdefault("OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK", "otel_mlsec")


def _refuse(error: ConfigError) -> None:
    global _refused
    if str(error) != _refused:
        _refused = str(error)
        _log.error("otel-mlsec stays off: %s", error)


class MlsecInstrumentor(BaseInstrumentor):
    """`otel_mlsec.instrument` for zero-code use; takes the same arguments."""

    def instrumentation_dependencies(self) -> Collection[str]:
        return ()  # of the libraries it can watch, any may be absent

    def _instrument(self, **kwargs: Any) -> None:
        kwargs.pop("skip_dep_check", None)
        with contained("instrument"):
            try:
                agent.instrument(**kwargs)
            except ConfigError as error:
                _refuse(error)

    def _uninstrument(self, **kwargs: Any) -> None:
        with contained("uninstrument"):
            agent.uninstrument()
