"""By what each model is judged: what the application, the settings or the model's registry name, if it can be used.

Used by the worker's thread alone: files are read and URLs asked there, never in a caller's.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otel_mlsec.config import ANY
from otel_mlsec.observation import Model, Prediction
from otel_mlsec.reference import store
from otel_mlsec.reference.address import Unreachable, on_disk, shown
from otel_mlsec.reference.origin import file_digest
from otel_mlsec.reference.place import Place
from otel_mlsec.reference.reference import Reference

MAX_MODELS = 64  # whose staleness is known, of more the one that was silent for the longest is forgotten; as are answers of URLs
MAX_FILES = 4  # read last, which the next model may need, too: behind a gateway who asks says what models there are
AGAIN = 600.0  # s after which a URL that gave none is asked again, for the next model
NAMES = 256  # of models that were seen; of more, what nobody uses is not told, nor what is refused
LONGEST = 256  # characters of a name in a sentence
ROWS_UNUSED, TIME_UNUSED = 1000, 600.0  # calls, or s, after which a reference of a model that was never called is a mistake
SHOWN = 8  # names in a sentence
_log = logging.getLogger("otel_mlsec")


def every(settings: Mapping[str, str], key: bytes | None) -> dict[str, Reference]:
    """All that settings name, by name of the model, `*` for any other; for who does not wait for calls.

    Raises:
        ValueError, OSError: one of them cannot be used.
    """
    found: dict[str, Reference] = {}
    for name, told in settings.items():
        path = on_disk(told)
        if path is None:
            from otel_mlsec.fetch import fetch  # noqa: PLC0415 - a library that few need

            found[name] = Reference.parse(fetch(told), shown(told), key=key)
        elif path.is_dir():
            for each in store.names(path) if name == ANY else [name]:
                if (kept := store.find(path, each)) is not None:
                    found.setdefault(each, Reference.load(kept, key=key))
        else:
            found[name] = Reference.load(path, key=key)
    return found


class Mismatch(ValueError):
    """It is a reference, and not this model's."""


@dataclass(slots=True)
class _Use:
    since: float  # s since the epoch: the last row that it was fitted to, or when it was
    rows: int = 0


