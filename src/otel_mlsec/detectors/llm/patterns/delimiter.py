"""Marks by which a text pretends that it ends and that somebody else speaks."""

from otel_mlsec.detectors.llm.patterns import Rule

_SPEAKER = r"(?:system|assistant|developer|admin(?:istrator)?|ai|gpt|bot|model)"

RULES = (
    Rule("template_token", "delimiter", 5, r"<\|(?:im_start|im_end|im_sep|system|user|assistant|endoftext|end_of_text|eot_id|start_header_id|end_header_id|begin_of_text|endofprompt|end_of_turn)\|?>|\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>|\[/?system(?:_prompt)?\]|</?(?:system|assistant|user|human)(?:_?(?:prompt|message|instructions?))?>"),
    Rule("heading", "delimiter", 3, rf"(?:^|\n)\s*(?:#{{1,6}}|={{2,}}|-{{2,}}|\*{{2,}}|\[)\s*(?:new |updated |override |important |end |begin )?{_SPEAKER}?\s*(?:instructions?|prompt|message|override|update|command|note|directive|notice|mode|system)\b"),
    Rule("speaker", "delimiter", 2.5, rf"(?:^|\n)\s*[\[(*\"'`]*{_SPEAKER}(?: (?:message|prompt|note|update|override|instructions?|notice|alert|command))?\s*[\])*\"'`]*\s*[:>]"),
    Rule("text_ends", "delimiter", 4, r"(?:end of (?:the )?(?:document|text|input|context|user|prompt|instructions?|message|data|email|article|conversation|transcript)|</(?:document|context|input|data|user|email|content|text|information|message|query|question)>|\[end\b[^\]]{0,20}\]|\"\"\"|'''|```|-{4,}|={4,}|#{4,})\W{0,12}(?:system|new|now|instructions?|ignore|user|assistant|important|task|admin|human|override|stop|actual|forget|disregard)\b"),
    Rule("begin_end", "delimiter", 2.5, r"(?:-{3,}|\[|<|={3,}|\{)\s*(?:begin|start|end|stop)(?:ning)?\s*(?:of)?\s*(?:new |secret |system |admin |user |hidden |the )?(?:instructions?|prompt|system|message|session|override|task|input|context)"),
    Rule("json_role", "delimiter", 3, r"[\"']role[\"']\s*:\s*[\"'](?:system|assistant|developer)[\"']"),
    Rule("bang_row", "delimiter", 1.5, r"(?:! ?){8,}|(?:#\s?){12,}|(?:\*\s?){16,}"),
)  # fmt: skip
