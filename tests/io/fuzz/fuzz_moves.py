"""Mutations of files: bits, lengths, cuts, repeated and spliced parts, and those that know a format."""

import gzip
import io
import re
import struct
import time
import zipfile
import zlib

import nibabel as nib
from fuzz_elements import LENGTHS, TEXTS, is_dicom, mutated_elements
from fuzz_seeds import zipped

MOST = 64 * 2**10  # bytes of a mutated file
_NUMBER = re.compile(rb"-?\d+(\.\d+)?")
_FIELDS = [
    [(d.fields[name][1], d.fields[name][0]) for name in d.names]
    for d in (nib.Nifti1Header.template_dtype, nib.Nifti2Header.template_dtype)
]


def mutated(data, chance, others):
    """One to four changes to a file.

    Args:
        data: A file.
        chance: A `random.Random`.
        others: Files that may lend parts.
    """
    for _ in range(chance.choice([1, 1, 1, 2, 2, 3, 4])):
        data = _changed(data, chance, chance.choice(others))[:MOST]
    return data


def _changed(data, chance, other):
    if not data:
        return other[: chance.randrange(1, 400)]
    special = next((move for known, move in _SPECIAL if known(data)), None)
    if special is not None and chance.random() < 0.7:
        return special(data, chance, other)
    return chance.choice(_MOVES)(data, chance, other)


def _flip(data, chance, _other):
    found = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 8])):
        found[_at(data, chance)] ^= 1 << chance.randrange(8)
    return bytes(found)


def _at(data, chance):
    """A place in a file; the beginning, where headers are, more often."""
    return chance.randrange(min(len(data), chance.choice([64, 512, len(data)])))


def _byte(data, chance, _other):
    at = _at(data, chance)
    return (
        data[:at] + bytes([chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])]) + data[at + 1 :]
    )


def _length(data, chance, _other):
    form = chance.choice(["<H", ">H", "<L", ">L", "<Q", ">Q"])
    size, at = struct.calcsize(form), _at(data, chance)
    value = chance.choice([*LENGTHS, len(data), len(data) - at, len(data) * 2, 2**63]) % 2 ** (8 * size)
    return data[:at] + struct.pack(form, value) + data[at + size :]


def _cut(data, chance, _other):
    return data[: chance.randrange(len(data))]


def _hole(data, chance, _other):
    at = _at(data, chance)
    return data[:at] + data[at + chance.choice([1, 2, 4, 16, 200]) :]


def _repeat(data, chance, _other):
    at = _at(data, chance)
    part = data[at : at + chance.choice([1, 2, 8, 40, 300])]
    return data[:at] + part * chance.choice([2, 3, 30, 1000]) + data[at + len(part) :]


def _splice(data, chance, other):
    at, begin = _at(data, chance), _at(other, chance) if other else 0
    return data[:at] + other[begin : begin + chance.choice([4, 16, 100, 2000])] + data[at:]


def _join(data, chance, other):
    return data[: _at(data, chance)] + other[_at(other, chance) if other else 0 :]


def _digits(data, chance, _other):
    """A number that is written as text becomes another."""
    found = list(_NUMBER.finditer(data[:4096]))
    if not found:
        return data
    match = chance.choice(found)
    return data[: match.start()] + chance.choice(TEXTS).encode("latin-1", "replace") + data[match.end() :]


_MOVES = (_flip, _flip, _byte, _length, _length, _cut, _hole, _repeat, _splice, _join, _digits)


def _inside_zip(data, chance, other):
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {i.filename: archive.read(i) for i in archive.infolist() if i.file_size < MOST}
    except Exception:  # noqa: BLE001  (zipfile has a dozen)
        return _flip(data, chance, other)
    if not members:
        return data
    name = chance.choice(sorted(members))
    move = chance.random()
    if move < 0.8:
        members[name] = _changed(members[name], chance, other)
    elif move < 0.9:
        members[chance.choice(["../out", "/etc/x", "a\\b", "DICOMDIR", "x" * 300, "\u00e9", "a.mhd"])] = other
    else:
        members.pop(name)
    return zipped(members, chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))


def _inside_gzip(data, chance, other):
    try:
        inside = zlib.decompressobj(31).decompress(data, MOST)
    except zlib.error:
        return _flip(data, chance, other)
    return gzip.compress(_changed(inside, chance, other), 1, mtime=0)


