"""The ways that findings of this process take which lose none: one spool for OTLP, one for each sink."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

from otel_mlsec.config import Config, ConfigError
from otel_mlsec.emit.destination import destination
from otel_mlsec.emit.record import Record
from otel_mlsec.emit.spool.spool import Spool
from otel_mlsec.emit.transport import Transport
from otel_mlsec.errors import contained

OTLP: Final = "otlp"  # name of the spool that sends to where OpenTelemetry's variables say
OFF: Final = "off"
_log = logging.getLogger("otel_mlsec")


class Delivery:
    """All spools of one process; a record goes into each of them.

    Attributes:
        otlp: one of them sends by OTLP, so that records need not go through the application's logger provider, too.
    """

    def __init__(self, spools: Sequence[Spool], *, otlp: bool = False) -> None:
        self.spools, self.otlp = spools, otlp

    def __bool__(self) -> bool:
        return bool(self.spools)

    def put(self, record: Record) -> None:
        for spool in self.spools:
            with contained("spool put"):
                spool.put(record)

    def start(self) -> None:
        for spool in self.spools:
            with contained("spool start"):
                spool.start()

    def flush(self, timeout: float) -> None:
        """Wait until all is delivered that can be, at most `timeout` s altogether."""
        self._each(lambda spool, left: spool.flush(left), timeout)

    def close(self, timeout: float) -> None:
        """Deliver what can be within `timeout` s, and leave the rest to the next process."""
        self._each(lambda spool, left: spool.close(left), timeout)

    def _each(self, act: Callable[[Spool, float], object], timeout: float) -> None:
        end = time.monotonic() + timeout
        for spool in self.spools:
            with contained("spool flush"):
                act(spool, max(0.0, end - time.monotonic()))

    def forked(self) -> None:
        for spool in self.spools:
            with contained("spool fork"):
                spool.forked()


def delivery(
    config: Config, environ: Mapping[str, str], quiet: Callable[[], AbstractContextManager[Any]], *, otlp: bool = True
) -> Delivery:
    """As the configuration and OpenTelemetry's own variables have it.

    Args:
        config: `spool`, `spool_bytes`, `sinks`, `sink_secret`, `key`.
        environ: of the process.
        quiet: context in which is sent, so that it is not observed.
        otlp: false where the application has given a logger provider, which is then the way of its choice.

    Raises:
        ConfigError: a sink that there cannot be.
    """
    make = _Make(config, root(config, environ), quiet)
    spools: list[Spool] = []
    to = destination(environ, asked=bool(config.spool)) if otlp and config.spool.lower() != OFF else None
    if to is not None:
        spools.append(make.spool(OTLP, to.shown, to.transport))
    spools += [make.sink(url) for url in config.sinks]
    return Delivery(spools, otlp=to is not None)


class _Make:
    def __init__(self, config: Config, directory: Path | None, quiet: Callable[[], AbstractContextManager[Any]]) -> None:
        self._config, self._directory, self._quiet = config, directory, quiet

    def spool(self, name: str, shown: str, connect: Callable[[], Transport]) -> Spool:
        home = None
        if self._directory is not None and os.name == "posix":
            from otel_mlsec.emit.spool.home import Home, path_of  # noqa: PLC0415 - needs the locks of POSIX

            home = Home(path_of(self._directory, name, shown), name, shown, key=chain_key(self._config))
        return Spool(name, connect, home, limit=self._config.spool_bytes, quiet=self._quiet)

    def sink(self, url: str) -> Spool:
        from otel_mlsec.emit import transports  # noqa: PLC0415 - TLS and formats, for who has sinks

        try:
            transport = transports.transport(url, secret=self._config.sink_secret)
        except ValueError as error:
            raise ConfigError(f"sinks: {error}") from None
        return self.spool(transports.shown(url), transports.shown(url), lambda: transport)


def chain_key(config: Config) -> bytes:
    return config.key.encode("utf-8", "surrogateescape")


def root(config: Config, environ: Mapping[str, str]) -> Path | None:
    """Where spools are kept; None: in memory only."""
    if config.spool.lower() == OFF:
        return None
    if config.spool:
        return Path(config.spool).absolute()
    state = Path(environ.get("XDG_STATE_HOME", ""))
    try:
        return (state if state.is_absolute() else Path("~/.local/state").expanduser()) / "otel-mlsec" / "spool"
    except RuntimeError:  # nobody's home
        return None
