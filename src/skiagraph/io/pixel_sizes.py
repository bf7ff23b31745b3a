"""The pixel sizes of many files, from a table that their user keeps."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skiagraph.errors import FormatError, InvalidInput, MissingInput, NotPermitted

__all__ = ["pixel_size_of_row", "read_pixel_sizes", "rows_of"]


def rows_of(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The rows of a CSV file (UTF-8, comma, first line names the columns), each with its line number.

    Raises:
        MissingInput: No such file.
        NotPermitted: It may not be read.
        FormatError: Not such a file.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, restkey="", restval="", strict=True)
            rows = [(reader.line_num, {k: v.strip() for k, v in row.items() if k}) for row in reader]
    except FileNotFoundError as error:
        raise MissingInput(f"the table {path.name} does not exist", way_out="check the path") from error
    except PermissionError as error:
        raise NotPermitted(f"the table {path.name} may not be read by you") from error
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise FormatError(f"{path.name} is a CSV file in UTF-8", got="something else") from error
    if not rows:
        raise FormatError(
            f"the table {path.name} has a line of column names and at least one row", got="none"
        )
    return rows


def _size(text: str, column: str, where: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise InvalidInput(f"{column} is a positive number of millimetres ({where})", got=repr(text[:40]))
    return number


def pixel_size_of_row(row: Mapping[str, str], where: str) -> tuple[float, float] | None:
    """Millimetres between (rows, columns), as a row states them; None where its columns are empty.

    Args:
        row: By column: pixel_size_mm, or row_mm and column_mm.
        where: File and line, for the message.

    Raises:
        InvalidInput: Not positive numbers, or one of row_mm and column_mm alone.
    """
    if row.get("pixel_size_mm"):
        size = _size(row["pixel_size_mm"], "pixel_size_mm", where)
        return size, size
    parts = [row.get(column, "") for column in ("row_mm", "column_mm")]
    if not any(parts):
        return None
    if not all(parts):
        raise InvalidInput(f"row_mm and column_mm are given together ({where})", got="one of them")
    return _size(parts[0], "row_mm", where), _size(parts[1], "column_mm", where)


def read_pixel_sizes(path: Path | str) -> dict[str, tuple[float, float]]:
    """The pixel size of each file.

    Args:
        path: A CSV file with the columns ``file`` and ``pixel_size_mm``, or ``file``, ``row_mm`` and ``column_mm``.

    Returns:
        mm between (rows, columns), by file name as it stands in the table.

    Raises:
        MissingInput: No such table.
        FormatError: Not such a table.
        InvalidInput: A line that does not hold; the message names it.
    """
    path = Path(path)
    sizes: dict[str, tuple[float, float]] = {}
    for line, row in rows_of(path):
        where = f"{path.name}, line {line}"
        name, size = row.get("file", ""), pixel_size_of_row(row, where)
        if not name or size is None:
            raise InvalidInput(
                f"each line names a file and its pixel_size_mm, or its row_mm and column_mm ({where})",
                got=_had(row),
            )
        if name in sizes:
            raise InvalidInput(f"each file stands in one line ({where})", got=f"{name} again")
        sizes[name] = size
    return sizes


def _had(row: Mapping[str, Any]) -> str:
    return f"columns {', '.join(k for k, v in row.items() if v) or 'none'}"
