"""Formats of credentials, as their issuers publish them: a name, literals one of which must be there, and the pattern.

Where a pattern has a group, the group is the secret; else all of it is.  Literals are looked for first, since most texts
hold none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# Parts of values that stand for a secret: they are in every tutorial; the second signs the token that explains JWT.
STAND_INS = (
    "example",
    "sflkxwrjsmekkf2qt4fwpm",
    "xxxx",
    "placeholder",
    "redacted",
    "your_",
    "your-",
    "yourkey",
    "yourtoken",
    "...",
    "…",
    "****",
)
DEFAULTS = frozenset(
    ("postgres", "postgresql", "mysql", "mariadb", "mongo", "redis", "rabbitmq", "admin", "root", "guest", "user")
)
# The same for a value that only its name makes a secret.
WORDS = (
    *STAND_INS,
    "your", "changeme", "change_me", "dummy", "sample", "insert", "replace", "my_", "my-", "mysecret", "mypass", "todo",
    "fake", "foobar", "password", "passw0rd", "secret", "123456", "000000", "qwerty", "•", "env.", "environ", "getenv",
    "config.", "settings.", "process.", "self.", "this.", "args.", "request.", "://", "token", "apikey", "api_key", "api-key",
    "hidden", "enter", "${", "%s", "==", "&&",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Format:
    name: str
    literals: tuple[bytes, ...]
    pattern: str
    entropy: float = 3.0  # bits a character that a real one has at least
    stand_ins: tuple[str, ...] = STAND_INS


URL_SAFE = r"[A-Za-z0-9_-]"

FORMATS: Sequence[Format] = (
    Format("aws_access_key", (b"AKIA", b"ASIA", b"ABIA", b"ACCA"), r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b", 2.8),
    Format("github_token", (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"), r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b"),
    Format("github_fine_grained_token", (b"github_pat_",), r"\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{50,80}\b"),
    Format("gitlab_token", (b"glpat-", b"gldt-", b"glrt-", b"glptt-"), rf"\bgl(?:pat|dt|rt|ptt)-{URL_SAFE}{{20,64}}"),
    Format("anthropic_key", (b"sk-ant-",), rf"\bsk-ant-{URL_SAFE}{{24,200}}"),
    Format("openai_key", (b"sk-",),
           rf"\bsk-(?:(?:proj|svcacct|admin|None|or-v1)-{URL_SAFE}{{32,250}}|[A-Za-z0-9]{{32,64}}\b)"),
    Format("google_api_key", (b"AIza",), rf"\bAIza{URL_SAFE}{{35}}"),
    Format("google_oauth_secret", (b"GOCSPX-",), rf"\bGOCSPX-{URL_SAFE}{{28}}"),
    Format("google_access_token", (b"ya29.",), rf"\bya29\.{URL_SAFE}{{30,500}}"),
    Format("slack_token", (b"xox", b"xapp-"), r"\b(?:xox[abeoprs]|xapp)-[0-9A-Za-z-]{20,250}"),
    Format("slack_webhook", (b"hooks.slack.com/",),
           r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9]+/[A-Za-z0-9]+/[A-Za-z0-9]{16,}"),
    Format("stripe_key", (b"k_live_", b"k_test_"), r"\b[sr]k_(?:live|test)_[0-9A-Za-z]{16,250}\b"),
    Format("stripe_webhook_secret", (b"whsec_",), r"\bwhsec_[A-Za-z0-9+/=]{32,64}"),
    Format("huggingface_token", (b"hf_",), r"\bhf_[A-Za-z0-9]{30,40}\b"),
    Format("npm_token", (b"npm_",), r"\bnpm_[A-Za-z0-9]{36}\b"),
    Format("pypi_token", (b"pypi-AgE",), rf"\bpypi-AgE{URL_SAFE}{{40,300}}"),
    Format("sendgrid_key", (b"SG.",), rf"\bSG\.{URL_SAFE}{{16,32}}\.{URL_SAFE}{{32,64}}"),
    Format("azure_storage_key", (b"AccountKey=",), r"AccountKey=([A-Za-z0-9+/]{80,90}={0,2})"),
    Format("azure_client_secret", (b"Q~",), r"\b([A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34})"),
    Format("twilio_key", (b"SK",), r"\bSK[0-9a-f]{32}\b"),
    Format("mailgun_key", (b"key-",), r"\bkey-[0-9a-f]{32}\b"),
    Format("mailchimp_key", (b"-us",), r"\b[0-9a-f]{32}-us[0-9]{1,2}\b"),
    Format("telegram_bot_token", (b":AA",), rf"\b[0-9]{{8,10}}:AA{URL_SAFE}{{33}}"),
    Format("discord_webhook", (b"/api/webhooks/",), rf"discord(?:app)?\.com/api/webhooks/[0-9]{{17,20}}/({URL_SAFE}{{60,72}})"),
    Format("digitalocean_token", (b"dop_v1_", b"doo_v1_"), r"\bdo[op]_v1_[0-9a-f]{64}\b"),
    Format("shopify_token", (b"shp",), r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b"),
    Format("databricks_token", (b"dapi",), r"\bdapi[0-9a-f]{32}(?:-[0-9])?\b"),
    Format("groq_key", (b"gsk_",), r"\bgsk_[A-Za-z0-9]{48,64}\b"),
    Format("xai_key", (b"xai-",), r"\bxai-[A-Za-z0-9]{70,90}\b"),
    Format("perplexity_key", (b"pplx-",), r"\bpplx-[A-Za-z0-9]{40,64}\b"),
    Format("replicate_token", (b"r8_",), r"\br8_[A-Za-z0-9]{37}\b"),
    Format("vault_token", (b"hvs.", b"hvb."), rf"\bhv[sb]\.{URL_SAFE}{{24,300}}"),
    Format("docker_token", (b"dckr_pat_",), rf"\bdckr_pat_{URL_SAFE}{{27}}"),
    Format("grafana_token", (b"glsa_", b"glc_"), r"\bgl(?:sa|c)_[A-Za-z0-9+/=_]{32,400}"),
    Format("new_relic_key", (b"NRAK-",), r"\bNRAK-[A-Z0-9]{27}\b"),
    Format("linear_key", (b"lin_api_",), r"\blin_api_[A-Za-z0-9]{40}\b"),
    Format("notion_token", (b"ntn_", b"secret_"), r"\b(?:ntn_[A-Za-z0-9]{46}|secret_[A-Za-z0-9]{43})\b"),
    Format("age_secret_key", (b"AGE-SECRET-KEY-1",), r"\bAGE-SECRET-KEY-1[A-Z0-9]{58}\b"),
    Format("jwt", (b"eyJ",), rf"\beyJ{URL_SAFE}{{14,}}\.eyJ{URL_SAFE}{{14,}}\.{URL_SAFE}{{20,}}"),
    # the words alone are in every manual: what follows must be a key's worth of base64
    Format("private_key", (b"PRIVATE KEY",),
           r"-----BEGIN (?:[A-Z]+ ){0,2}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\n|\\r|[A-Za-z-]+: [^\n]*)*([A-Za-z0-9+/=]{40,})", 4.0),
    Format("url_password", (b"://",),
           r"(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"'<>]*:([^\s/@\"'<>]{4,100})@[a-z0-9.-]+", 2.2, WORDS),
)  # fmt: skip

# `name = value`, the name being one under which people keep credentials
NAMES = (
    b"passw", b"Passw", b"PASSW", b"pwd", b"PWD", b"ecret", b"ECRET", b"oken", b"OKEN", b"api", b"Api", b"API", b"_key", b"_KEY",
    b" key", b"Key", b"redential", b"passphrase", b"Passphrase",
)  # fmt: skip
ASSIGNMENT = (
    r"(?i)(?:password|passwd|passphrase|pwd|secret|token|api[ _-]?key|access[ _-]?key|private[ _-]?key|secret[ _-]?key|"
    r"auth[ _-]?key|credential)[a-z0-9_]*\s*[*`_]*[\"']?\s*(?::=|=>|=|:|\bis\b:?)\s*[*`_]*\s*"
    r"([\"'`]?)([^\s\"'`,;<>(){}\[\]|\\]{8,200})"
)
