"""Messages of a call as the conventions write them on a span: JSON of at most 16 KiB, redacted, the newest kept."""

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Final

from otel_mlsec.emit.redact import redacted
from otel_mlsec.observation import Form, Role, Text

LONGEST: Final = 16 << 10  # bytes of one attribute
EACH: Final = 2048  # characters of one text
ENVELOPE: Final = 400  # bytes around the parts of a message, a reason for its end among them

Part = dict[str, str]


def instructions(texts: Sequence[Text]) -> str:
    """What the system says; "" for nothing."""
    return _json([part for _, part in _fitting(each for each in texts if each.role is Role.SYSTEM)])


def messages(texts: Sequence[Text], finish_reasons: Sequence[str] = ()) -> str:
    """What everybody else says, in their order; "" for nothing.  Texts of one message are its parts."""
    made: list[dict[str, Any]] = []
    said = _fitting(each for each in texts if each.role is not Role.SYSTEM)
    for (role, index), parts in groupby(said, key=lambda pair: (pair[0].role, pair[0].message)):
        made.append({"role": role.value, "parts": [part for _, part in parts]})
        if 0 <= index < len(finish_reasons):
            made[-1]["finish_reason"] = redacted(finish_reasons[index], 64)
    return _json(made)


def _fitting(texts: Iterable[Text]) -> list[tuple[Text, Part]]:
    """Those of the end that fit into `LONGEST`."""
    kept: list[tuple[Text, Part]] = []
    left = LONGEST
    for each in reversed(list(texts)):
        part = _part(each)
        left -= len(_json([part]).encode()) + ENVELOPE
        if left < 0:
            break
        kept.append((each, part))
    return kept[::-1]


def _part(each: Text) -> Part:
    said = redacted(each.text, EACH)
    match each.form:
        case Form.ARGUMENTS:
            return {"type": "tool_call", **({"name": redacted(each.tool)} if each.tool else {}), "arguments": said}
        case Form.RESULT:
            return {"type": "tool_call_response", "response": said}
        case _:
            return {"type": "reasoning" if each.form is Form.REASONING else "text", "content": said}


def _json(made: Sequence[Any]) -> str:
    return json.dumps(made, ensure_ascii=False, separators=(",", ":")) if made else ""
