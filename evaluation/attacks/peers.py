"""What others do, on the same rows: rules of thumb, PRADA, Blacklight for tables, an isolation forest.

Each takes a stream, in order, and flags rows.  Inside, units are standard deviations of the fitted rows.  Parameters are those of
the papers (Juuti et al. 2019; Li et al. 2022), not tuned to these data.  Exact repetitions are flagged as their authors have it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import shapiro
from sklearn.ensemble import IsolationForest

from otel_mlsec.arrays import Floats, Ints, Masks

PRADA_LEAST, PRADA_EVERY, PRADA_MOST = 100, 10, 1500  # distances, and rows of a principal that are looked at
WINDOWS, KEPT = 64, 25  # hashes of a row, of which the smallest are its fingerprint
QUIET = 3600.0  # s after which an alarm of the same principal is another incident, as it is behind our gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    flagged: Masks  # (n,)
    bytes: int  # that had to be kept for it, if it were packed into arrays


Judge = Callable[[Floats, Ints, Ints], Judged]  # (n, d) rows, (n,) labels, (n,) principals


def peers(fitted: Floats) -> dict[str, Judge]:
    return {
        "rules of thumb": rules(fitted),
        "isolation forest": isolation_forest(fitted),
        "PRADA .90": prada(fitted, 0.90),
        "PRADA .96": prada(fitted, 0.96),
        "Blacklight": blacklight(fitted),
    }


def incidents(flagged: Masks, principals: Ints, times: Floats) -> int:
    """Alarms of principals that had none in the hour before."""
    who, when = principals[flagged], times[flagged]
    order = np.lexsort((when, who))
    who, when = who[order], when[order]
    return int(((np.diff(who) != 0) | (np.diff(when) > QUIET)).sum()) + bool(len(who))


def standardised(fitted: Floats) -> Callable[[Floats], Floats]:
    mean, sd = np.nanmean(fitted, axis=0), np.nanstd(fitted, axis=0)
    sd[sd < 1e-9] = 1.0
    return lambda rows: np.nan_to_num((rows - mean) / sd)


def rules(fitted: Floats) -> Judge:
    """Any of: out of range, |z| > 4, within 0.1 of the principal's last row with another label, ten steps of 0.05, volume."""
    units = standardised(fitted)
    low, high = units(fitted).min(axis=0), units(fitted).max(axis=0)

    def judge(rows: Floats, labels: Ints, principals: Ints) -> Judged:
        rows = units(rows)
        found = ((rows < low) | (rows > high)).any(axis=1) | (np.abs(rows) > 4).any(axis=1)
        order = np.argsort(principals, kind="stable")
        same = np.concatenate([[False], principals[order][1:] == principals[order][:-1]])
        step = np.concatenate([[np.inf], np.linalg.norm(np.diff(rows[order], axis=0), axis=1)])
        flipped = np.concatenate([[False], labels[order][1:] != labels[order][:-1]])
        step[~same] = np.inf
        mean10 = np.convolve(np.minimum(step, 1e6), np.ones(10) / 10)[: len(step)]
        rank = np.arange(len(order)) - np.searchsorted(principals[order], principals[order])
        found[order] |= ((step < 0.1) & flipped) | (mean10 < 0.05) | (rank > 10_000)
        kept = rows.shape[1] + 12  # numbers of a principal: his last row, ten steps, label and count
        return Judged(flagged=found, bytes=8 * kept * len(np.unique(principals)))

    return judge


def isolation_forest(fitted: Floats) -> Judge:
    units = standardised(fitted)
    forest = IsolationForest(contamination=0.01, random_state=0).fit(units(fitted[:10_000]))
    size = sum(tree.tree_.__getstate__()["nodes"].nbytes for tree in forest.estimators_)
    return lambda rows, *_: Judged(flagged=forest.predict(units(rows)) < 0, bytes=size)


def prada(fitted: Floats, threshold: float) -> Judge:
    """Per principal: are distances to the growing set of his rows of the same label normal (Shapiro and Wilk)?"""
    units = standardised(fitted)

    def judge(rows: Floats, labels: Ints, principals: Ints) -> Judged:
        rows = units(rows)
        found, kept = np.zeros(len(rows), np.bool_), 0
        order = np.argsort(principals, kind="stable")
        for mine in np.split(order, np.flatnonzero(np.diff(principals[order])) + 1):
            kept += min(len(mine), PRADA_LEAST)
            if len(mine) > PRADA_LEAST:
                alarmed, grown = _prada(rows[mine[:PRADA_MOST]], labels[mine[:PRADA_MOST]], threshold)
                kept += max(0, grown - PRADA_LEAST)
                if alarmed is not None:
                    found[mine[alarmed:]] = True
        return Judged(flagged=found, bytes=8 * (rows.shape[1] + 1) * kept)

    return judge


def _prada(rows: Floats, labels: Ints, threshold: float) -> tuple[int | None, int]:
    """-> index of the row from which on this principal is an attacker, and rows kept."""
    growing = {label: np.empty_like(rows) for label in np.unique(labels).tolist()}
    sizes, least = dict.fromkeys(growing, 0), dict.fromkeys(growing, 0.0)
    grown: dict[int, list[float]] = {label: [] for label in growing}
    distances: list[float] = []
    for n, (row, label) in enumerate(zip(rows, labels.tolist(), strict=True), 1):
        kept, size = growing[label], sizes[label]
        distance = float(np.sqrt(((kept[:size] - row) ** 2).sum(axis=1).min())) if size else np.inf
        if size:
            distances.append(distance)
        if distance > least[label]:
            kept[size] = row
            sizes[label] += 1
            if size:
                grown[label].append(distance)
                least[label] = max(least[label], float(np.mean(grown[label]) - np.std(grown[label])))
        if len(distances) > PRADA_LEAST and n % PRADA_EVERY == 0:
            d = np.asarray(distances)
            d = d[np.abs(d - d.mean()) < 3 * d.std() + 1e-12]
            if len(d) > 2 and np.ptp(d) > 0 and shapiro(d).statistic < threshold:
                return n - 1, sum(sizes.values())
    return None, sum(sizes.values())


def blacklight(fitted: Floats, *, step: float = 0.5, matches: int = 13) -> Judge:
    """Rounded windows of a row, hashed; a row is flagged if `matches` of its 25 smallest hashes are those of one earlier row."""
    g = np.random.default_rng(0)
    units, n_features = standardised(fitted), fitted.shape[1]
    width = max(3, n_features // 4)
    windows = np.stack([g.choice(n_features, min(width, n_features), replace=False) for _ in range(WINDOWS)])
    odd = g.integers(1, 1 << 62, windows.shape, dtype=np.int64) * 2 + 1
    salt = g.random(n_features)

    def judge(rows: Floats, *_: Ints) -> Judged:
        seen: dict[int, int] = {}
        found = np.zeros(len(rows), np.bool_)
        for at in range(0, len(rows), 2048):
            rounded = np.floor(units(rows[at : at + 2048]) / step + salt).astype(np.int64)
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
                seen.update(dict.fromkeys(prints, number))
                found[number] = max(votes.values(), default=0) >= matches
        return Judged(flagged=found, bytes=16 * len(seen))

    return judge
