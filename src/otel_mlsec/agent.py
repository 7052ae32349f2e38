"""The composition root: configuration → patches, worker, detection, telemetry; started, stopped, and made anew in a fork."""

from __future__ import annotations

import collections
import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from opentelemetry import _logs, metrics, trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.utils import suppress_instrumentation

from otel_mlsec import errors
from otel_mlsec.capture import TABLE, Call, Patches, fitted, identity, patch, server
from otel_mlsec.config import Config, ConfigError
from otel_mlsec.emit.delivery import delivery
from otel_mlsec.emit.emitter import Emitter
from otel_mlsec.emit.handlers import HANDLERS
from otel_mlsec.errors import contained
from otel_mlsec.observation import Truths
from otel_mlsec.pipeline.inbox import Inbox
from otel_mlsec.pipeline.life import Life
from otel_mlsec.pipeline.worker import Worker
from otel_mlsec.processor import Providers
from otel_mlsec.reference.address import absolute
from otel_mlsec.reference.before import known

if TYPE_CHECKING:
    from otel_mlsec.detection import Detection
    from otel_mlsec.detector import Guard
    from otel_mlsec.dialogue import Dialogue
    from otel_mlsec.emit.spool.spool import Spool
    from otel_mlsec.references import References

CLOSE_TIMEOUT = 2.0  # s that handlers and receivers may each hold up the end of the process
_log = logging.getLogger("otel_mlsec")


class Agent:
    """All that runs in one process.

    Raises:
        ConfigError: the configuration names a reference that cannot be read, or an instrumentation that does not exist.
    """

    def __init__(
        self, config: Config, *, tracer_provider: Any = None, meter_provider: Any = None, logger_provider: Any = None
    ) -> None:
        _check(config)
        # Read with the model's first call, when the application may be in another directory.
        self._config = replace(config, reference={name: absolute(told) for name, told in config.reference.items()})
        self._inbox: Inbox[Any] = Inbox(items=config.queue_items, n_bytes=config.queue_bytes)
        self._worker = Worker(
            self._inbox, self._handle, quiet=suppress_instrumentation, idle=self._idle, flush=self._flush, close=self._close
        )
        # Where a logger provider is given, that is the way of the application's choice.
        self._delivery = delivery(config, os.environ, suppress_instrumentation, otlp=logger_provider is None)
        self._emitter = Emitter(
            version=version("otel-mlsec"),
            tracer_provider=tracer_provider,
            meter_provider=meter_provider,
            logger_provider=logger_provider,
            queue=_queue,
            errors=lambda: dict(errors.counts),
            delivery=self._delivery,
            spools=_spools,
            quiet=suppress_instrumentation,
            series=config.gauge_series,
            spans=config.spans,
            span_events=config.span_events,
            content=config.capture_content,
        )
        self._providers = Providers(
            self._worker,
            lambda: (
                tracer_provider or trace.get_tracer_provider(),
                meter_provider or metrics.get_meter_provider(),
                logger_provider or _logs.get_logger_provider(),
            ),
            self._delivery.flush,
        )
        self._patches = Patches()
        self._detection: Detection | None = None
        self._dialogue: Dialogue | None = None
        self._references: References | None = None
        self._life = self._begun()
        self._told_dropped: collections.Counter[str] = collections.Counter()
        self._said_dropped = False

    def start(self) -> None:
        if self._config.key:
            identity.set_key(self._config.key.encode("utf-8", "surrogateescape"))
        else:
            _log.info("OTEL_MLSEC_KEY is not set: pseudonyms of principals are of this process and those it forks only")
        self._providers.look()
        self._delivery.start()
        fitted.listen(self._patches, self.submit, self._config.reference_at_fit)
        patch(self._patches, self.submit, self._config.disabled_instrumentations, self._guard())
        config = self._config
        named = server.Headers(principal=config.principal_header, group=config.source_header, forwarded=config.forwarded_header)
        server.patch(self._patches, named)

    def stop(self) -> None:
        """Restore every class, detect what waits, detach from the providers."""
        self._patches.active = False
        self._patches.undo()
        self._worker.stop()
        self._providers.detach()
        self._emitter.scores(())  # nobody is followed any more
        HANDLERS.clear()

    @property
    def queue(self) -> tuple[int, int]:
        """Calls that wait, and how many may."""
        return len(self._inbox), self._inbox.capacity

    @property
    def n_patches(self) -> int:
        return len(self._patches)

    @property
    def spools(self) -> Sequence[Spool]:
        return self._delivery.spools

    def forked(self) -> None:
        """In the child: detectors, counts and what waits to be delivered are of the parent."""
        self._detection = self._dialogue = self._references = None
        self._life = self._begun()
        self._told_dropped.clear()
        self._providers.forked()
        self._delivery.forked()
        HANDLERS.forked()

    def _guard(self) -> Guard | None:
        if not self._config.enforce or self._config.llm.off:
            return None
        from otel_mlsec.enforcement import enforced  # noqa: PLC0415 - most applications never need it

        return enforced(self._patches, self._config)

    def submit(self, call: Any, /) -> bool:
        # Here and not in the worker: a process that sets its SDK up, calls once and ends would be over before the next look.
        if not self._providers.settled:
            with contained("providers"):
                self._providers.look()
        accepted = self._worker.put(call)
        if not accepted and not self._said_dropped and not self._inbox.closed:
            self._said_dropped = True  # here, since the worker may be what hangs
            _log.warning(
                "detection does not keep up (%s): calls go unseen, mlsec.detection.processed counts them",
                ", ".join(self._inbox.dropped),
            )
        return accepted

    def _flush(self) -> None:
        self._providers.flush()

    def _handle(self, calls: Sequence[Any]) -> None:
        predictions = [call for call in calls if type(call) is Call]
        truths = [call for call in calls if type(call) is Truths]
        if predictions:
            self._detecting().handle(predictions)
        if truths:
            self._detecting().told(truths)
        if fits := [call for call in calls if type(call) is fitted.Fitted]:
            self._detecting().fitted(fits)
        if len(predictions) + len(truths) + len(fits) < len(calls):
            self._listening().handle([call for call in calls if type(call) not in (Call, Truths, fitted.Fitted)])

    def _detecting(self) -> Detection:
        if self._detection is None:
            from otel_mlsec.detection import Detection  # noqa: PLC0415 - numpy comes with it, which a model library has loaded

            self._detection = Detection(self._config, self._emitter, self._life, references=self._known())
        return self._detection

    def _listening(self) -> Dialogue:
        if self._dialogue is None:
            from otel_mlsec.dialogue import Dialogue  # noqa: PLC0415 - numpy, RE2 and what was learned come with it

            self._dialogue = Dialogue.of(self._config, self._emitter, self._life, self._known())
        return self._dialogue

    def _known(self) -> References:
        if self._references is None:
            from otel_mlsec.references import References  # noqa: PLC0415 - likewise

            self._references = References(self._config.reference, self._config.reference_key, self._emitter.reference_refused)
        return self._references

    def _close(self) -> None:
        if self._dialogue is not None:
            self._dialogue.close()
        self._tell_due(last=True)
        HANDLERS.close(CLOSE_TIMEOUT)
        self._delivery.close(CLOSE_TIMEOUT)

    def _begun(self) -> Life:
        emitter = self._emitter
        return Life(
            self._config.suppress,
            withheld=lambda finding, why: emitter.withheld(finding.kind, finding.severity, finding.model.name, why),
            forgotten=lambda finding: emitter.evicted(finding.detector, 1),
        )

    def _tell_due(self, *, last: bool) -> None:
        with contained("life"):
            for finding, call in self._life.due(last=last):
                self._emitter.finding(finding, call, Context())

    def _idle(self, last: bool) -> None:
        self._providers.look()
        if self._detection is not None:
            self._detection.idle(last)
        if self._dialogue is not None:
            self._dialogue.idle(last)
        self._tell_due(last=False)
        for reason, count in list(self._inbox.dropped.items()):
            new = count - self._told_dropped[reason]
            if new:
                self._told_dropped[reason] = count
                self._emitter.dropped(new, reason)


