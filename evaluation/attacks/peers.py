"""What others do, on the same rows: rules of thumb, PRADA, Blacklight for tables, an isolation forest.

Each takes a stream, in order, and flags rows; a flagged row is an alarm there, as none of them has incidents.  Units are standard
deviations of the fitted rows.  Parameters are those of the papers (Juuti et al. 2019; Li et al. 2022), not tuned to these data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import shapiro
from sklearn.ensemble import IsolationForest

from otel_mlsec.arrays import Floats, Ints, Masks

Flags = Callable[[Floats, Ints, Ints], Masks]  # (n, d) standardised rows, (n,) labels, (n,) principals -> (n,)

PRADA_LEAST, PRADA_EVERY, PRADA_MOST = 100, 50, 1500  # distances, and rows of a principal that are looked at
WINDOWS, KEPT = 64, 25  # hashes of a row, of which the smallest are its fingerprint


def standardised(fitted: Floats) -> Callable[[Floats], Floats]:
    mean, sd = np.nanmean(fitted, axis=0), np.nanstd(fitted, axis=0) + 1e-9
    return lambda rows: np.nan_to_num((rows - mean) / sd)


def rules(fitted: Floats) -> Flags:
    """Any of: out of range, |z| > 4, within 0.1 of the principal's last row with another label, ten steps of 0.05, volume."""
    z = standardised(fitted)(fitted)
    low, high = z.min(axis=0), z.max(axis=0)

    def flags(rows: Floats, labels: Ints, principals: Ints) -> Masks:
        found = ((rows < low) | (rows > high)).any(axis=1) | (np.abs(rows) > 4).any(axis=1)
        order = np.argsort(principals, kind="stable")
        same = np.concatenate([[False], principals[order][1:] == principals[order][:-1]])
        step = np.concatenate([[np.inf], np.linalg.norm(np.diff(rows[order], axis=0), axis=1)])
        flipped = np.concatenate([[False], labels[order][1:] != labels[order][:-1]])
        step[~same] = np.inf
        mean10 = np.convolve(np.minimum(step, 1e6), np.ones(10) / 10)[: len(step)]
        rank = np.arange(len(order)) - np.searchsorted(principals[order], principals[order])
        mine = ((step < 0.1) & flipped) | (mean10 < 0.05) | (rank > 10_000)
        found[order] |= mine
        return found

    return flags


def isolation_forest(fitted: Floats) -> Flags:
    forest = IsolationForest(contamination=0.01, random_state=0).fit(standardised(fitted)(fitted[:10_000]))
    return lambda rows, *_: forest.predict(rows) < 0


def prada(threshold: float) -> Flags:
    """Per principal: are distances to the growing set of his rows of the same label normal (Shapiro and Wilk)?"""

    def flags(rows: Floats, labels: Ints, principals: Ints) -> Masks:
        found = np.zeros(len(rows), np.bool_)
        order = np.argsort(principals, kind="stable")
        for mine in np.split(order, np.flatnonzero(np.diff(principals[order])) + 1):
            if len(mine) >= PRADA_LEAST:
                alarmed = _prada(rows[mine[:PRADA_MOST]], labels[mine[:PRADA_MOST]], threshold)
                if alarmed is not None:
                    found[mine[alarmed:]] = True
        return found

    return flags


def _prada(rows: Floats, labels: Ints, threshold: float) -> int | None:
    kept: dict[int, list[Floats]] = {}
    grown: dict[int, list[float]] = {}
    distances: list[float] = []
    for n, (row, label) in enumerate(zip(rows, labels.tolist(), strict=True), 1):
        growing = kept.setdefault(label, [])
        if growing:
            distance = float(np.sqrt(((np.asarray(growing) - row) ** 2).sum(axis=1).min()))
            distances.append(distance)
            known = grown.setdefault(label, [])
            if not known or distance > float(np.mean(known) - np.std(known)):
                known.append(distance)
                growing.append(row)
        else:
            growing.append(row)
        if n % PRADA_EVERY == 0 and len(distances) > PRADA_LEAST:
            d = np.asarray(distances)
            d = d[np.abs(d - d.mean()) < 3 * d.std() + 1e-12]
            if len(d) > 2 and d.std() > 0 and shapiro(d).statistic < threshold:
                return n
    return None


def blacklight(n_features: int, *, step: float = 0.5, matches: int = 13) -> Flags:
    """Rounded windows of a row, hashed; a row is flagged if `matches` of its 25 smallest hashes are those of one earlier row."""
    g = np.random.default_rng(0)
    width = max(3, n_features // 4)
    windows = np.stack([g.choice(n_features, min(width, n_features), replace=False) for _ in range(WINDOWS)])
    odd = g.integers(1, 1 << 62, windows.shape, dtype=np.int64) * 2 + 1
    salt = g.random(n_features)

    def flags(rows: Floats, *_: Any) -> Masks:
        seen: dict[int, int] = {}
        found = np.zeros(len(rows), np.bool_)
        for at in range(0, len(rows), 2048):
            rounded = np.floor(rows[at : at + 2048] / step + salt).astype(np.int64)
            hashes = (rounded[:, windows] * odd).sum(axis=2)
            hashes ^= hashes >> 29
            hashes *= -7046029254386353131
            kept = np.partition(hashes ^ (hashes >> 32), KEPT, axis=1)[:, :KEPT]
            for number, prints in enumerate(kept.tolist(), at):
                votes: dict[int, int] = {}
                for one in prints:
                    earlier = seen.get(one)
                    if earlier is not None:
                        votes[earlier] = votes.get(earlier, 0) + 1
                    seen[one] = number
                found[number] = max(votes.values(), default=0) >= matches
        return found

    return flags


def peers(fitted: Floats) -> dict[str, Flags]:
    return {
        "rules of thumb": rules(fitted),
        "isolation forest": isolation_forest(fitted),
        "PRADA .90": prada(0.90),
        "PRADA .96": prada(0.96),
        "Blacklight 13/25": blacklight(fitted.shape[1]),
    }
