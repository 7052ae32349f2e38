"""English: the text speaks about such phrases rather than using them.  Of negative weight, and never enough to hide an attack."""

from otel_mlsec.detectors.llm.patterns import Rule

RULES = (
    Rule("question_about", "mention", -3, r"^\W{0,3}(?:what(?:'s| is| does| do| makes| are)|why|how (?:do|does|did|can|could|should|would) (?:i|we|you|one|companies|people|developers|attackers|llms?|models?|an?|the)|explain|define|is (?:it|this|that|\W)|are there|can you explain|could you explain|please explain|describe how|translate|analy[sz]e|classify|compare|list (?:some|common|the)|give (?:me )?(?:an? )?(?:examples?|overview))\b"),
    Rule("study_of", "mention", -2, r"\b(?:phrase|term|concept|attack patterns?|tweet|article|paper|researchers?|classifier|dataset|detect(?:ion|ing|s|or)?|defen[sd]\w*|prevent\w*|mitigat\w*|academic|literature|protect (?:against|from|my)|vulnerabilit\w+|red[- ]team\w*|owasp)\b"),
)  # fmt: skip
