"""Runs in a process of its own: `contract_child.py LIBRARY STEP…` with steps import, patch, undo; prints what came of it.

A new instrumentation adds its recipe to `LIBRARIES`; the contract then covers it.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

from otel_mlsec import capture, errors
from otel_mlsec.capture import server
from otel_mlsec.capture._estimator import subclasses
from otel_mlsec.capture._patch import is_patched

OF_THE_CLASS = ("__abstractmethods__", "__annotations_cache__", "__pydantic_")  # what Python or pydantic keeps, anew if need be
FRAMEWORKS = {"numpy", "scipy", "sklearn", "pandas", "polars", "xgboost", "lightgbm", "torch"}


def rows() -> Any:
    import numpy as np  # noqa: PLC0415 - only after the step that imports

    return np.random.default_rng(0).normal(size=(50, 3))


def ask_sklearn() -> None:
    linear, pipeline, svm = (import_module(f"sklearn.{name}") for name in ("linear_model", "pipeline", "svm"))
    x = rows()
    pipeline.make_pipeline(linear.LogisticRegression()).fit(x, x[:, 0] > 0).predict(x)
    svm.SVC().fit(x, x[:, 0] > 0).decision_function(x)


def ask_xgboost() -> None:
    xgboost = sys.modules["xgboost"]
    x = rows()
    data = xgboost.DMatrix(x, x[:, 0])
    booster = xgboost.train({}, data, 2)
    booster.predict(data)
    booster.inplace_predict(x)
    xgboost.XGBClassifier(n_estimators=2).fit(x, x[:, 0] > 0).predict(x)


def ask_lightgbm() -> None:
    lightgbm = sys.modules["lightgbm"]
    x = rows()
    lightgbm.train({"verbose": -1}, lightgbm.Dataset(x, x[:, 0]), 2).predict(x)
    lightgbm.LGBMRegressor(n_estimators=2, verbose=-1).fit(x, x[:, 0]).predict(x)


def ask_mlflow() -> None:
    """The model inside and, of a flavor that nobody knows, MLflow's wrapper."""
    pyfunc, folder = sys.modules["mlflow.pyfunc"], import_module("tempfile").mkdtemp()
    x = rows()
    model = import_module("sklearn.linear_model").LogisticRegression().fit(x, x[:, 0] > 0)
    sys.modules["mlflow.sklearn"].save_model(model, f"{folder}/known", pip_requirements=[])

    class Own(pyfunc.PythonModel):
        def predict(self, context: Any, model_input: list[list[float]], params: Any = None) -> Any:
            return [0.0] * len(model_input)

    pyfunc.save_model(f"{folder}/own", python_model=Own(), pip_requirements=[])
    for name in ("known", "own"):
        pyfunc.load_model(f"{folder}/{name}", suppress_warnings=True).predict(x.tolist())
    sys.modules["mlflow.sklearn"].load_model(f"{folder}/known").predict(x)


def ask_httpx() -> None:
    httpx = sys.modules["httpx"]
    answer = {"model": "m", "choices": [{"index": 0, "message": {"role": "assistant", "content": "here"}}]}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    body = {"model": "m", "messages": [{"role": "user", "content": "where"}]}
    with httpx.Client(transport=transport) as client:
        client.post("https://a.example/v1/chat/completions", json=body)
        client.post("https://a.example/v1/rerank", json=body)

    async def ask() -> None:
        async with httpx.AsyncClient(transport=transport) as client:
            await client.post("https://a.example/v1/chat/completions", json=body)

    asyncio.run(ask())


def ask_nobody() -> None:
    """Spans of others come from the SDK, and of a library nothing is patched."""


# library -> (what to import, what asks, how often it asks)
LIBRARIES: dict[str, tuple[tuple[str, ...], Callable[[], None], int]] = {
    "sklearn": (("sklearn.linear_model", "sklearn.pipeline", "sklearn.svm", "sklearn.ensemble"), ask_sklearn, 2),
    "xgboost": (("xgboost",), ask_xgboost, 3),
    "lightgbm": (("lightgbm",), ask_lightgbm, 2),
    "mlflow": (("mlflow.pyfunc", "mlflow.sklearn"), ask_mlflow, 1),  # the others are sklearn's, which is not patched here
    "httpx": (("httpx",), ask_httpx, 4),  # when it is asked, and when it is answered
    "genai": ((), ask_nobody, 0),
}


def touched(library: str) -> Iterator[Any]:
    """Every class and module of the library whose attributes could have been patched."""
    for name, module in sorted(sys.modules.items()):
        if name.partition(".")[0] == library:
            yield module
            # by their types: modules that are loaded when they are first asked are not to be asked
            kept = [value for value in vars(module).values() if issubclass(type(value), type)]
            yield from (value for value in kept if value.__module__ == name)
    base = sys.modules.get("sklearn.base")
    if base is not None:
        yield from subclasses(base.BaseEstimator)


def state(library: str) -> dict[str, tuple[Any, list[tuple[str, Any]]]]:
    """Keys in their order, and the very objects; `fn` of conditional methods too."""
    found = {}
    for owner in touched(library):
        items = [(key, value) for key, value in vars(owner).items() if not key.startswith(OF_THE_CLASS)]
        asked = [(key, value) for key, value in items if not issubclass(type(value), ModuleType)]
        items += [(f"{key}.fn", value.fn) for key, value in asked if hasattr(value, "attribute_name") and hasattr(value, "fn")]
        name = f"{getattr(owner, '__module__', '')}.{getattr(owner, '__qualname__', owner.__name__)}"
        found[name] = owner, items
    return found


def main(library: str, steps: list[str]) -> dict[str, Any]:
    errors.raising = True
    modules, ask, asks = LIBRARIES[library]
    handed: list[capture.Call] = []
    patches = capture.Patches()
    report: dict[str, Any] = {"asks": asks, "restored": True}
    pristine = None
    for step in steps:
        if step == "import":
            for module in modules:
                import_module(module)
            if "patch" not in steps[: steps.index(step)]:
                ask()  # what libraries keep on their classes when they are first used is no work of ours
                pristine = state(library)
        if step == "patch":
            capture.patch(patches, lambda call: not handed.append(call), disabled=set(capture.TABLE) - {library})
            server.patch(patches)
            if "import" not in steps[: steps.index("patch")]:
                report.setdefault("imported by us", sorted(FRAMEWORKS & set(sys.modules)))
        if step == "undo":
            patches.undo()
    ask()
    report["seen"] = len(handed)
    report["methods"] = [
        capture.prediction(call).method if isinstance(call, capture.Call) else type(call).__name__ for call in handed
    ]
    patches.undo()
    handed.clear()
    ask()
    report["seen after undo"] = len(handed)
    after = state(library)
    report["left"] = [f"{name}.{key}" for name, (_, items) in after.items() for key, value in items if is_patched(value)]
    report["keys"] = {name: [key for key, _ in items] for name, (owner, items) in after.items() if isinstance(owner, type)}
    if pristine is not None:
        report["restored"] = [
            name
            for name, (owner, items) in pristine.items()
            if isinstance(owner, type)
            and [(key, id(value)) for key, value in items] != [(key, id(value)) for key, value in after[name][1]]
        ]
    return report


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], sys.argv[2:])))