def _nifti(data, chance, _other):
    """A field of the header becomes a number that nobody expects."""
    fields = _FIELDS[data[:2] == b"\x1c\x02" or data[2:4] == b"\x02\x1c"]
    at, dtype = chance.choice(fields)
    size = dtype.base.itemsize
    at += size * chance.randrange(max(1, dtype.itemsize // size))
    if dtype.base.kind == "f":
        value = struct.pack(
            {4: "<f", 8: "<d"}[size], chance.choice([0, -1, float("nan"), float("inf"), 1e30, 1e-38, 0.5])
        )
    else:
        value = struct.pack("<Q", chance.choice([*LENGTHS, chance.randrange(64), 2**62]))[:size]
    return data[:at] + value + data[at + size :]


def _lines(data, chance, other):
    """A line of a header in text is changed, dropped or repeated."""
    end = max(data.find(b"\n\n"), data.find(b"LOCAL")) + 6
    lines = data[:end].split(b"\n")
    n = chance.randrange(len(lines))
    move = chance.choice(["number", "drop", "copy", "value", "swap"])
    if move == "number":
        lines[n] = _digits(lines[n] or b"0", chance, other)
    elif move == "drop":
        lines.pop(n)
    elif move == "copy":
        lines.insert(chance.randrange(len(lines)), lines[n])
    elif move == "value":
        mark = b"=" if b"=" in lines[n] else b":"
        lines[n] = (
            lines[n].partition(mark)[0] + mark + b" " + chance.choice(TEXTS).encode("latin-1", "replace")
        )
    else:
        lines[n] = (
            lines[n].replace(b"raw", b"gzip").replace(b"short", chance.choice([b"double", b"block", b"int8"]))
        )
    return b"\n".join(lines) + data[end:]


def _png(data, chance, other):
    """A chunk is changed, and its checksum made right again."""
    chunks, at = [], 8
    while at + 12 <= len(data):
        (size,) = struct.unpack_from(">L", data, at)
        chunks.append(data[at + 4 : at + 8 + size])
        at += 12 + size
    if not chunks:
        return data
    n = chance.randrange(len(chunks))
    move = chance.random()
    if move < 0.6 and len(chunks[n]) > 4:
        chunks[n] = chunks[n][:4] + chance.choice(_MOVES)(chunks[n][4:], chance, other)
    elif move < 0.8:
        chunks.insert(n, chance.choice(chunks))
    else:
        chunks.pop(n)
    packed = (
        struct.pack(">L", len(c) - 4) + c + struct.pack(">L", zlib.crc32(c)) for c in chunks if len(c) >= 4
    )
    return data[:8] + b"".join(packed)


def _tiff(data, chance, _other):
    """A field of the first directory becomes another."""
    if len(data) < 16:
        return data
    big = data[2:3] == b"+"
    at = struct.unpack_from("<Q" if big else "<L", data, 8 if big else 4)[0]
    size, skip = (20, 8) if big else (12, 2)
    if at + skip + size > len(data):
        return data
    count = max(1, min(struct.unpack_from("<H", data, at)[0], 40))
    entry = at + skip + size * chance.randrange(count)
    part = chance.choice([(0, 2), (2, 2), (4, 8 if big else 4), (size - 8 if big else 8, 4)])
    where = entry + part[0]
    value = struct.pack("<Q", chance.choice([*LENGTHS, chance.randrange(40), chance.randrange(250, 350)]))[
        : part[1]
    ]
    return data[:where] + value + data[where + part[1] :]


_SPECIAL = (
    (lambda d: d.startswith(b"PK\x03\x04"), _inside_zip),
    (lambda d: d.startswith(b"\x1f\x8b"), _inside_gzip),
    (is_dicom, mutated_elements),
    (lambda d: d[344:347] in (b"n+1", b"ni1") or d[4:7] == b"n+2", _nifti),
    (lambda d: d.startswith((b"NRRD", b"ObjectType", b"NDims")), _lines),
    (lambda d: d.startswith(b"\x89PNG"), _png),
    (lambda d: d[:4] in (b"II*\0", b"II+\0"), _tiff),
)


def minimised(data, outcome, read, seconds=30.0):
    """A smaller file that fails in the same way.

    Args:
        data: A file that fails.
        outcome: How.
        read: Gives the outcome of a file.
        seconds: How long it is tried.
    """
    end, size = time.monotonic() + seconds, len(data) // 2
    while size > 3 and time.monotonic() < end:
        at = 0
        while at < len(data) and time.monotonic() < end:
            smaller = data[:at] + data[at + size :]
            found = read(smaller)
            if (found.kind, found.where) == (outcome.kind, outcome.where):
                data = smaller
            else:
                at += size
        size //= 2
    return data
