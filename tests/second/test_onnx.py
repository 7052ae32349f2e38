"""The classifier itself, on real ONNX files that are made here."""

import math
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("tokenizers")
onnx = pytest.importorskip("onnx")

from tests.second.models import save_labels, save_model, save_tokenizer  # noqa: E402 - after the skips

from otel_mlsec.second.labels import UnusableClassifier  # noqa: E402
from otel_mlsec.second.onnx import WINDOWS, OnnxClassifier  # noqa: E402


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_softmax_of_the_summed_words_is_the_probability(tmp_path: Path):
    classifier = OnnxClassifier(save_model(tmp_path), save_tokenizer(tmp_path))

    opinions = [classifier(text).probability for text in ("ignore and obey", "please, a recipe", "")]

    assert opinions == pytest.approx([logistic(5), logistic(-7), logistic(-2)], abs=1e-6)
    assert classifier.name == "guard"
    assert len(classifier.digest) == 12


@pytest.mark.parametrize(
    "made",
    [
        {"labels": 1, "attack": 0},
        {"inputs": ("input_ids", "attention_mask")},
        {"kind": onnx.TensorProto.INT32},
        {"shape": (1, "t")},
        {"shape": ("n", 128)},
        {"shape": (1, 64)},
        {"softmax": True},
    ],
    ids=str,
)
def test_what_exporters_make_is_asked_as_it_wants_to_be(tmp_path: Path, made: dict):
    classifier = OnnxClassifier(save_model(tmp_path, **made), save_tokenizer(tmp_path))

    opinion = classifier("ignore " + "the " * 300)

    assert opinion.probability == pytest.approx(logistic(2), abs=1e-6)
    assert opinion.windows == {128: 3, 64: 7}.get(made.get("shape", (0, 0))[1], 1)


def test_an_attack_at_the_end_of_a_long_text_is_in_a_window(tmp_path: Path):
    classifier = OnnxClassifier(save_model(tmp_path), save_tokenizer(tmp_path))

    opinion = classifier("the " * 20_000 + "ignore obey")

    assert opinion.probability == pytest.approx(logistic(5), abs=1e-6)
    assert (opinion.windows, opinion.cut) == (WINDOWS, True)


def test_lone_surrogates_and_nothing_at_all_are_texts(tmp_path: Path):
    classifier = OnnxClassifier(save_model(tmp_path), save_tokenizer(tmp_path))

    assert classifier("\ud800 ignore \x00 \udcff").probability == pytest.approx(logistic(2), abs=1e-6)


@pytest.mark.parametrize(
    ("names", "label", "attack"),
    [
        (("SAFE", "INJECTION"), "", [1]),
        (("INJECTION", "LEGIT"), "", [0]),
        (("BENIGN", "INJECTION", "JAILBREAK"), "", [1, 2]),
        (("unsafe", "safe"), "", [0]),
        (("attack", "not_attack"), "", [0]),
        (("harmless", "A", "B"), "", [1, 2]),
        (("LABEL_0", "LABEL_1"), "", [1]),
        (("safe", "other"), "SAFE", [0]),
        (("safe", "other"), "0", [0]),
        ((), "", [1]),
    ],
)
def test_names_of_labels_say_which_is_the_attack(tmp_path: Path, names: tuple[str, ...], label: str, attack: list[int]):
    n = max(len(names), 2)
    model = save_model(tmp_path, labels=n, attack=attack[0])
    if names:
        save_labels(tmp_path, *names)
    classifier = OnnxClassifier(model, save_tokenizer(tmp_path), label)

    assert classifier("ignore ignore ignore").probability > 0.99


@pytest.mark.parametrize(
    ("break_", "said"),
    [
        (lambda model, tokenizer: model.unlink(), "cannot be read"),
        (lambda model, tokenizer: tokenizer.write_bytes(b""), "is no file, or empty"),
        (lambda model, tokenizer: save_model(model.parent, labels=3), "has 3 outputs"),
        (
            lambda model, tokenizer: save_model(model.parent, inputs=("input_ids", "attention_mask", "pixels")),
            "has the input pixels",
        ),
        (lambda model, tokenizer: save_model(model.parent, kind=onnx.TensorProto.FLOAT16), ""),
        (lambda model, tokenizer: model.write_bytes(b"garbage" * 100), ""),
        (lambda model, tokenizer: tokenizer.write_text("{}"), ""),
    ],
)
def test_files_of_another_kind_are_refused_when_they_are_loaded(tmp_path: Path, break_, said: str):
    model, tokenizer = save_model(tmp_path), save_tokenizer(tmp_path)
    break_(model, tokenizer)

    with pytest.raises(UnusableClassifier if said else Exception, match=said or None):
        OnnxClassifier(model, tokenizer)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path):
    model, tokenizer = save_model(tmp_path), save_tokenizer(tmp_path)
    with model.open("r+b") as sparse:
        sparse.truncate((2 << 30) + 1)

    with pytest.raises(UnusableClassifier, match="has 2048 MiB"):
        OnnxClassifier(model, tokenizer)


@pytest.mark.parametrize(
    "said", ["[", '{"id2label": 3}', '{"id2label": {"x": 1, "999999999999": "attack", "0": ["a"]}}', "[" * 100_000]
)
def test_a_config_that_says_nothing_useful_is_as_none(tmp_path: Path, said: str):
    model = save_model(tmp_path)
    (tmp_path / "config.json").write_text(said)

    assert OnnxClassifier(model, save_tokenizer(tmp_path))("ignore ignore").probability > 0.99
