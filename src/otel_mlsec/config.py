"""All settings, one frozen tree; the only reader of environment and files.

Order: what `instrument(…)` is given > `OTEL_MLSEC_*` variables > the TOML file that `OTEL_MLSEC_CONFIG` names > defaults.
A key that nobody knows, a wrong type or a value out of range is an error that names the key, what is allowed and what came.
"""

from __future__ import annotations

import datetime as dt
import tomllib
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from otel_mlsec.settings import ConfigError, FeatureSettings, LlmSettings, ModelSettings, check_ranges
from otel_mlsec.suppression import Suppression

T = TypeVar("T")

PREFIX = "OTEL_MLSEC_"
FILE = PREFIX + "CONFIG"
LEAST_KEY = 16  # bytes
ANY = "*"  # a reference for every model that has none of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All of it.

    Attributes:
        enabled: false: nothing is patched and no thread starts.
        key: secret of the pseudonyms; without it a random one is made for each process, and hosts cannot be linked.
        principal_header: request header that names the principal; only behind a proxy that sets it.
        source_header: request header that names what many principals may share, as a tenant or an autonomous system; likewise.
        forwarded_header: request header whose last entry is the client's address, as of X-Forwarded-For; likewise.
        reference: file, directory or URL by model name, `*` for any other model; of a directory, that of the model's name.
        reference_key: secret that references must be signed with.
        reference_at_fit: directory in which a reference is made of every model that the application fits; "": of none.
        capture_content: may captured content leave the process?  If so, findings about texts quote at most 256 characters and
            spans carry the messages, both with secrets, addresses and numbers masked.
        disabled_instrumentations: names of capture's table.
        queue_items: calls that may wait for detection.
        queue_bytes: and their copies' size.
        spans: make a span for every prediction, and for every call of a language model that has none.
        span_events: put findings on it as events, too.
        span_hold: s that the span of a call that is over waits for findings that are still being made.
        gauge_series: bound on the number of `mlsec.drift.score` series.
        model: settings of every model.
        models: settings of one model by name, instead of `model`; in a file, what one leaves out is as in `model`.
        llm: settings of calls of language models.
        enforce: what to do before a prompt is sent in which a detector found something: `raise` otel_mlsec.Blocked, or `replace`
            the text by a notice; by detector: llm/injection, llm/jailbreak, llm/hidden_text.  Nothing by default.
        classifier: ONNX file of a heavier classifier that judges texts again, behind ours.
        classifier_tokenizer: its `tokenizer.json`.
        spool: directory in which findings are kept until their receiver has them; "": in the user's state directory; `off`:
            findings go through the application's logger provider only, and sinks keep them in memory.
        spool_bytes: on disk for each receiver, after which the mildest and oldest findings are given up.
        label_horizon: s for which a prediction waits for its label, and a label for its prediction.
        label_bytes: of memory for both; of more the oldest predictions are forgotten and counted.
        sinks: URLs that findings are sent to besides, see `otel_mlsec.emit.transports`.
        sink_secret: that webhooks are signed with.
        suppress: what not to be told of, see `Suppression`; in a file, `[[suppress]]` tables.
    """

    enabled: bool = True
    key: str = field(default="", repr=False)
    principal_header: str = ""
    source_header: str = ""
    forwarded_header: str = ""
    reference: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)  # a URL may be a secret
    reference_key: str = field(default="", repr=False)
    reference_at_fit: str = ""
    capture_content: bool = False
    disabled_instrumentations: tuple[str, ...] = ()
    queue_items: int = 1024
    queue_bytes: int = 64 << 20
    spans: bool = True
    span_events: bool = True
    span_hold: float = 1.0
    gauge_series: int = 1000
    model: ModelSettings = field(default_factory=ModelSettings)
    models: Mapping[str, ModelSettings] = field(default_factory=dict[str, ModelSettings])
    llm: LlmSettings = field(default_factory=LlmSettings)
    enforce: Mapping[str, str] = field(default_factory=dict[str, str])
    classifier: str = ""
    classifier_tokenizer: str = ""
    spool: str = ""
    spool_bytes: int = 64 << 20
    label_horizon: float = 30 * 86400.0
    label_bytes: int = 32 << 20
    sinks: tuple[str, ...] = field(default=(), repr=False)  # a URL may be a secret
    sink_secret: str = field(default="", repr=False)
    suppress: tuple[Suppression, ...] = ()

    def __post_init__(self) -> None:
        check_ranges(self, "")
        _check_enforced(self.enforce)
        if bool(self.classifier) != bool(self.classifier_tokenizer):
            raise ConfigError(
                "classifier and classifier_tokenizer must be given together, "
                f"got {self.classifier!r} and {self.classifier_tokenizer!r}"
            )
        for name in ("key", "reference_key"):
            length = len(getattr(self, name).encode("utf-8", "surrogateescape"))
            if 0 < length < LEAST_KEY:
                raise ConfigError(f"{name} must have at least {LEAST_KEY} bytes, got {length}")

    def of(self, model: str) -> ModelSettings:
        return self.models.get(model, self.model)

    @classmethod
    def load(cls, environ: Mapping[str, str], **given: Any) -> Config:
        """Read file and environment; `given` wins.

        Raises:
            ConfigError: something in them cannot be used.
        """
        file = environ.get(FILE, "")
        values: dict[str, Any] = dict(_from_file(Path(file))) if file else {}
        for variable, text in environ.items():
            if variable.startswith(PREFIX) and variable != FILE:
                _put(values, variable, text)
        for name, value in given.items():
            if name not in VARIABLES_OF_FIELDS:
                raise ConfigError(f"instrument() has no setting {name!r}; it knows {', '.join(sorted(VARIABLES_OF_FIELDS))}")
            values[name] = value
        return _build(cls, _inherited(values), "")


SUPPRESSED_BY = tuple(f.name for f in fields(Suppression) if f.init)
ENFORCEABLE = ("llm/injection", "llm/jailbreak", "llm/hidden_text")  # detectors that judge before the provider is called
ACTIONS = ("raise", "replace")
VARIABLES_OF_FIELDS = {f.name for f in fields(Config)}
OF_EVERY_MODEL = {"FALSE_ALARMS_PER_MILLION": "false_alarms_per_million", "TOLERANCE": "tolerance"}
LLM = "LLM_"  # of variables: settings of calls of language models
VARIABLES = [
    *sorted(PREFIX + name.upper() for name in VARIABLES_OF_FIELDS - {"model", "models", "llm", "suppress"}),
    FILE,
    *(PREFIX + name for name in OF_EVERY_MODEL),
    *(PREFIX + LLM + f.name.upper() for f in fields(LlmSettings)),
]


def _from_file(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{FILE} must name a readable TOML file, got {str(path)!r} ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{FILE} must name a TOML file, {str(path)!r} is none: {error}") from error


def _put(values: dict[str, Any], variable: str, text: str) -> None:
    if variable not in VARIABLES:
        raise ConfigError(f"{variable} is not a setting; those are {', '.join(VARIABLES)}")
    name = variable.removeprefix(PREFIX)
    if name in OF_EVERY_MODEL:
        model = values.get("model")
        values["model"] = {**(model if isinstance(model, dict) else {}), OF_EVERY_MODEL[name]: _number(variable, text)}
    elif name.startswith(LLM):
        llm, setting = values.get("llm"), name.removeprefix(LLM).lower()
        values["llm"] = {**(llm if isinstance(llm, dict) else {}), setting: _READ[_hint(LlmSettings, setting)](variable, text)}
    elif name == "ENFORCE":
        values["enforce"] = _actions(variable, text)
    else:
        values[name.lower()] = _READ[_hint(Config, name.lower())](variable, text)


def _inherited(values: dict[str, Any]) -> dict[str, Any]:
    """Tables of single models on top of the one for every model."""
    base, models = values.get("model"), values.get("models")
    if not isinstance(base, dict) or not isinstance(models, dict):
        return values
    own = cast("dict[str, Any]", models)
    return values | {"models": {name: {**base, **table} if isinstance(table, dict) else table for name, table in own.items()}}


def _number(key: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"{key} must be a number, got {text!r}") from None


def _integer(key: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ConfigError(f"{key} must be a whole number, got {text!r}") from None


def _boolean(key: str, text: str) -> bool:
    word = text.strip().lower()
    if word not in ("true", "false"):
        raise ConfigError(f"{key} must be true or false, got {text!r}")
    return word == "true"


def _pairs(key: str, text: str) -> dict[str, str]:
    """`path`, or `model=path,model=path`; a path may be a URL, without a comma in it."""
    if not text.strip():
        return {}
    pairs: dict[str, str] = {}
    for part in text.split(","):
        name, equals, path = part.partition("=")
        if "://" in name:  # a URL, whose query has an equals sign
            name, equals, path = part, "", ""
        pairs[name.strip() if equals else ANY] = (path if equals else name).strip()
    if not all(pairs.values()) or not all(pairs):
        raise ConfigError(f"{key} must be a file, or model=file,model=file, got {text!r}")
    return pairs


def _actions(key: str, text: str) -> dict[str, str]:
    """`detector=action,detector=action`."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if not all(equals for _, equals, _ in pairs):
        raise ConfigError(f"{key} must be detector=action,detector=action, got {text!r}")
    return {name.strip(): action.strip() for name, _, action in pairs}


