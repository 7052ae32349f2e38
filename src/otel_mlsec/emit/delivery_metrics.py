"""What becomes of findings that were made: by spool, and by handler; read when the SDK asks for it, in the SDK's thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from otel_mlsec.emit import names
from otel_mlsec.emit.spool.spool import Spool
from otel_mlsec.errors import contained

Read = Callable[[CallbackOptions], Iterable[Observation]]


def observe(meter: Meter, spools: Callable[[], Sequence[Spool]], handled: Callable[[], Mapping[str, int]]) -> None:
    """
    Args:
        spools: those of this moment.
        handled: calls of handlers so far, by `error.type`; "" where they went well.
    """

    def of_spools(read: Callable[[Spool], float]) -> Read:
        return _contained(lambda: [Observation(read(spool), {names.SINK_NAME: spool.name}) for spool in spools()])

    meter.create_observable_counter(
        names.SPOOL_RECORDS, [_contained(lambda: _outcomes(spools()))], "{record}", "Records of findings by what became of them"
    )
    meter.create_observable_up_down_counter(
        names.SPOOL_PENDING, [of_spools(lambda spool: spool.waiting)], "{record}", "Records that wait for their receiver"
    )
    meter.create_observable_up_down_counter(
        names.SPOOL_SIZE, [of_spools(lambda spool: spool.size)], "By", "Size of a spool on disk"
    )
    meter.create_observable_gauge(
        names.SPOOL_AGE, [of_spools(lambda spool: spool.age)], "s", "Time for which there has always been something that waits"
    )
    meter.create_observable_counter(
        names.HANDLER_CALLS,
        [_contained(lambda: _calls(handled()))],
        "{call}",
        "Calls of handlers or, with error.type, those that failed",
    )


def _outcomes(spools: Sequence[Spool]) -> list[Observation]:
    return [
        Observation(count, {names.SINK_NAME: spool.name, names.SPOOL_OUTCOME: outcome, names.FINDING_SEVERITY: severity.upper()})
        for spool in spools
        for (outcome, severity), count in list(spool.counts.items())
    ]


def _calls(handled: Mapping[str, int]) -> list[Observation]:
    return [Observation(count, {names.ERROR_TYPE: error} if error else {}) for error, count in list(handled.items())]


def _contained(read: Callable[[], list[Observation]]) -> Read:
    def observations(_: CallbackOptions) -> Iterable[Observation]:
        with contained("emit.metrics"):
            return read()
        return []

    return observations
