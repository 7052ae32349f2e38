"""A text classifier in an ONNX file with its `tokenizer.json`: text in, probability of an attack out.

Files are the operator's and trusted as his settings are; what they are given is not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from otel_mlsec.arrays import Floats, Ints
from otel_mlsec.second.labels import UnusableClassifier, attack_labels

FILE_LIMIT = 2 << 30  # bytes
TOKENS = 512  # of a window; fewer where the file says so
OVERLAP = 64  # tokens that neighbouring windows share
WINDOWS = 8  # of one text: the first half of them and the last
TYPES = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids", "position_ids"})
PADDING = ("[PAD]", "<pad>", "<|pad|>", "<|endoftext|>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What a classifier says of one text."""

    probability: float  # of an attack, in [0, 1]: the most that any window has
    windows: int
    cut: bool  # some windows were left out


class OnnxClassifier:
    """Runs in the thread that asks, on one core.  Not for two threads at once, and not for a forked child.

    Inputs are found by name, outputs are `logits` or the first of shape (n, labels): softmax of several, the logistic function of
    one.  Rows that already are probabilities, as exporters that add the softmax give them, stay as they are.

    Raises:
        UnusableClassifier: the files are not there, too large or of another kind, or the extra is not installed.
        Exception: what the foreign libraries raise on files that they cannot read.
    """

    def __init__(self, model: Path, tokenizer: Path, label: str = "") -> None:
        for file in (model, tokenizer):
            _check(file)
        try:
            runtime: Any = import_module("onnxruntime")
            tokenizers: Any = import_module("tokenizers")
        except ImportError as error:
            raise UnusableClassifier("needs two libraries: pip install 'otel-mlsec[onnx]'") from error
        self.name = model.stem
        self.digest = _digest(model)
        self._session: Any = runtime.InferenceSession(str(model), _options(runtime), providers=["CPUExecutionProvider"])
        inputs = {each.name: each for each in self._session.get_inputs()}
        self._inputs = {name: TYPES.get(each.type) for name, each in inputs.items()}
        self._check_inputs()
        self._one_by_one, self._length = _shape(inputs["input_ids"].shape)
        self._tokenizer: Any = tokenizers.Tokenizer.from_file(str(tokenizer))
        self._pad: int = next((i for word in PADDING if (i := self._tokenizer.token_to_id(word)) is not None), 0)
        self._tokenizer.no_padding()
        tokens = self._length or TOKENS
        self._tokenizer.enable_truncation(max_length=tokens, stride=min(OVERLAP, tokens // 4))
        self._output, n_labels = self._first_answer()
        self._attack = list(attack_labels(model, n_labels, label))

    def __call__(self, text: str) -> Opinion:
        # A tokenizer in Rust takes no lone surrogates.
        encoded = self._tokenizer.encode(text.encode("utf-8", "replace").decode("utf-8"))
        windows: list[Any] = [encoded, *encoded.overflowing]
        cut = len(windows) > WINDOWS
        if cut:
            windows = [*windows[: WINDOWS // 2], *windows[-(WINDOWS // 2) :]]
        groups = [[window] for window in windows] if self._one_by_one else [windows]
        probability = max(float(self._probabilities(group).max()) for group in groups)
        return Opinion(probability=min(max(probability, 0.0), 1.0), windows=len(windows), cut=cut)

    def _probabilities(self, windows: Sequence[Any]) -> Floats:
        """(n_windows,)"""
        [outputs] = self._session.run([self._output], self._fed(windows))
        return _probabilities(np.asarray(outputs, np.float64))[:, self._attack].sum(axis=1)

    def _fed(self, windows: Sequence[Any]) -> dict[str, npt.NDArray[np.integer[Any]]]:
        n, longest = len(windows), self._length or max(1, *(len(window.ids) for window in windows))
        columns: dict[str, Ints] = {
            "input_ids": np.full((n, longest), self._pad),
            "attention_mask": np.zeros((n, longest), np.int64),
            "token_type_ids": np.zeros((n, longest), np.int64),
            "position_ids": np.tile(np.arange(longest), (n, 1)),
        }
        for row, window in enumerate(windows):
            length = min(len(window.ids), longest)
            columns["input_ids"][row, :length] = window.ids[:length]
            columns["attention_mask"][row, :length] = window.attention_mask[:length]
            columns["token_type_ids"][row, :length] = window.type_ids[:length]
        return {name: columns[name].astype(kind) for name, kind in self._inputs.items() if kind is not None}

    def _check_inputs(self) -> None:
        if "input_ids" not in self._inputs:
            raise UnusableClassifier(f"has no input input_ids; its inputs are {', '.join(self._inputs)}"[:300])
        for name, kind in self._inputs.items():
            if name not in INPUTS or kind is None:
                raise UnusableClassifier(
                    f"has the input {name[:100]}, which must be whole numbers and of {', '.join(sorted(INPUTS))}"
                )

    def _first_answer(self) -> tuple[str, int]:
        """Name of the output that is used, and its number of labels: a file that cannot run is known before it is needed."""
        names = [each.name for each in self._session.get_outputs()]
        answers = self._session.run(None, self._fed([self._tokenizer.encode("hello")]))
        rows = {name: np.shape(answer) for name, answer in zip(names, answers, strict=True)}
        fitting = [name for name, shape in rows.items() if len(shape) == 2 and shape[0] == 1 and shape[1] > 0]
        if not fitting:
            raise UnusableClassifier("has no output of shape (texts, labels): it is no classifier of texts")
        chosen = "logits" if "logits" in fitting else fitting[0]
        return chosen, rows[chosen][1]


def _probabilities(outputs: Floats) -> Floats:
    """(n, n_labels) of logits or probabilities -> probabilities."""
    n_labels = outputs.shape[1]
    if n_labels > 1 and (outputs >= 0).all() and np.allclose(outputs.sum(axis=1), 1.0, atol=1e-3):
        return outputs
    if n_labels == 1:
        return 1 / (1 + np.exp(-np.clip(outputs, -700, 700)))
    raised = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def _shape(shape: Sequence[Any]) -> tuple[bool, int]:
    """Of an input (texts, tokens): is it for one text at a time, and how many tokens must it have?  0 for any."""
    texts, tokens = (*shape, None, None)[:2]
    return texts == 1, min(tokens, 1 << 14) if isinstance(tokens, int) and tokens > 0 else 0


def _options(runtime: Any) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # the application's cores are its own
    options.enable_cpu_mem_arena = False  # memory of a long text is given back
    options.log_severity_level = 4  # nothing on the application's standard error
    return options


def _check(file: Path) -> None:
    try:
        size = file.stat().st_size
    except OSError as error:
        raise UnusableClassifier(f"{file} cannot be read: {error.strerror}") from error
    if not file.is_file() or not size:
        raise UnusableClassifier(f"{file} is no file, or empty")
    if size > FILE_LIMIT:
        raise UnusableClassifier(f"{file} has {size >> 20} MiB, and at most {FILE_LIMIT >> 20} are loaded")


def _digest(file: Path) -> str:
    """First 12 hex digits of its SHA-256."""
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()[:12]
