"""Tallies that are tables, one row a case: they merge exactly, and any resample of them is only a matter of counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.errors import InvalidInput
from skiagraph.findings import Finding
from skiagraph.values import checked_when_unpickled, frozen

__all__ = ["Counts", "Figures", "Table", "Tabular", "joined", "nothing_undefined", "resampler", "stacked"]

F_contra = TypeVar("F_contra", bound=Finding, contravariant=True)

Counts: TypeAlias = NDArray[np.float64]
"""Shape (resamples, rows): how often each row stands in each resample."""

Figures: TypeAlias = Mapping[str, NDArray[np.float64]]
"""By name, shape (resamples,); NaN where a figure is not defined."""


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """What some cases add: a bag of rows of numbers, without an order.

    It takes 8 bytes a number. Its rows are those of single cases: who sends it elsewhere sends scores and errors of
    cases (never their names), not only sums.

    Args:
        columns: What stands in each column, each once.
        rows: float64, shape (rows, columns). NaN where a case has no such value; never infinite.

    Raises:
        InvalidInput: Repeated columns, another shape, or infinity.
    """

    columns: tuple[str, ...]
    rows: NDArray[np.float64]

    def __post_init__(self) -> None:
        rows = frozen(self.rows, np.float64)
        if len(set(self.columns)) != len(self.columns) or rows.ndim != 2:
            raise InvalidInput("a table has rows of named columns, each name once", got=f"{self.columns}")
        if rows.shape[1] != len(self.columns):
            raise InvalidInput(
                f"each row here has {len(self.columns)} numbers", got=f"rows of {rows.shape[1]}"
            )
        if np.isinf(rows).any():
            raise InvalidInput(
                "the numbers of a table are finite, or NaN where there is none", got="infinity"
            )
        object.__setattr__(self, "rows", rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, column: str) -> NDArray[np.float64]:
        """One column, shape (rows,).

        Raises:
            InvalidInput: No such column.
        """
        if column not in self.columns:
            raise InvalidInput("a column is asked for by its name", got=f"{column}, there are {self.columns}")
        values: NDArray[np.float64] = self.rows[:, self.columns.index(column)]
        return values

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Table):
            return NotImplemented
        if (self.columns, len(self)) != (other.columns, len(other)):
            return False
        return np.array_equal(self.rows[self.order()] + 0.0, other.rows[other.order()] + 0.0, equal_nan=True)

    def __hash__(self) -> int:
        return hash((self.columns, (self.rows[self.order()] + 0.0).tobytes()))

    def order(self) -> NDArray[np.intp]:
        """The one order of the rows that does not depend on how they came together, shape (rows,)."""
        return np.lexsort(self.rows.T[::-1]) if self.columns else np.arange(len(self))


def stacked(tables: Sequence[Table]) -> Table:
    """All rows of several tables in one.

    Raises:
        InvalidInput: No table, or tables of different columns.
    """
    kinds = {table.columns for table in tables}
    if len(kinds) != 1:
        raise InvalidInput(
            "tallies that merge have the same columns",
            got=" and ".join(str(sorted(kind)) for kind in sorted(kinds)) or "no tally",
            way_out="state the classes or structures of the metric, and compare like with like",
        )
    return Table(columns=kinds.pop(), rows=np.concatenate([table.rows for table in tables]))


def nothing_undefined(_table: Table, /) -> Mapping[str, int]:
    """Of a metric that has every figure of every case."""
    return {}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Tabular(Generic[F_contra]):
    """A metric made of two functions: what one case adds, and what figures many cases give.

    Merging is exactly associative and commutative: rows are brought into one order before anything is summed.
    The bootstrap needs no more than one call of `figures` on many counts. With functions of a module (and `partial` of
    them) a metric can be sent to other processes.

    Args:
        measure: (prediction, reference) to the rows of one case.
        figures: (table, counts of shape (resamples, rows)) to the figures, each of shape (resamples,). Rows of
            count n give what n equal rows would give.
        undefined: How many rows give nothing to a figure, by its name; names that are missing have none.
    """

    measure: Callable[[F_contra, F_contra], Table]
    figures: Callable[[Table, Counts], Figures]
    undefined: Callable[[Table], Mapping[str, int]] = nothing_undefined

    def tally(self, prediction: F_contra, reference: F_contra, /) -> Table:
        """The rows of one case."""
        return self.measure(prediction, reference)

    def merge(self, a: Table, b: Table, /) -> Table:
        """The rows of both.

        Raises:
            InvalidInput: Tables of different columns.
        """
        return stacked((a, b))

    def summary(self, total: Table, /) -> Mapping[str, float]:
        """The figures of all rows; NaN where one is not defined."""
        ordered = Table(columns=total.columns, rows=total.rows[total.order()])
        found = self.figures(ordered, np.ones((1, len(ordered))))
        return {name: float(values[0]) for name, values in found.items()}


def resampler(
    metric: Tabular[Any], groups: Sequence[Table], most: int = 1 << 22
) -> Callable[[Counts], Figures]:
    """What gives the figures of resamples of groups.

    Args:
        metric: Of the tables.
        groups: One table a group.
        most: Counts that are held at once; more resamples are done in parts.

    Returns:
        A function of how often each group stands in each resample, shape (resamples, groups).
    """
    whole = stacked(groups)
    order = whole.order()
    table = Table(columns=whole.columns, rows=whole.rows[order])
    group = np.repeat(np.arange(len(groups)), [len(t) for t in groups])[order]
    at_once = max(1, most // max(1, len(table)))

    def figures(times: Counts) -> Figures:
        parts = (times[start : start + at_once] for start in range(0, len(times), at_once))
        return joined(metric.figures(table, part[:, group]) for part in parts)

    return figures


def joined(parts: Iterable[Figures]) -> Figures:
    """The figures of some resamples after those of others."""
    every = list(parts)
    return {name: np.concatenate([part[name] for part in every]) for name in every[0]}
