"""Lookup tables of a header: where each begins, what it holds, and values sent through it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.io.dicom.attributes import big_endian, numbers, raw, table_of
from skiagraph.values import checked_when_unpickled, frozen

__all__ = ["LookupTable", "indices", "lookup_table", "wrapped"]


@final
@checked_when_unpickled
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LookupTable:
    """A table from whole numbers to whole numbers.

    Args:
        first: The input that has entry 0; everything below has it too, everything beyond the end has the last.
        bits: Of an entry, by its descriptor.
        entries: Shape (n,), uint16.
        explanation: What its maker says that it is for; may be empty.
    """

    first: int
    bits: int
    entries: NDArray[np.uint16]
    explanation: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "entries", frozen(self.entries, np.uint16))


def lookup_table(item: Dataset, header: Dataset, *, signed: bool) -> LookupTable | None:
    """The table in an item of Modality LUT Sequence or VOI LUT Sequence; None where it is not whole.

    Args:
        item: Has LUTDescriptor, LUTData and perhaps LUTExplanation.
        header: The object, for the order of its bytes.
        signed: Whether the inputs of the table may be negative.

    Source: DICOM PS3.3 C.11.1.1.1 and C.11.2.1.1.
    """
    descriptor = numbers(item, "LUTDescriptor")
    if len(descriptor) != 3:
        return None
    count, first, bits = (int(v) for v in descriptor)
    entries = table_of(item, "LUTData", bits=bits, swapped=big_endian(header))
    if len(entries) < (count % 65536 or 65536) or not 1 <= bits <= 16:
        return None
    explanation = str(raw(item, "LUTExplanation") or "")
    return LookupTable(
        first=wrapped(first, signed=signed), bits=bits, entries=entries, explanation=explanation
    )


def wrapped(value: int, *, signed: bool) -> int:
    """A number of 16 bits whose type (US or SS) a file or its reader got wrong, as the one that is meant."""
    if signed:
        return (value + 0x8000) % 0x10000 - 0x8000
    return value % 0x10000


def indices(values: NDArray[Any], first: int, count: int) -> NDArray[np.intp]:
    """Which entry of a table each value has: shape of `values`, 0 to `count` - 1."""
    whole = values if values.dtype.kind in "iu" else np.rint(values)
    return np.clip(whole.astype(np.int64) - first, 0, count - 1).astype(np.intp)
