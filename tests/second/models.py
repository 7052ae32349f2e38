"""A real classifier, small enough to be made in a test: it adds up a weight for every word."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

WORDS = {"[PAD]": 0.0, "[UNK]": 0.0, "[CLS]": 0.0, "[SEP]": 0.0, "ignore": 4.0, "obey": 3.0, "please": -1.0, "recipe": -4.0}


def save_tokenizer(folder: Path) -> Path:
    ids = {word: index for index, word in enumerate(WORDS)}
    tokenizer = Tokenizer(WordLevel(ids, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])]
    )
    tokenizer.enable_padding(length=700)  # as some files have it; it is not what is wanted here
    path = folder / "tokenizer.json"
    tokenizer.save(str(path))
    return path


def save_model(
    folder: Path, *, name: str = "guard", bias: float = -2.0, labels: int = 2, attack: int = 1, kind: int = TensorProto.INT64,
    inputs: tuple[str, ...] = ("input_ids", "attention_mask", "token_type_ids"), shape: tuple[int | str, int | str] = ("n", "t"),
    softmax: bool = False,
) -> Path:  # fmt: skip
    """Logits: 0 but for `attack`, whose is the sum of the words' weights where the mask is 1, and `bias`."""
    weights = np.zeros((len(WORDS), labels), np.float32)
    weights[:, attack] = list(WORDS.values())
    offset = np.zeros(labels, np.float32)
    offset[attack] = bias
    nodes = [
        helper.make_node("Gather", ["weights", "input_ids"], ["words"], axis=0),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["masks"]),
        helper.make_node("Mul", ["words", "masks"], ["counted"]),
        helper.make_node("ReduceSum", ["counted", "tokens"], ["summed"], keepdims=0),
        helper.make_node("Add", ["summed", "offset"], ["raw" if softmax else "logits"]),
        *([helper.make_node("Softmax", ["raw"], ["probabilities"], axis=1)] if softmax else []),
    ]
    graph = helper.make_graph(
        nodes, "guard",
        [helper.make_tensor_value_info(each, kind, list(shape)) for each in inputs],
        [helper.make_tensor_value_info("probabilities" if softmax else "logits", TensorProto.FLOAT, ["n", labels])],
        [
            numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(offset, "offset"),
            numpy_helper.from_array(np.array([2]), "last"), numpy_helper.from_array(np.array([1]), "tokens"),
        ],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    path = folder / f"{name}.onnx"
    onnx.save(model, str(path))
    return path


def save_labels(folder: Path, *names: str) -> None:
    (folder / "config.json").write_text(json.dumps({"id2label": dict(enumerate(names))}))
