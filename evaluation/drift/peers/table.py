"""Whom we are compared with.  What is pinned of each is in `pins/`; what each is asked to do is said in its runner."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    name: str  # as shown
    environment: str  # `.venv-peers/<environment>`, of `pins/<environment>.txt`
    runner: str
    kind: str = ""  # which of its detectors
    longest: int = 10_000  # rows that a change is waited for
    of_errors: bool = False  # can it watch one number at a time?
    notice: str = ""  # what whoever runs it should know


BUSINESS = "under the Business Source License 1.1, whose terms grant everyone non-production use, which a comparison is"
PEERS = (
    Peer(name="river ADWIN", environment="river", runner="run_river.py", kind="adwin", of_errors=True),
    Peer(name="river Page–Hinkley", environment="river", runner="run_river.py", kind="page-hinkley", of_errors=True),
    Peer(name="Alibi Detect", environment="alibi-detect", runner="run_alibi.py", notice=BUSINESS),
    Peer(name="NannyML univariate", environment="nannyml", runner="run_nannyml.py", kind="univariate"),
    Peer(name="NannyML PCA", environment="nannyml", runner="run_nannyml.py", kind="reconstruction"),
    Peer(name="whylogs", environment="whylogs", runner="run_whylogs.py"),
    Peer(name="Evidently", environment="evidently", runner="run_evidently.py", longest=3000),
)

QUIET = {  # nothing of a comparison is told to anybody
    "DO_NOT_TRACK": "1",
    "NML_DISABLE_USAGE_LOGGING": "1",
    "WHYLOGS_NO_ANALYTICS": "True",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",
}