class References:
    """State: at most 64 models, 64 URLs, 4 files, 256 names, 256 refused models, and 64 directories with 256 names each.

    Args:
        settings: where references lie by name of the model, `*` for any other.
        key: that they must be signed with.
        refused: told the model's name and one word, why: "mismatch", "unreachable", "unreadable".
    """

    def __init__(self, settings: Mapping[str, str], key: str, refused: Callable[[str, str], None]) -> None:
        self._settings, self._key, self._refused = settings, key.encode() or None, refused
        self._uses: OrderedDict[tuple[str, str], _Use] = OrderedDict()
        self._urls: OrderedDict[str, tuple[float, Reference | ValueError]] = OrderedDict()
        self._files: OrderedDict[tuple[Path, int, int, int], Reference | ValueError] = OrderedDict()
        self._doubted: set[tuple[str, str]] = set()
        self._seen: dict[str, None] = {}
        self._directories: dict[Path, dict[str, bool]] = {}  # models that were looked for in each, and whether they were there
        self._calls, self._first, self._said = 0, 0.0, False

    def of(self, call: Prediction, now: float) -> Reference | None:
        """For the first call of a model; None where there is none, or it is refused, which is logged and counted."""
        named: Any = call.reference
        place = named if isinstance(named, Place) else Place(told=named)
        name = call.model.name
        try:
            reference = self._found(place, name, now)
            if reference is not None:
                _match(reference, place, call)
            return reference
        except (ValueError, OSError, TypeError) as error:
            self._say(call.model, error)
            unreachable = isinstance(error, Unreachable)
            self._refused(name, "mismatch" if isinstance(error, Mismatch) else "unreachable" if unreachable else "unreadable")
            return None

    def _say(self, model: Model, error: Exception) -> None:
        """Once a model, and of so many: who names them could fill the log."""
        key = model.name, model.version
        if key not in self._doubted and len(self._doubted) < NAMES:
            self._doubted.add(key)
            _log.error("reference of model %r refused, a provisional one is learned instead: %s", model.name[:LONGEST], error)
            if len(self._doubted) == NAMES:
                _log.error("references of %d models were refused; further ones are counted and not told", NAMES)

    def used(self, model: Model, reference: Reference) -> None:
        """From now on, by `model`."""
        origin = reference.origin
        last = origin.last if origin is not None and origin.last > 0 else reference.created
        self._uses[model.name, model.version] = _Use(last)
        if len(self._uses) > MAX_MODELS:
            self._uses.popitem(last=False)

    def asked(self, call: Prediction, now: float) -> None:
        """A call was made; every one is to be told."""
        if not self._calls:
            self._first = now
        self._calls += 1
        if len(self._seen) < NAMES:
            self._seen[call.model.name] = None
        use = self._uses.get((call.model.name, call.model.version))
        if use is not None:
            use.rows += call.n_rows
            self._uses.move_to_end((call.model.name, call.model.version))

    def staleness(self, now: float) -> Iterator[tuple[Model, float, int]]:
        """Model, age in s of what it is judged by, and rows since it is."""
        for (name, version), use in self._uses.items():
            yield Model(name=name, version=version), max(0.0, now - use.since), use.rows

    def look(self, now: float) -> None:
        """Say once which references nobody uses, when there was time enough for every model to be called."""
        if self._said or not self._calls or (self._calls < ROWS_UNUSED and now - self._first < TIME_UNUSED):
            return
        self._said = True
        unused = sorted(self._settings.keys() - self._seen.keys() - {ANY})
        if unused and len(self._seen) < NAMES:
            _log.warning(
                "reference for %s is unused; models seen: %s",
                ", ".join(map(repr, unused[:SHOWN])),
                ", ".join(map(repr, sorted(self._seen)[:SHOWN])),
            )
        for directory, looked in self._directories.items():
            if not any(looked.values()):  # one that other processes use, too, has more than is needed here
                there = ", ".join(map(repr, store.names(directory)[:SHOWN])) or "none"
                sought = ", ".join(map(repr, sorted(looked)[:SHOWN]))
                _log.warning("%s has no reference for %s; it has: %s", directory, sought, there)

    def _found(self, place: Place, name: str, now: float) -> Reference | None:
        if place.told is not None and place.told != "":
            return self._read(place.told, name, now)
        if name in self._settings and name != ANY:
            return self._read(self._settings[name], name, now)
        if place.beside and Path(place.beside).is_file():
            return self._read(place.beside, name, now)
        return self._read(self._settings[ANY], name, now) if ANY in self._settings else None

    def _read(self, told: Any, name: str, now: float) -> Reference | None:
        if isinstance(told, Reference):
            return told
        path = on_disk(told) if isinstance(told, str) else Path(told)
        if path is None:
            return self._fetched(told, now)
        if path.is_dir():
            directory, path = path, store.find(path, name)
            looked = self._directories.setdefault(directory, {}) if len(self._directories) < MAX_MODELS else {}
            if len(looked) < NAMES:
                looked[name] = path is not None
        return self._loaded(path) if path is not None else None

    def _loaded(self, path: Path) -> Reference:
        stat = path.stat()
        file = path, stat.st_ino, stat.st_size, stat.st_mtime_ns
        held = self._files.get(file)
        if held is None:
            try:
                held = Reference.load(path, key=self._key)
            except ValueError as error:
                held = error
            self._files[file] = held
            if len(self._files) > MAX_FILES:
                self._files.popitem(last=False)
        return _given(held)

    def _fetched(self, url: str, now: float) -> Reference:
        from otel_mlsec.fetch import fetch  # noqa: PLC0415 - a library that few need

        held = self._urls.get(url)
        if held is None or (isinstance(held[1], ValueError) and now - held[0] > AGAIN):
            try:
                held = now, Reference.parse(fetch(url), shown(url), key=self._key)
            except ValueError as error:  # unreachable, or what came is none
                held = now, error
            self._urls[url] = held
            if len(self._urls) > MAX_MODELS:
                self._urls.popitem(last=False)
        return _given(held[1])


def _given(held: Reference | ValueError) -> Reference:
    if isinstance(held, ValueError):
        raise held.with_traceback(None)  # else it grew with each time that it is raised
    return held


def _match(reference: Reference, place: Place, call: Prediction) -> None:
    origin = reference.origin
    if origin is None:  # of a file of an earlier release, which says nothing of it
        return
    file = place.digest or (file_digest(Path(place.file)) if place.file and origin.file else "")
    why = origin.refusal(schema=call.schema, file=file, columns=place.columns)
    if why:
        raise Mismatch(why)
