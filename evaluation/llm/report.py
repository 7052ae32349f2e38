"""How an evaluation is printed: tables, each under a line that says what was asked."""

from __future__ import annotations

from math import sqrt

from rich.console import Console
from rich.table import Table

out = Console(width=118)


def table(title: str, *columns: str) -> Table:
    """Title and columns, the first of which is text; the title is printed at once, the table when it is full."""
    out.print(f"\n[italic]{title}[/italic]", highlight=False)
    made = Table(header_style="bold", box=None, pad_edge=False)
    for i, column in enumerate(columns):
        made.add_column(column, justify="left" if i == 0 else "right")
    return made


def upper(k: int, n: int) -> float:
    """One-sided 95 % bound of a share of which k in n were seen (Wilson 1927)."""
    z = 1.645
    p = k / n
    return (p + z * z / (2 * n) + z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n)
