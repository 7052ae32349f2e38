"""What in the arguments of a tool destroys, gives away credentials, or names somebody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, cast

from otel_mlsec.detectors.llm.passages import pattern

OF_A_RULE = 8  # matches that are looked at, in one text
LEAVES = 4096  # of one JSON text
VALUES = 64  # of one text


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    pattern: str
    grave: bool = True  # else it is also everyday work


@dataclass(frozen=True, slots=True)
class Danger:
    rule: Rule
    matched: str = field(repr=False)


COMMANDS: Sequence[Rule] = (
    Rule("delete_recursively",
         r"\brm\s+(?:-{1,2}[A-Za-z-]+\s+)*"
         r"(?:-[A-Za-z]*[rR]|--recursive|--no-preserve-root)[A-Za-z-]*\s+[^;&|\n]*"),
    Rule("format_disk", r"\bmkfs(?:\.\w+)?\s[^\n]*/dev/|\bwipefs\s|\bshred\s[^\n]*/dev/"),
    Rule("overwrite_disk", r"\bdd\s[^\n]*\bof=/dev/(?:[shv]d|xvd|nvme|disk|mmcblk)|>\s*/dev/(?:[shv]d[a-z]|nvme|disk)"),
    Rule("fork_bomb", r":\(\)\s*\{\s*:\s*\|\s*:\s*&\s*\}\s*;\s*:"),
    Rule("reverse_shell", r"/dev/tcp/|\bn(?:c|cat)\s+(?:-\w+\s+)*-\w*[ec]\w*\s+\S*sh\b|\b(?:ba|z)?sh\s+-i\s+[^\n]*>&"),
    Rule("delete_windows",
         r"(?i)\bformat\s+[a-z]:|\bdel\s+/[sfq]\b|\brd\s+/s\b|\bRemove-Item\b[^\n]*-Recurse|\bvssadmin\s+delete\b"),
    Rule("delete_infrastructure",
         r"\bterraform\s+destroy\b"
         r"|\bkubectl\s+delete\s+(?:ns|namespace|all|--all)\b|\baws\s+s3\s+(?:rb|rm)\s[^\n]*(?:--force|--recursive)"),
    Rule("run_download",
         r"\b(?:curl|wget)\s[^\n|;]*\|\s*(?:sudo\s+)?(?:\S*/)?(?:(?:ba|z|da|k)?sh|python3?|perl|node)\b"
         r"|\b(?:ba|z)?sh\s+<\(\s*(?:curl|wget)\b|\beval\s+[\"']?\$\((?:curl|wget)\b"
         r"|(?i)\b(?:iex|Invoke-Expression)\b[^\n]*(?:iwr|Invoke-WebRequest|DownloadString)"
         r"|\bpowershell\S*\s[^\n]*-e(?:nc|ncodedcommand)?\s", False),
    Rule("open_to_all", r"\bchmod\s+(?:-[A-Za-z]+\s+)*(?:0?777|a\+rwx|[ugo]*\+s)\b", False),
    Rule("drop_table", r"(?i)\bdrop\s+(?:table|database|schema)\s+\S|\btruncate\s+table\s+\S", False),
    Rule("delete_all_rows", r"(?im)\bdelete\s+from\s+[\w.\"`\[\]]+\s*(?:;|$|where\s+(?:1\s*=\s*1|true)\b)", False),
)  # fmt: skip
CREDENTIALS: Sequence[Rule] = (
    Rule("ssh_keys", r"\.ssh(?:/|\\|\b)|\bid_(?:rsa|ed25519|ecdsa|dsa)\b"),
    Rule("system_passwords", r"/etc/g?shadow\b|/etc/sudoers\b|(?i)\\config\\SAM\b|\\NTDS\.dit\b"),
    Rule("cloud_metadata",
         r"\b169\.254\.169\.254\b|\b169\.254\.170\.2\b|\b100\.100\.100\.200\b|\bmetadata\.google\.internal\b"
         r"|(?i)\bfd00:ec2::254\b"
         r"|/latest/meta-data|/computeMetadata/"),
    Rule("cloud_credentials", r"\.aws[/\\]credentials\b|\.kube/config\b|\.config/gcloud\b|\.azure/\w|\.docker/config\.json"),
    Rule("token_files", r"(?:^|[/\\\s\"'~])\.(?:netrc|git-credentials|pgpass|pypirc|vault-token)\b|\.gnupg/"),
    Rule("process_environment", r"/proc/(?:self|[0-9]+)/environ\b|/run/secrets/"),
    Rule("stored_logins", r"\bcookies\.sqlite\b|\bwallet\.dat\b|\bkey4\.db\b|[/\\]Login Data\b"),
    Rule("environment_file",
         r"(?m)(?:^|[/\\\s\"'=])\.env(?:\.(?:local|prod|production|dev|development|staging))?(?:$|[\s\"';&|)])", False),
    Rule("accounts", r"/etc/passwd\b", False),
)  # fmt: skip

SYSTEM = frozenset(("bin", "boot", "dev", "etc", "lib", "lib64", "proc", "sbin", "sys", "usr", "var", "Windows"))
SHARED = frozenset(("home", "Users", "mnt", "media", "opt", "root", "srv", "Volumes"))  # and what is right below them
SCRATCH = ("/tmp/", "/var/tmp/", "/dev/shm/")

# Where something goes: addresses, hosts, accounts, wallets.
VALUE = (
    r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,24}"
    r"|(?:https?://|www\.)[A-Za-z0-9.-]+\.[A-Za-z]{2,24}"
    r"|\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,8}[A-Z0-9]{0,3}\b"
    r"|\b0x[0-9a-fA-F]{40}\b|\bbc1[a-z0-9]{25,60}\b|\b[13][1-9A-HJ-NP-Za-km-z]{25,34}\b"
    r"|\b[0-9]{8,24}\b"
)
# Tools whose arguments are talked about and not done.
LOOK_UP = frozenset(("search", "lookup", "find", "wiki", "wikipedia", "browse", "retrieve", "ask", "question", "explain", "docs"))
# Words in names of tools that change something outside.
CONSEQUENTIAL = frozenset((
    "send", "delete", "remove", "transfer", "pay", "payment", "exec", "execute", "run", "write", "update", "create", "post",
    "publish", "forward", "share", "invite", "grant", "upload", "submit", "buy", "purchase", "order", "book", "reserve", "cancel",
    "deploy", "shell", "bash", "command", "email", "mail", "schedule", "move", "rename", "set", "change", "add", "approve",
    "reply", "install", "drop", "wire", "tweet", "message", "put", "patch", "edit", "save", "refund", "reset", "disable",
    "code", "terminal",
))  # fmt: skip


def name_words(tool: str) -> frozenset[str]:
    """The words of a tool's name, whatever joins them.

    >>> sorted(name_words("mail.sendMessage_now"))
    ['mail', 'message', 'now', 'send']
    """
    return frozenset(match.lower() for match in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", tool[:256]))


def strings(arguments: str) -> str:
    """The texts and numbers in a JSON text, one a line; the text itself where it is none."""
    try:
        left: list[Any] = [json.loads(arguments)]
    except (ValueError, RecursionError):
        return arguments.replace("\\n", "\n").replace('\\"', '"').replace("\\/", "/")
    leaves: list[str] = []
    while left and len(leaves) < LEAVES:
        value = left.pop()
        if isinstance(value, dict):
            left.extend(reversed(list(cast("dict[str, Any]", value).values())))
        elif isinstance(value, list):
            left.extend(reversed(cast("list[Any]", value)))
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            leaves.append(str(value))
    return "\n".join(leaves)


def dangers(text: str, rules: Sequence[Rule]) -> Iterator[Danger]:
    """The first serious match of each rule."""
    data = text.encode("utf-8", "replace")
    for rule in rules:
        for match in islice(pattern(rule.pattern).finditer(data), OF_A_RULE):
            matched = match.group().decode("utf-8", "replace").strip()
            if rule.name != "delete_recursively" or _wide(matched):
                yield Danger(rule, matched)
                break


def values(text: str) -> list[str]:
    data = text.encode("utf-8", "replace")
    found = (match.group().decode("utf-8", "replace") for match in islice(pattern(VALUE).finditer(data), VALUES))
    return list(dict.fromkeys(re.sub(r"^(?:https?://)?(?:www\.)?", "", value).lower() for value in found))


def _wide(command: str) -> bool:
    """Whether it deletes more than a directory of one's own: root, a home, a directory of the system, everything here."""
    if "--no-preserve-root" in command:
        return True
    return any(_holds_much(word.strip("\"'")) for word in command.split()[1:] if not word.startswith("-"))


def _holds_much(target: str) -> bool:
    if target.startswith(SCRATCH):
        return False
    if target in ("*", ".", "./", "./*", "~", "$HOME", "${HOME}", "%USERPROFILE%"):
        return True
    anchor, *below = [part for part in re.split(r"[/\\]", re.sub(r"^[A-Za-z]:", "/", target)) if part not in ("", "*")] or ["/"]
    if anchor in ("~", "$HOME", "${HOME}"):
        return len(below) <= 1
    if not target.startswith(("/", "C:", "c:")):
        return anchor == ".." and all(part == ".." for part in below)
    return not below or anchor in SYSTEM or (anchor in SHARED and len(below) <= 1)
