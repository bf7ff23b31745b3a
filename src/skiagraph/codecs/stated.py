"""What coded pictures state of themselves, read before a decoder may take their word for it."""

from __future__ import annotations

import struct
from typing import Final, TypeAlias

__all__ = ["ANY", "UNSTATED", "Claim", "j2k_claim", "jpeg_claim", "xl_claim"]

Claim: TypeAlias = tuple[int, int, int, int]
"""Rows, columns, samples, bits of a sample."""
UNSTATED: Final[Claim] = (0, 0, 0, 0)
"""What no decoder may be given, for it would take any size from what follows."""
ANY: Final = 64
"""Samples or bits, where a coding states them too deep inside to look."""
_MOST_TILES: Final = 65535  # of a JPEG 2000 picture
_XL_RATIOS: Final = ((0, 1), (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


def jpeg_claim(data: bytes) -> Claim:
    """The frame header of JPEG (ITU-T T.81 B.2.2) and JPEG-LS (T.87 C.2.2)."""
    at = 2
    while at + 9 < len(data):
        if data[at] != 0xFF:
            return UNSTATED
        mark = data[at + 1]
        if mark == 0xFF:
            at += 1
            continue
        if mark == 0xF7 or (0xC0 <= mark <= 0xCF and mark not in (0xC4, 0xC8, 0xCC)):
            precision, rows, columns, samples = struct.unpack_from(">BHHB", data, at + 4)
            return rows, columns, samples, precision
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return UNSTATED


def j2k_claim(data: bytes) -> Claim:
    """The SIZ marker of JPEG 2000 (ITU-T T.800 A.5.1), which may lie in a box."""
    at = data.find(b"\xff\x4f\xff\x51", 0, 4096)
    if at < 0 or len(data) < at + 45:
        return UNSTATED
    right, bottom, left, top, *tiles = struct.unpack_from(">8L", data, at + 8)
    if not _tiled(right, left, tiles[0], tiles[2]) or not _tiled(bottom, top, tiles[1], tiles[3]):
        return UNSTATED
    samples, precision = struct.unpack_from(">HB", data, at + 40)
    return bottom - top, right - left, samples, (precision & 0x7F) + 1


def xl_claim(data: bytes) -> Claim:
    """The size header of JPEG XL (ISO/IEC 18181-1 D.2), which may lie in a box; it comes before samples and bits."""
    at = max(data.find(b"jxlc", 0, 4096) + 4, data.find(b"jxlp", 0, 4096) + 8) if data[:1] == b"\0" else 0
    if data[at : at + 2] != b"\xff\x0a":
        return UNSTATED
    bits = int.from_bytes(data[at + 2 : at + 14], "little")

    def taken(count: int) -> int:
        nonlocal bits
        value, bits = bits & ((1 << count) - 1), bits >> count
        return value

    eighths = taken(1)
    rows = 8 * (taken(5) + 1) if eighths else taken((9, 13, 18, 30)[taken(2)]) + 1
    across, down = _XL_RATIOS[taken(3)]
    if across:
        columns = rows * across // down
    else:
        columns = 8 * (taken(5) + 1) if eighths else taken((9, 13, 18, 30)[taken(2)]) + 1
    return rows, columns, ANY, ANY


def _tiled(end: int, begin: int, step: int, first: int) -> bool:
    """Whether tiles cover a picture along one axis as ITU-T T.800 B.3 has it, and in a bearable number."""
    return first <= begin < first + step and begin < end and (end - first) // step < _MOST_TILES
