"""From a call to an observation: the caller copies, the worker converts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from opentelemetry import context, trace

from otel_mlsec.capture import identity, predicted
from otel_mlsec.capture._copy import NOTHING, Copy, private
from otel_mlsec.capture._describe import Described, describe
from otel_mlsec.capture.sources import sources
from otel_mlsec.errors import qualified_name
from otel_mlsec.observation import Meaning, Prediction

if TYPE_CHECKING:
    from otel_mlsec.arrays import Floats
    from otel_mlsec.reference.prose import Prose

MEANINGS = {
    "predict_proba": Meaning.PROBABILITY,
    "predict_log_proba": Meaning.LOG_PROBABILITY,
    "decision_function": Meaning.MARGIN,
    "score_samples": Meaning.SCORE,
}
MARGINS = ("output_margin", "raw_score")  # arguments of xgboost and lightgbm that change what an output is
RAW = ("pred_leaf", "pred_contrib", "pred_contribs", "pred_interactions", "approx_contribs", "return_std", "return_cov")
OVERHEAD = 1024  # bytes of a call beside its arrays


@dataclass(slots=True, kw_only=True)
class Call:
    """What the caller hands over: private copies and nothing else of the user's."""

    described: Described
    method: str
    meaning: Meaning | None  # None: as the method's name says
    inputs: Copy
    who: identity.Asked
    request: identity.Request | None
    time: float | None  # s since the epoch, as told; None: the start
    span: trace.SpanContext
    start_ns: int
    id: str | int = ""  # as `predicted.begun` gave it
    end_ns: int = 0
    outputs: Copy = NOTHING
    error: str = ""

    @property
    def n_bytes(self) -> int:
        """What waiting costs; at least, since objects of Python are estimated."""
        return self.inputs.n_bytes + self.outputs.n_bytes + OVERHEAD

    def returned(self, outputs: Any) -> None:
        self.end_ns = time.time_ns()
        if type(outputs) in (list, tuple):
            outputs = _bundle(outputs)
        self.outputs = private(outputs, self.inputs)

    def raised(self, error: BaseException) -> None:
        self.end_ns = time.time_ns()
        self.error = qualified_name(error)


def begin(model: Any, method: str, data: Any, kwargs: Mapping[str, Any]) -> Call:
    """Before the call: who asks, of which model, and the rows."""
    here = context.get_current()
    span = trace.get_current_span(here)
    request = identity.request_of(span)
    asked_in = span.get_span_context()
    return Call(
        described=describe(model),
        method=method,
        meaning=_told_meaning(kwargs) if kwargs else None,
        inputs=private(data),
        who=identity.asked(here, span, request),
        request=request,
        time=identity.told_time(here) if here else None,
        span=asked_in,
        id=predicted.begun(here, asked_in.trace_id),
        start_ns=time.time_ns(),  # last: the copies are made
    )


def _told_meaning(kwargs: Mapping[str, Any]) -> Meaning | None:
    if any(kwargs.get(name) for name in RAW):
        return Meaning.RAW
    if any(kwargs.get(name) for name in MARGINS) or kwargs.get("predict_type") == "margin":
        return Meaning.MARGIN
    return None


def _bundle(outputs: Sequence[Any]) -> Any:
    """A list of arrays is several outputs, not several rows: of a model with several targets, or `return_std`."""
    if outputs and all(getattr(part, "ndim", 0) for part in outputs):
        return dict(enumerate(outputs))
    return outputs


def prediction(call: Call) -> Prediction:
    """In the worker: float64 arrays, rows of inputs and outputs aligned."""
    # numpy comes with this, and the modules of capture are imported before any model library is
    from otel_mlsec.table import table  # noqa: PLC0415 - see above

    described = call.described
    meaning = call.meaning or MEANINGS.get(call.method) or (Meaning.LABEL if described.labels else Meaning.VALUE)
    inputs, names = table(call.inputs.rows)
    if call.inputs.columns is not None:
        names = tuple(map(str, call.inputs.columns))
    outputs = _labels(call) if meaning is Meaning.LABEL and described.classes else table(call.outputs.rows)[0]
    if call.inputs.columns is None and not names and inputs is not None and inputs.shape[1] == len(described.features):
        names = described.features
    if inputs is not None and outputs is not None:
        inputs, outputs = _aligned(call, inputs, outputs)
    address = call.request.address if call.request is not None else ""
    return Prediction(
        model=described.model,
        method=call.method,
        meaning=meaning,
        inputs=inputs,
        outputs=outputs,
        features=names,
        classes=tuple(map(str, described.classes)),
        n_rows=call.inputs.n_rows or call.outputs.n_rows,
        principal=identity.pseudonym(call.who),
        time=call.start_ns / 1e9 if call.time is None else call.time,
        start_ns=call.start_ns,
        end_ns=call.end_ns,
        error=call.error,
        span=call.span,
        reference=described.reference,
        schema=described.schema,
        attributes={"client.address": address} if address else None,
        sources=sources(call.request),
        id=predicted.named(call.id, call.span.trace_id),
        made=not isinstance(call.id, str),
        start=call.outputs.start,
        step=call.outputs.step,
    )


def with_prose(call: Call, made: Prediction, prose: Prose) -> Prediction:
    """In the worker: what `prediction` made, with properties of the columns of free text in place of their codes."""
    if made.inputs is None:
        return made
    width = made.inputs.shape[1]
    names = made.features or (prose.table if len(prose.table) == width else ())
    if len(names) != width:
        return made
    step = max(1, call.outputs.step // call.inputs.step)  # as `_aligned` thins
    inputs, features = prose.joined(call.inputs.rows, made.inputs, names, step)
    return replace(made, inputs=inputs, features=features)


def _aligned(call: Call, inputs: Floats, outputs: Floats) -> tuple[Floats, Floats | None]:
    """Outputs that were thinned further than the inputs, since they are wider: the inputs follow."""
    thinned = inputs[:: max(1, call.outputs.step // call.inputs.step)]
    return (thinned, outputs) if call.inputs.n_rows == call.outputs.n_rows and len(thinned) == len(outputs) else (inputs, None)


def _labels(call: Call) -> Floats | None:
    """(n, 1) positions in `classes`, -1 for what is not there."""
    import numpy as np  # noqa: PLC0415 - in the worker, after a model library has loaded it

    rows = call.outputs.rows
    if rows is None:
        return None
    flat: list[Any] = np.asarray(rows, dtype=object).ravel().tolist()
    index = {value: float(i) for i, value in enumerate(call.described.classes)}
    try:
        return np.array([index.get(value, -1.0) for value in flat], dtype=np.float64)[:, None]
    except TypeError:  # what cannot be hashed is no class
        return None
