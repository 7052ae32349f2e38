"""A help desk that answers from its documents; the agent comes with `opentelemetry-instrument uvicorn app:app`."""

import json
import os

from documents import search
from fastapi import FastAPI
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam
from openai.types.chat.chat_completion_message_function_tool_call_param import Function
from pydantic import BaseModel

import otel_mlsec

MODEL = "smollm2-135m"
# No document and no user has that word: an answer that has it has told the prompt.  Several workers would share one, minted once.
CANARY = os.environ.get("HELPDESK_CANARY") or otel_mlsec.canary()
PROMPT = (
    "You are the help desk of Fernway. Answer the question of the staff member in one or two sentences from the document. "
    f"Staff who cannot sign in are passed on to extension 4410. The reference of this service is {CANARY}."
)
client = OpenAI()  # OPENAI_BASE_URL says where
app = FastAPI()


class Question(BaseModel):
    who: str
    text: str


@app.post("/ask")
def ask(question: Question) -> str:
    with otel_mlsec.principal(question.who):
        answer = client.chat.completions.create(model=MODEL, messages=conversation(question.text), temperature=0, max_tokens=64)
    return answer.choices[0].message.content or ""


def conversation(question: str) -> list[ChatCompletionMessageParam]:
    """The prompt, what the tool found as a tool's result, and the question, written like those of the documents."""
    messages: list[ChatCompletionMessageParam] = [{"role": "system", "content": PROMPT}]
    document = search(question)
    if document:
        function: Function = {"name": "search", "arguments": json.dumps({"question": question})}
        messages.append({"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function", "function": function}]})
        messages.append({"role": "tool", "tool_call_id": "call_1", "content": document})
    messages.append({"role": "user", "content": f"Q: {question}"})
    return messages
