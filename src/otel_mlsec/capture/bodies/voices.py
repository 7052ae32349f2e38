"""Who speaks in a block, whose words they are, and what kind of text it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from otel_mlsec.observation import Form, Origin, Role


class Voice(NamedTuple):
    role: Role
    origin: Origin
    form: Form = Form.TEXT


OPERATOR = Voice(Role.SYSTEM, Origin.OPERATOR)
USER = Voice(Role.USER, Origin.USER)
MODEL = Voice(Role.ASSISTANT, Origin.MODEL)
REASONING = Voice(Role.ASSISTANT, Origin.MODEL, Form.REASONING)
REFUSAL = Voice(Role.ASSISTANT, Origin.MODEL, Form.REFUSAL)
CALL = Voice(Role.ASSISTANT, Origin.MODEL, Form.ARGUMENTS)
RESULT = Voice(Role.TOOL, Origin.TOOL, Form.RESULT)
FOUND = Voice(Role.TOOL, Origin.RETRIEVED, Form.RESULT)  # what a search or a fetch brought
SECOND_MODEL = Voice(Role.TOOL, Origin.MODEL, Form.RESULT)  # a model that answers as a tool
SCHEMA = Voice(Role.SYSTEM, Origin.OPERATOR, Form.DESCRIPTION)
TOOLS = Voice(Role.SYSTEM, Origin.TOOL_DESCRIPTION, Form.DESCRIPTION)
LISTED_TOOLS = Voice(Role.TOOL, Origin.TOOL_DESCRIPTION, Form.DESCRIPTION)  # as a server told them during the conversation

ROLES: Mapping[str, Voice] = {
    "system": OPERATOR,
    "developer": OPERATOR,
    "user": USER,
    "human": USER,
    "assistant": MODEL,
    "model": MODEL,
    "chatbot": MODEL,
    "tool": RESULT,
    "function": RESULT,
}


def of_role(role: object) -> Voice:
    """The voice of a message.  Roles are a fixed set: any other word, or thing, speaks for the user.

    >>> of_role("Developer").origin, of_role("root").origin, of_role(["system"]).origin
    (<Origin.OPERATOR: 'operator'>, <Origin.USER: 'user'>, <Origin.USER: 'user'>)
    """
    return ROLES.get(role.lower(), USER) if isinstance(role, str) else USER


def document(voice: Voice) -> Voice:
    """A document that somebody hands over: whoever does, the words are not theirs."""
    return Voice(voice.role, Origin.RETRIEVED, voice.form)
