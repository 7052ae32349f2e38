"""Offline rule sets of others, called as they are shipped, to stand beside ours in `make evaluate-llm`.

None of them is needed: those that are not installed are left out and named.  Rule sets whose data are pickles are not
loaded at all (prompt-guardrail 1.0), nor what fetches a model at first use.  Nothing of theirs is copied here.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import logging
import re
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from types import ModuleType
from typing import Any

Flags = Callable[[str], bool]
CAP = 4000  # characters that a peer is given: several of them take seconds for more


@dataclass(frozen=True, slots=True)
class Peer:
    """A rule set and its verdict, at the threshold that it ships with."""

    name: str
    version: str
    licence: str
    _flags: Flags

    def flag(self, text: str) -> bool:
        """Whether it would raise an alarm on the first `CAP` characters of `text`."""
        return self._flags(text[:CAP])


def peers(say: Callable[[str], object] = print) -> list[Peer]:
    """Those that are installed, ours for comparison (`classic regexes`) first; `say` is told of each that is left out."""
    found = [Peer(f"classic regexes, risk ≥ {least}", "1", "Apache-2.0", _classic(least)) for least in (30, 15)]
    for package, licence, load in SHIPPED:
        try:
            version = importlib.metadata.version(package)
            flags = load()
        except (ImportError, AttributeError, OSError) as error:  # PackageNotFoundError is an ImportError
            say(f"left out: {package} ({type(error).__name__}; `pip install --no-deps {package}` brings it)")
            continue
        found.append(Peer(package, version, licence, flags))
    return found


def _nukon() -> Flags:
    module = importlib.import_module("nukon_pi_detect")
    return lambda text: bool(module.scan(text).decision != module.DECISION_CLEAN)


def _toolwall() -> Flags:
    module = importlib.import_module("toolwall.detect.patterns")
    least: float = importlib.import_module("toolwall.policy").Policy.model_fields["response_ipi_threshold"].default
    return lambda text: any(hit.score >= least for hit in module.detect(text))


def _ai_injection_guard() -> Flags:
    scanner: Any = importlib.import_module("prompt_shield").PromptScanner()
    at: list[str] = scanner.SEVERITY_ORDER
    return lambda text: at.index(scanner.scan(text).severity) >= at.index(scanner.threshold)


def _injectionguard() -> Flags:
    module = importlib.import_module("injectionguard")
    return lambda text: not module.is_safe(text)


def _injectionshield() -> Flags:
    module = importlib.import_module("injectionshield")
    return lambda text: not module.scan(text).safe


def _llm_injection_guard() -> Flags:
    module = importlib.import_module("llm_injection_guard")
    logging.getLogger("llm_injection_guard").setLevel(logging.ERROR)  # it logs every alarm
    detector: Any = module.InjectionDetector()
    return lambda text: bool(detector.scan(text).is_injection)


def _openlit() -> Flags:
    with _without_package("openlit", "openlit.guard"):
        module = importlib.import_module("openlit.guard.prompt_injection")
        guard: Any = module.PromptInjection()
        allowed: Any = importlib.import_module("openlit.guard._base").GuardAction.ALLOW
    return lambda text: bool(guard.evaluate(text).action != allowed)


@contextmanager
def _without_package(root: str, *packages: str) -> Generator[None]:
    """Lets a module be imported whose packages import half the world: they are empty while this lasts."""
    before = {name: module for name, module in sys.modules.items() if name == root or name.startswith(f"{root}.")}
    spec = find_spec(root)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(root)
    folder = spec.submodule_search_locations[0]
    try:
        for name in (root, *packages):
            empty = ModuleType(name)
            empty.__path__ = ["/".join((folder, *name.split(".")[1:]))]
            sys.modules[name] = empty
        yield
    finally:
        for name in [name for name in sys.modules if name == root or name.startswith(f"{root}.")]:
            del sys.modules[name]
        sys.modules.update(before)


SHIPPED: tuple[tuple[str, str, Callable[[], Flags]], ...] = (
    ("openlit", "Apache-2.0", _openlit),
    ("nukon-pi-detect", "Apache-2.0", _nukon),
    ("toolwall-guard", "Apache-2.0", _toolwall),
    ("ai-injection-guard", "MIT", _ai_injection_guard),
    ("injectionguard", "Apache-2.0", _injectionguard),
    ("injectionshield", "MIT", _injectionshield),
    ("llm-injection-guard", "MIT", _llm_injection_guard),
)

# What scanners of the first years looked for, in the words of many: each hit adds to a risk from 0 to 100.
CLASSIC: tuple[tuple[str, int], ...] = (
    (
        r"(ignore|disregard|forget)\s+(all\s+)?(the\s+)?(previous|prior|above|earlier)\s+(instructions?|prompts?|rules|context)",
        30,
    ),
    (r"(ignore|disregard|forget)\s+(everything|all)\s+(above|before|you)", 30),
    (r"new\s+instructions?\s*:", 20),
    (
        r"(show|reveal|print|repeat|output|tell me)\s+(me\s+)?(your|the)\s+(system|initial|hidden)\s+(prompt|instructions?)",
        30,
    ),
    (r"system\s+prompt", 15),
    (r"\bDAN\b|do\s+anything\s+now", 30),
    (r"jail\s?break", 30),
    (r"(developer|debug|admin|god|sudo)\s+mode", 20),
    (r"you\s+are\s+now\s+(a|an|in)\b", 20),
    (r"(pretend|act)\s+(to\s+be|as\s+if|as\s+though|like)\s+(you\s+)?(have\s+no|are\s+not|an?\s+un)", 20),
    (r"(without|no)\s+(any\s+)?(restrictions?|limitations?|filters?|censorship)", 20),
    (r"bypass\s+(your|the|all)\s+(safety|security|filters?|restrictions?|rules)", 30),
    (r"<\|?(im_start|system|endoftext)\|?>|\[INST\]|###\s*(system|instruction)", 30),
    (r"^\s*(system|assistant)\s*:", 15),
)
CLASSIC_FORMS: tuple[tuple[str, int], ...] = (
    (r"[A-Za-z0-9+/]{40,}={0,2}", 15),  # base64
    (r"[\u200b-\u200f\u2060\ufeff]", 20),  # zero width
    (r"[\u202a-\u202e\u2066-\u2069]", 30),  # direction override
    (r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", 20),  # control characters
)
UNUSUAL = 0.3  # share of characters beyond ASCII from which a text was thought unusual
UNUSUAL_RISK = 15


def classic_risk(text: str) -> int:
    """0 to 100: what the classic list adds up to."""
    risk = sum(points for pattern, points in _COMPILED if pattern.search(text))
    if text and sum(c > "\x7f" for c in text) > UNUSUAL * len(text):
        risk += UNUSUAL_RISK
    return min(100, risk)


def _classic(least: int) -> Flags:
    return lambda text: classic_risk(text) >= least


_COMPILED = [(re.compile(pattern, re.IGNORECASE | re.MULTILINE), points) for pattern, points in CLASSIC] + [
    (re.compile(pattern), points) for pattern, points in CLASSIC_FORMS
]
