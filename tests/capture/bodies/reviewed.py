"""Patterns of every string that was ever recorded, reviewed by hand: whose text it is, or that it is none.

A row is a regular expression for the pattern, whose text it is, and how it is read where it is no plain text: "one" object as
one JSON text, what a "tool" or a schema has "told", or pieces that are "json" together.
"""

from __future__ import annotations

from typing import Any

S, U, A = ("system", "operator", "text"), ("user", "user", "text"), ("assistant", "model", "text")
THOUGHT, REFUSED, CALL = (
    ("assistant", "model", "reasoning"),
    ("assistant", "model", "refusal"),
    ("assistant", "model", "arguments"),
)
RESULT, FOUND = ("tool", "tool", "result"), ("tool", "retrieved", "result")
TOOL, SCHEMA = ("system", "tool_description", "description"), ("system", "operator", "description")
NO = None  # a name, an id, a word of a fixed set, an address, bytes, or an echo of what was asked

CHAT_IN = [
    (
        r"model|stop|service_tier|reasoning_effort|format|function_call|tool_choice(<.*>.*)?|response_format<text>\.type|stop_sequences\[\]",
        NO,
    ),
    (r"functions\[\]|tools\[\](<function>\.function)?", TOOL, "tool"),
    (r"tools\[\]<function>\.type", NO),
    (r"response_format<json_schema>\.json_schema", SCHEMA, "told"),
    (r"response_format<json_schema>\.type", NO),
    (r"messages\[\]<\w+>\.(role|tool_call_id)", NO),
    (r"messages\[\]<system>\.content", S),
    (r"messages\[\]<user>\.content(\[\]<text>\.text)?", U),
    (r"messages\[\]<assistant>\.content", A),
    (r"messages\[\]<tool>\.content", RESULT),
    (r"messages\[\]<\w+>\.content\[\]<\w+>\.type|messages\[\]<user>\.content\[\]<image_url>\.image_url\.url", NO),
    (r"messages\[\]<assistant>\.tool_calls\[\](<function>)?\.function\.arguments", CALL, "one"),
    (r"messages\[\]<assistant>\.tool_calls\[\](<function>)?\.(id|type|function\.name)", NO),
]
ANTHROPIC_IN = [
    (r"model|anthropic_version|stop_sequences\[\]|thinking<enabled>\.type|output_format<json_schema>\.type", NO),
    (r"system(\[\]<text>\.text)?", S),
    (r"tools\[\]", TOOL, "tool"),
    (r"output_format<json_schema>\.schema", SCHEMA, "told"),
    (r"messages\[\]<\w+>\.role|.*<\w+>\.type|.*\.(id|name|tool_use_id)|.*<image>\.source<base64>\.(data|media_type)", NO),
    (r"messages\[\]<user>\.content(\[\]<text>\.text)?", U),
    (r"messages\[\]<assistant>\.content(\[\]<text>\.text)?", A),
    (r"messages\[\]<assistant>\.content\[\]<tool_use>\.input", CALL, "one"),
    (r"messages\[\]<user>\.content\[\]<tool_result>\.content", RESULT),
]
RESPONSES_IN = [
    (r"model|service_tier|reasoning\.(effort|summary)|tool_choice(<.*>.*)?|text\.format<\w+>\.type", NO),
    (r"instructions", S),
    (r"tools\[\]<\w+>\.type|tools\[\]<web_search_preview>\.(search_context_size|user_location.*)", NO),
    (r"tools\[\]", TOOL, "tool"),
    (r"text\.format", SCHEMA, "told"),
    (r"input(\[\]<(user|message)>\.content)?|input\[\]<user>\.content\[\]<input_text>\.text", U),
    (r"input\[\]<assistant>\.content\[\]<output_text>\.text", A),
    (r"input\[\]<function_call>\.arguments", CALL, "one"),
    (r"input\[\]<function_call_output>\.output", RESULT),
    (r"input\[\]<\w+>\.(role|type|id|call_id|name|status)|input\[\]<\w+>\.content\[\]<\w+>\.type", NO),
]
GEMINI_IN = [
    (r"generationConfig\.stopSequences\[\]|(contents\[\]|systemInstruction)<\w+>\.role", NO),
    (r"systemInstruction<user>\.parts\[\]\.text", S),
    (r"tools\[\]\.functionDeclarations\[\]", TOOL, "tool"),
    (r"contents\[\]<(user|invalid_role)>\.parts\[\]\.text", U),
    (r"contents\[\]<model>\.parts\[\]\.text", A),
    (r"contents\[\]<model>\.parts\[\]\.functionCall\.args", CALL, "one"),
    (r"contents\[\]<user>\.parts\[\]\.functionResponse\.response", RESULT, "one"),
    (r".*\.(functionCall|functionResponse)\.name|.*\.(fileData\.(fileUri|mimeType)|inlineData\.(data|mimeType))", NO),
]
CONVERSE_IN = [
    (
        r"guardrailConfig\.\w+|inferenceConfig\.stopSequences\[\]|schemaVersion|.*\.(role|toolUseId|qualifiers\[\])|.*toolUse\.name",
        NO,
    ),
    (r"system\[\]\.text", S),
    (r"toolConfig\.tools\[\]\.toolSpec", TOOL, "tool"),
    (r"messages\[\]<user>\.content\[\](\.guardContent\.text)?\.text", U),
    (r"messages\[\]<assistant>\.content\[\]\.text", A),
    (r"messages\[\]<assistant>\.content\[\]\.toolUse\.input", CALL, "one"),
    (r"messages\[\]<user>\.content\[\]\.toolResult\.content\[\]\.json", RESULT, "one"),
]
PLAIN_IN = [
    (r"model|stop(_sequences)?\[\]|textGenerationConfig\.stopSequences\[\]|format|encoding_format|input_type|assistant_id", NO),
    (r"system|template|instructions", S),
    (r"prompt(\[\])?|inputText|message|input(\[\])?|texts\[\]", U),
]
ASKED: dict[str, list[Any]] = {
    "chat": CHAT_IN,
    "cohere_v2": CHAT_IN,
    "messages": ANTHROPIC_IN,
    "responses": RESPONSES_IN,
    "gemini": GEMINI_IN,
    "converse": CONVERSE_IN,
    **dict.fromkeys(("complete", "completions", "bedrock", "cohere_v1", "cohere_generate", "embeddings", "runs"), PLAIN_IN),
}
CHAT_OUT = [
    (r"id|model|object|service_tier|system_fingerprint|created_at|done_reason|finish_reason|x_groq\.id|error\..*", NO),
    (
        r"(choices\[\]|prompt_filter_results\[\])\.content_filter_results\.\w+\.severity|choices\[\]\.finish_reason|obfuscation|p",
        NO,
    ),
    (r"choices\[\]\.text|response", A),
    (r"(choices\[\]\.)?(message|delta)(<assistant>)?\.content(\[\]<text>\.text)?", A),
    (r"choices\[\]\.message<assistant>\.refusal", REFUSED),
    (r"(choices\[\]\.)?message<assistant>\.(tool_calls\[\]<function>\.function|function_call)\.arguments", CALL, "one"),
    (r"choices\[\]\.delta(<assistant>)?\.tool_calls\[\](<function>)?\.function\.arguments", CALL),
    (r"(choices\[\]\.)?(message|delta)(<assistant>)?\.(role|(tool_calls\[\]<function>\.)?(id|type)|content\[\]<text>\.type)", NO),
    (r".*\.(function|function_call)\.name", NO),
    (r"message<assistant>\.tool_plan", THOUGHT),
    (r"message<assistant>\.citations\[\]<TEXT_CONTENT>\.(text|type)|.*sources\[\]<tool>\.(id|type)", NO),  # its own words, again
    (r"message<assistant>\.citations\[\]<TEXT_CONTENT>\.sources\[\]<tool>\.tool_output", FOUND, "one"),
]
ANTHROPIC_OUT = [
    (r"<\w+>\.(id|model|role|type|stop_reason|usage\.service_tier|log_id|stop)|.*<\w+>\.(type|id|name|signature)", NO),
    (r"<message>\.content\[\]<text>\.text|<completion>\.completion", A),
    (r"<message>\.content\[\]<thinking>\.thinking", THOUGHT),
    (r"<message>\.content\[\]<tool_use>\.input", CALL, "one"),
    (r"<content_block_delta>\.delta<text_delta>\.text|<content_block_start>\.content_block<text>\.text", A),
    (r"<content_block_delta>\.delta<thinking_delta>\.thinking|<content_block_start>\.content_block<thinking>\.thinking", THOUGHT),
    (r"<content_block_delta>\.delta<input_json_delta>\.partial_json", CALL, "json"),
    (r"<message_start>\.message<message>\.(id|model|role|type|usage\.service_tier)|<message_delta>\.delta\.stop_reason", NO),
]
ITEM = r"(<response\.completed>\.response\.)?output\[\]"
RESPONSES_OUT = [
    (r"(<response\.\w+>\.response\.)?(billing|instructions|tools|tool_choice|text|reasoning)\b.*", NO),
    (
        r"(<response\.\w+>\.response\.)?"
        r"(id|model|object|status|truncation|service_tier|prompt_cache_retention|safety_identifier|output\[\]<\w+>\.(id|type|role|status|phase|name|call_id))",
        NO,
    ),
    (ITEM + r"<message>\.content\[\]<output_text>\.text", A),
    (ITEM + r"<message>\.content\[\]<output_text>\.(type|annotations\[\]<url_citation>\.(type|url))", NO),
    (ITEM + r"<message>\.content\[\]<output_text>\.annotations\[\]<url_citation>\.title", FOUND),
    (ITEM + r"<function_call>\.arguments", CALL, "one"),
    (ITEM + r"<reasoning>\.summary\[\]<summary_text>\.text", THOUGHT),
    (ITEM + r"<reasoning>\.summary\[\]<summary_text>\.type", NO),
    (ITEM + r"<web_search_call>\.action<search>\.query", CALL),
    (ITEM + r"<web_search_call>\.action<search>\.type", NO),
    (r"<response\.(?!completed>\.)[\w.]+>.*|<response\.completed>\.type", NO),  # what the last event carries, on its way
]
GEMINI_OUT = [
    (r"createTime|modelVersion|responseId|usageMetadata\..*|candidates\[\]\.(finishReason|content<model>\.role)", NO),
    (r"candidates\[\]\.content<model>\.parts\[\]\.(thoughtSignature|functionCall\.name)", NO),
    (r"candidates\[\]\.content<model>\.parts\[\]\.text", A),
    (r"candidates\[\]\.content<model>\.parts\[\]\.functionCall\.args", CALL, "one"),
]
PLAIN_OUT = [
    (
        r"id|model|object|finish_reason|generation_id|response_id|response_type|system_fingerprint|stop_reason|meta\..*|embedding",
        NO,
    ),
    (r"chat_history\[\]<\w+>\.(message|role)|prompt(\..*)?|texts\[\]", NO),  # what was asked, again
    (r"amazon-bedrock-.*|trace\..*|stopReason|results\[\]\.completionReason|completions\[\]\.(data\.tokens|finishReason).*", NO),
    (r"(choices|generations|outputs)\[\]\.(id|finish_reason|stop_reason)|data\[\]\.(embedding|object)", NO),
    (r"text|generation|results\[\]\.outputText|(choices|generations|outputs)\[\]\.text|completions\[\]\.data\.text", A),
    (r"output\.message<assistant>\.content\[\]\.text", A),
    (r"output\.message<assistant>\.content\[\]\.toolUse\.input", CALL, "one"),
    (r"output\.message<assistant>\.(role|content\[\]\.toolUse\.(name|toolUseId))", NO),
    (r"assistant_id|instructions|response_format|status|thread_id|tool_choice|tools\[\].*|truncation_strategy.*", NO),
]
COHERE_STREAM = [
    (r"<content-delta>\.delta\.message\.content\.text|<content-start>\.delta\.message\.content<text>\.text", A),
    (r"<tool-plan-delta>\.delta\.message\.tool_plan", THOUGHT),
    (r"<tool-call-(delta|start)>\.delta\.message\.tool_calls(<function>)?\.function\.arguments", CALL),
    (r"<[\w-]+>\.(type|id)|.*\.(role|type|id|name|finish_reason)|<message-start>.*\.tool_plan", NO),
]
ANSWERED: dict[str, list[Any]] = {
    "chat": CHAT_OUT,
    "completions": CHAT_OUT,
    "cohere_v2": [*CHAT_OUT, *COHERE_STREAM],
    "messages": ANTHROPIC_OUT,
    "complete": ANTHROPIC_OUT,
    "responses": RESPONSES_OUT,
    "gemini": GEMINI_OUT,
    **dict.fromkeys(("converse", "bedrock", "cohere_v1", "cohere_generate", "embeddings", "runs"), PLAIN_OUT),
}
