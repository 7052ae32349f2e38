"""How a method is patched: a wrapt wrapper that pickles and copies as the thing it wraps, and what was patched is undone."""

from __future__ import annotations

import copy
import sys
import threading
import typing
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import wrapt

from otel_mlsec.errors import contained

Wrapper = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]


class Bound(wrapt.BoundFunctionWrapper[..., Any]):
    """`model.predict`.  Leaves the process as `getattr(model, "predict")`, as a plain method does.

    All three are needed: wrapt's proxies raise in each, and `copy` asks for its own two before it reduces.
    """

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        target = self._self_instance if self._self_instance is not None else self._self_owner
        return getattr, (target, self.__wrapped__.__name__)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        get, arguments = self.__reduce_ex__(4)
        return get(*copy.deepcopy(arguments, memo))  # the copy of a bound method is observed too


class Patched(wrapt.FunctionWrapper[..., Any]):
    """A patched attribute of a class.  Pickled by value it is the original: nobody needs us to load it."""

    __bound_function_wrapper__ = Bound

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return typing.cast, (None, self.__wrapped__)  # identity, by a name that every Python has

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self


def is_patched(own: Any) -> bool:
    """Also where somebody saved the attribute with getattr and put it back: then the bound wrapper is there."""
    return type(own) in (Patched, Bound)


def plain(own: Any) -> Any:
    """What is below the wrapper that a class body took from another class: `predict = Parent.predict`."""
    return own.__wrapped__ if type(own) is Bound and own._self_instance is None else own


class Patches:
    """All that is patched now, and how to undo it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._undo: list[Callable[[], None]] = []
        self._hooked: set[str] = set()
        self._on_import: dict[str, list[Callable[[Any], None]]] = {}
        self.active = True  # while false every patch passes through, also one that could not be taken off

    def __len__(self) -> int:
        return len(self._undo)

    def when_imported(self, module: str, patch: Callable[[Any], None]) -> None:
        """Call `patch(module)` at its import, or now.  wrapt never forgets a hook, so there is one a module, for life."""
        self._on_import.setdefault(module, []).append(patch)
        if module in self._hooked:
            if module in sys.modules:
                self._run(module, patch, sys.modules[module])
            return
        self._hooked.add(module)

        def hook(loaded: Any) -> None:
            for each in tuple(self._on_import.get(module, ())):
                self._run(module, each, loaded)

        wrapt.register_post_import_hook(hook, module)

    def _run(self, module: str, patch: Callable[[Any], None], loaded: Any) -> None:
        with contained(f"capture.patch.{module}"):  # a library that has moved its names is not patched, and said so once
            if self.active:
                patch(loaded)

    def wrap(self, target: Any, path: str, wrapper: Wrapper, enabled: Callable[[], bool]) -> None:
        """Patch an attribute.  While `enabled()` is false wrapt calls the original and enters no frame of ours."""
        with self._lock:
            handle: Any = wrapt.wrap_object(target, path, Patched, (wrapper, enabled))
            self._undo.append(lambda: _unwrap(target, path, handle))

    def wrap_when_imported(self, module: str, path: str, wrapper: Wrapper, enabled: Callable[[], bool]) -> None:
        self.when_imported(module, lambda loaded: self.wrap(loaded, path, wrapper, enabled))

    def at_undo(self, action: Callable[[], None]) -> None:
        self._undo.append(action)

    def undo(self) -> None:
        """Every class as it was: the keys, their order, and the very objects."""
        with self._lock:
            self.active = False
            actions, self._undo = self._undo[::-1], []
            self._on_import.clear()
        for action in actions:
            with contained("capture.undo"):
                action()


def _unwrap(target: Any, path: str, handle: Any) -> None:
    found: tuple[Any, str, Any] = wrapt.resolve_owner(target, path)
    owner, name, current = found
    if type(current) is Bound and current._self_parent is handle:
        setattr(owner, name, handle.__wrapped__)  # somebody saved it with getattr and put it back with setattr
        return
    with suppress(wrapt.WrapperNotOutermostError):  # below something that is not wrapt: it stays there and passes through
        wrapt.unwrap_object(target, path, handle, missing_ok=True)
