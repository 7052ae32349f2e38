"""Random i.i.d. tables of the kinds that break drift detectors, and the twenty-column table whose delays are quoted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from otel_mlsec.arrays import Floats
from otel_mlsec.observation import text_code

Draw = Callable[[np.random.Generator, int], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A law that rows are drawn from independently."""

    names: tuple[str, ...]
    categorical: tuple[str, ...]  # numeric codes; text columns need no mention
    columns: tuple[Draw, ...]
    n_reference: int

    def rows(self, rng: np.random.Generator, n: int) -> Floats:
        return np.column_stack([draw(rng, n) for draw in self.columns])


def random_table(seed: int) -> Table:
    """Mixed types, heavy tails, ties, zero inflation, near-constant columns, 100,000 levels, missing values, offsets."""
    rng = np.random.default_rng((2026, seed))
    names: list[str] = []
    categorical: list[str] = []
    columns: list[Draw] = []
    for i in range(int(rng.integers(5, 33))):
        kind = KINDS[int(rng.integers(len(KINDS)))]
        draw, is_code = kind(rng)
        names.append(f"{kind.__name__.strip('_')}{i}")
        columns.append(_with_missing(draw, float(rng.choice([0, 0, 0.001, 0.02, 0.3, 0.97]))))
        if is_code:
            categorical.append(names[-1])
    n_reference = int(np.exp(rng.uniform(np.log(2000), np.log(20_000))))
    return Table(names=tuple(names), categorical=tuple(categorical), columns=tuple(columns), n_reference=n_reference)


def _normal(rng: np.random.Generator) -> tuple[Draw, bool]:
    offset, scale = float(rng.choice([0, 0, 1e6, -3e9])), float(10 ** rng.uniform(-3, 3))
    return lambda g, n: offset + scale * g.standard_normal(n), False


def _heavy(rng: np.random.Generator) -> tuple[Draw, bool]:
    df = float(rng.choice([1.0, 1.5, 2.5, 4.0]))
    return lambda g, n: g.standard_t(df, n), False


def _lognormal(rng: np.random.Generator) -> tuple[Draw, bool]:
    sigma = float(rng.uniform(0.5, 3))
    return lambda g, n: np.exp(sigma * g.standard_normal(n)), False


def _ties(rng: np.random.Generator) -> tuple[Draw, bool]:
    step = float(rng.choice([0.1, 0.5, 1.0]))
    return lambda g, n: np.round(g.standard_normal(n) / step) * step, False


def _counts(rng: np.random.Generator) -> tuple[Draw, bool]:
    mean = float(10 ** rng.uniform(-1.5, 2))
    return lambda g, n: g.poisson(mean, n).astype(np.float64), False


def _zeros(rng: np.random.Generator) -> tuple[Draw, bool]:
    zero = float(rng.choice([0.5, 0.9, 0.99, 0.999]))
    return lambda g, n: np.where(g.random(n) < zero, 0.0, g.exponential(1.0, n)), False


def _constant(rng: np.random.Generator) -> tuple[Draw, bool]:
    other = float(10 ** rng.uniform(-4.5, -2))
    return lambda g, n: np.where(g.random(n) < other, 2.0, 1.0), False


def _mixture(rng: np.random.Generator) -> tuple[Draw, bool]:
    far = float(rng.uniform(1, 20))
    return lambda g, n: np.where(g.random(n) < 0.3, far, 0.0) + g.standard_normal(n), False


def _zipf_codes(rng: np.random.Generator) -> tuple[Draw, bool]:
    levels, power = int(10 ** rng.uniform(0.3, 5)), float(rng.uniform(0.5, 2))
    cumulated = np.cumsum(np.arange(1, levels + 1) ** -power)
    return lambda g, n: np.searchsorted(cumulated, g.random(n) * cumulated[-1]).astype(np.float64), True


def _text(rng: np.random.Generator) -> tuple[Draw, bool]:
    levels = int(10 ** rng.uniform(0.3, 4))
    codes = np.array([text_code(f"level {i}") for i in range(levels)])
    cumulated = np.cumsum(rng.dirichlet(np.full(levels, float(rng.choice([0.05, 0.5, 5.0])))))
    return lambda g, n: codes[np.minimum(np.searchsorted(cumulated, g.random(n)), levels - 1)], False