_lock = threading.Lock()
_agent: Agent | None = None


def current() -> Agent | None:
    """The agent of this process, while it is instrumented."""
    return _agent


def _queue() -> tuple[int, int]:
    """Of the agent of this moment: an SDK keeps the first callback of an instrument, whoever registers the next."""
    return _agent.queue if _agent is not None else (0, 0)


def _spools() -> Sequence[Spool]:
    return _agent.spools if _agent is not None else ()


def instrument(
    config: Config | None = None,
    *,
    tracer_provider: Any = None,
    meter_provider: Any = None,
    logger_provider: Any = None,
    **settings: Any,
) -> None:
    """Watch every model of this process, from now on; a second call changes nothing.

    Args:
        config: all settings; without it they are read from `OTEL_MLSEC_*` and the file that `OTEL_MLSEC_CONFIG` names.
        tracer_provider, meter_provider, logger_provider: instead of the global ones.  None is ever created.
        settings: single settings, as the attributes of `Config`; they win over environment and file.

    Raises:
        ConfigError: a setting that cannot be used; nothing is patched then.
    """
    global _agent
    if config is not None and settings:
        raise ConfigError(f"instrument() takes a config or single settings, got both: {', '.join(sorted(settings))}")
    with _lock:
        if _agent is not None:
            return
        chosen = config if config is not None else Config.load(os.environ, **settings)
        if not chosen.enabled:
            return
        agent = Agent(chosen, tracer_provider=tracer_provider, meter_provider=meter_provider, logger_provider=logger_provider)
        agent.start()
        _agent = agent


def uninstrument() -> None:
    """Undo `instrument`: every class is what it was, and what had been observed has been judged."""
    global _agent
    with _lock:
        agent, _agent = _agent, None
    if agent is not None:
        agent.stop()


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()
    if _agent is not None:
        _agent.forked()


os.register_at_fork(after_in_child=_after_fork)


def _check(config: Config) -> None:
    for name in config.disabled_instrumentations:
        if name not in TABLE:
            raise ConfigError(f"disabled_instrumentations must be of {', '.join(TABLE)}, got {name!r}")
    for model, told in config.reference.items():
        try:
            if doubt := known(told, config.reference_key.encode() or None):
                _log.warning("reference of model %r: %s", model, doubt)
        except (ValueError, OSError) as error:
            raise ConfigError(f"reference of model {model!r} must be a file of `otel-mlsec reference fit`: {error}") from error
