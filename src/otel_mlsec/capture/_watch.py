"""What the application says of its models, and classes of no library that it wants watched."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from otel_mlsec.capture._call import LIBRARIES
from otel_mlsec.capture._describe import Said, say
from otel_mlsec.capture._estimator import class_patcher
from otel_mlsec.capture._patch import Patches
from otel_mlsec.detector import Submit
from otel_mlsec.errors import contained
from otel_mlsec.reference.place import Place
from otel_mlsec.reference.store import SUFFIX

M = TypeVar("M")

_classes: weakref.WeakSet[type] = weakref.WeakSet()  # those the application has models of
_patchers: list[Callable[[type], None]] = []  # one while instrumented


def watch(model: M, *, name: str = "", version: str = "", reference: Any = None, file: str | Path = "") -> M:
    """Say what `model` is called and what its traffic normally looks like; observe it even if we do not know its library.

    Works before and after `instrument()`.  What is not said is inferred: the class's name, and a digest of the columns
    and classes as the version.

    Args:
        model: anything with `predict`, `predict_proba` or another method of that kind.
        name: in findings, spans and metrics.
        version: likewise.
        reference: a `Reference`, or where one lies: a file, a directory (the file of this model's name in it), a URL.
        file: that the model was loaded from.  A reference of the same name with `.mlsec` behind it is used where none is
            named; and one that was fitted with another file is refused.

    Returns:
        `model` itself.
    """
    with contained("capture.watch"):
        say(model, Said(name=name, version=version, reference=_place(reference, file) if file else reference))
        cls: type = type(model)
        if not any(base.__module__.partition(".")[0] in LIBRARIES for base in cls.__mro__):
            _classes.add(cls)
            for patch_class in tuple(_patchers):
                patch_class(cls)
    return model


def _place(told: Any, file: str | Path) -> Place:
    path = str(Path(file).absolute())  # it is read later, when the application may be in another directory
    return Place(told=told, beside=path + SUFFIX, file=path)


def patch(patches: Patches, submit: Submit) -> None:
    """Patch the classes that are watched, and those that will be."""
    patch_class = class_patcher(patches, submit)
    _patchers.append(patch_class)
    patches.at_undo(lambda: _patchers.remove(patch_class))
    for cls in tuple(_classes):
        patch_class(cls)