def _boolean(rng: np.random.Generator) -> tuple[Draw, bool]:
    share = float(rng.choice([0.5, 0.1, 0.01, 0.001]))
    return lambda g, n: (g.random(n) < share).astype(np.float64), False


def _with_missing(draw: Draw, share: float) -> Draw:
    return lambda g, n: np.where(g.random(n) < share, np.nan, draw(g, n)) if share else draw(g, n)


KINDS = (_normal, _heavy, _lognormal, _ties, _counts, _zeros, _constant, _mixture, _zipf_codes, _text, _boolean)

MAIN_CATEGORICAL = ("x16", "x17", "x18", "x19")
N_MAIN = 20


def main_table(rng: np.random.Generator, n: int, noise: Floats | None = None) -> Floats:
    """Two independent normals, six that share a factor, three lognormals, two of Student's t, an exponential, a bimodal, a
    uniform with 2 % missing, and categories of 2, 5, 20 and 1000 levels: twenty columns, x0 … x19."""
    z = rng.standard_normal((n, 12)) if noise is None else noise
    x = np.empty((n, N_MAIN))
    x[:, :2] = z[:, :2]
    x[:, 2:8] = np.sqrt(0.5) * (z[:, 2:8] + z[:, 8:9])
    x[:, 8:11] = np.exp(z[:, 9:12])
    x[:, 11:13] = rng.standard_t(3, (n, 2))
    x[:, 13] = rng.standard_exponential(n)
    x[:, 14] = np.where(rng.random(n) < 0.5, -2.0, 2.0) + rng.standard_normal(n)
    x[:, 15] = np.where(rng.random(n) < 0.02, np.nan, rng.random(n))
    x[:, 16] = rng.random(n) < 0.3
    for column, weights in ((17, [40, 30, 15, 10, 5]), (18, 1 / np.arange(1, 21)), (19, 1 / np.arange(1, 1001))):
        cumulated = np.cumsum(weights)
        x[:, column] = np.searchsorted(cumulated, rng.random(n) * cumulated[-1])
    return x


def autoregressive(rng: np.random.Generator, n: int, phi: float, k: int = 12) -> Floats:
    """(n, k) standard normal AR(1) series."""
    z = rng.standard_normal((n, k))
    scale = np.sqrt(1 - phi * phi)
    for i in range(1, n):
        z[i] = phi * z[i - 1] + scale * z[i]
    return z


def _moved(x: Floats, by: float) -> None:
    x[:, 0] += by


def _recoded(x: Floats, rng: np.random.Generator, share: float) -> None:
    x[(x[:, 17] == 0) & (rng.random(len(x)) < share / 0.4), 17] = 4


def changed(x: Floats, scenario: str, rng: np.random.Generator) -> Floats:
    """Rows of the main table after one of the changes of `SCENARIOS`, in place."""
    n = len(x)
    match scenario.split():
        case ["mean", size]:
            _moved(x, float(size))
        case ["spread", size]:
            x[:, 0] *= float(size)
        case ["category", share]:
            _recoded(x, rng, float(share))
        case ["new-level", share]:
            x[rng.random(n) < float(share), 17] = 77.0
        case ["missing", share]:
            x[rng.random(n) < float(share), 15] = np.nan
        case ["contaminated", share]:
            bad = rng.random(n) < float(share)
            x[bad, 0] = 6 + rng.standard_normal(int(bad.sum()))
        case ["correlation", size]:
            x[:, 1] = float(size) * x[:, 0] + np.sqrt(1 - float(size) ** 2) * x[:, 1]
        case _:
            raise ValueError(f"scenario must be one of {SCENARIOS}, got {scenario!r}")
    return x


SCENARIOS = (
    "mean 0.1", "mean 0.25", "mean 0.5", "mean 1.0", "spread 1.5", "spread 0.7", "category 0.10", "new-level 0.01",
    "missing 0.04", "missing 0.15", "contaminated 0.01", "contaminated 0.05", "correlation 0.5",
)  # fmt: skip
