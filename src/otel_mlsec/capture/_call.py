"""Which calls count: the outermost one, made by the application."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextvars import ContextVar
from types import CoroutineType
from typing import Any

from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from otel_mlsec.capture import fitted
from otel_mlsec.capture._describe import forget
from otel_mlsec.capture._observe import Call, begin
from otel_mlsec.capture._patch import Patches, Wrapper
from otel_mlsec.detector import Submit
from otel_mlsec.errors import contained

LIBRARIES = frozenset({"sklearn", "xgboost", "lightgbm", "catboost", "imblearn"})  # what they call is part of a call
FITTING = "otel_mlsec.reference."  # what a model answers to a reference in the making is no traffic
Data = Callable[[tuple[Any, ...], dict[str, Any]], Any]

_inside: ContextVar[bool] = ContextVar("otel_mlsec_inside", default=False)


def application_asks(patches: Patches) -> Callable[[], bool]:
    """wrapt's `enabled`: does this call come from the application?  Otherwise no frame of ours is entered.

    A variable tells calls inside calls.  Threads that a library starts do not carry it, but there the caller is the
    library itself, and its name tells.
    """

    def enabled() -> bool:
        if _inside.get() or not patches.active:
            return False
        frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage] - inspect's own way is 20 times slower
        module: str = frame.f_globals.get("__name__") or ""
        while module.startswith("wrapt.") and frame.f_back is not None:  # wrapt in pure Python has frames of its own
            frame = frame.f_back
            module = frame.f_globals.get("__name__") or ""
        return module.partition(".")[0] not in LIBRARIES and not module.startswith(FITTING) and is_instrumentation_enabled()

    return enabled


def learns(patches: Patches) -> Callable[[], bool]:
    """`enabled` for what fits a model, whoever calls it: code of the user may run in it, callbacks and metrics."""
    return lambda: patches.active and not _inside.get()


def rows_argument(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a model is asked about: the first argument, by whatever name."""
    return args[0] if args else kwargs["X"] if "X" in kwargs else next(iter(kwargs.values()), None)


def observed(submit: Submit, method: str, data: Data = rows_argument) -> Wrapper:
    """One observation a call: rows copied before it, since a pipeline may scale them in place, outputs after it."""
    site = contained(f"capture.{method}")

    def predict(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any, /) -> Any:
        call = None
        with site:
            call = begin(instance, method, data(args, kwargs), kwargs)
        token = _inside.set(True)
        try:
            outputs = wrapped(*args, **kwargs)  # the user's call: its errors are the user's
        except BaseException as error:
            with site:
                _raised(call, error, submit)
            raise
        finally:
            _inside.reset(token)
        if type(outputs) is CoroutineType:
            return awaited(call, outputs)
        with site:
            _returned(call, outputs, submit)
        return outputs

    async def awaited(call: Call | None, answer: Any) -> Any:
        """The same for `async def predict`."""
        token = _inside.set(True)
        try:
            outputs = await answer
        except BaseException as error:
            with site:
                _raised(call, error, submit)
            raise
        finally:
            _inside.reset(token)
        with site:
            _returned(call, outputs, submit)
        return outputs

    return predict


def _returned(call: Call | None, outputs: Any, submit: Submit) -> None:
    if call is not None:
        call.returned(outputs)
        submit(call)


def _raised(call: Call | None, error: BaseException, submit: Submit) -> None:
    if call is not None:
        call.raised(error)
        submit(call)


def of_function(wrapper: Wrapper) -> Wrapper:
    """`wrapper`, for a function that is no attribute of a class: the instance comes as the first argument."""

    def call(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any, /) -> Any:
        return wrapper(functools.partial(wrapped, args[0]), args[0], args[1:], kwargs)

    return call


def unobserved(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any, /) -> Any:
    """Around `fit`: what a model predicts while it learns is nobody's query."""
    noted = None
    if fitted.listening() and getattr(wrapped, "__name__", "") == "fit" and _asker() not in LIBRARIES:
        with contained("capture.fit"):
            noted = fitted.begin(instance, rows_argument(args, kwargs))
    token = _inside.set(True)
    try:
        result = wrapped(*args, **kwargs)
    finally:
        _inside.reset(token)
        forget(instance)
    if noted is not None:
        with contained("capture.fit"):
            fitted.done(noted)
    return result


def _asker() -> str:
    """The package of who called what is wrapped: the first that is neither ours nor wrapt's."""
    frame = sys._getframe(2)  # pyright: ignore[reportPrivateUsage] - as above
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith(("wrapt.", "otel_mlsec.")):
        frame = frame.f_back
    return str(frame.f_globals.get("__name__")).partition(".")[0]