_READ: dict[Any, Callable[[str, str], Any]] = {
    bool: _boolean,
    int: _integer,
    float: _number,
    str: lambda _, text: text,
    tuple[str, ...]: lambda _, text: tuple(name.strip() for name in text.split(",") if name.strip()),
    Mapping[str, str]: _pairs,
}


def _hint(cls: type, name: str) -> Any:
    return get_type_hints(cls)[name]


def _build(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """A dataclass of this module from plain values, nested ones included."""
    hints = get_type_hints(cls)
    made: dict[str, Any] = {}
    for name, value in values.items():
        if name not in hints:
            raise ConfigError(f"{where}{name} is not a setting; here those are {', '.join(sorted(hints))}")
        made[name] = _value(hints[name], value, f"{where}{name}")
    return cls(**made)


def _value(hint: Any, value: Any, key: str) -> Any:
    parts = get_args(hint)
    if hint in (FeatureSettings, ModelSettings, LlmSettings):
        return value if isinstance(value, hint) else _build(hint, _expect(value, Mapping, "a table", key), f"{key}.")
    if hint == Mapping[str, str] and isinstance(value, str):
        return _actions(key, value) if key == "enforce" else _pairs(key, value)
    if get_origin(hint) is Mapping:
        return {name: _value(parts[1], inner, f"{key}.{name}") for name, inner in _expect(value, Mapping, "a table", key).items()}
    if hint == tuple[str, ...]:
        return tuple(_expect(name, str, "a list of names", key) for name in _expect(value, list | tuple, "a list of names", key))
    if hint == tuple[Suppression, ...]:
        tables = enumerate(_expect(value, list | tuple, "a list of tables", key))
        return tuple(_suppression(table, f"{key}[{number}]") for number, table in tables)
    if hint in (float, float | None):
        if value is None and hint is not float:
            return None
        return float(_expect(value, int | float, "a number", key))
    return _expect(value, hint, {bool: "true or false", int: "a whole number"}.get(hint, "text"), key)


def _suppression(value: Any, key: str) -> Suppression:
    if isinstance(value, Suppression):
        return value
    table: dict[str, Any] = dict(_expect(value, Mapping, "a table", key))
    for name in table:
        if name not in SUPPRESSED_BY:
            raise ConfigError(f"{key}.{name} is not a setting; here those are {', '.join(SUPPRESSED_BY)}")
    until = table.get("until")
    if isinstance(until, dt.date):  # TOML has dates and times of its own; a time of either kind is a date to Python
        table["until"] = until.isoformat()
    texts = {name: _expect(text, str, "text", f"{key}.{name}") for name, text in table.items()}
    try:
        return Suppression(**texts)
    except ValueError as error:
        raise ConfigError(f"{key} {error}") from error


def _expect(value: Any, kind: type | types.UnionType, allowed: str, key: str) -> Any:
    wrong_bool = isinstance(value, bool) and kind is not bool  # True is an int to Python, not to a person
    if wrong_bool or not isinstance(value, kind):
        shown = "a secret" if key.endswith(("key", "secret")) else repr(value)
        raise ConfigError(f"{key} must be {allowed}, got {shown}")
    return value


def _check_enforced(enforce: Mapping[str, str]) -> None:
    for detector, action in enforce.items():
        if detector not in ENFORCEABLE:
            raise ConfigError(f"enforce must be of {', '.join(ENFORCEABLE)}, got {detector!r}")
        if action not in ACTIONS:
            raise ConfigError(f"enforce.{detector} must be {' or '.join(ACTIONS)}, got {action!r}")
