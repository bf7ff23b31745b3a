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

_TIFF = [1, 2, 3, 4, 5, 7, 8, 32773, 34712, 34925, 50000, 50002]  # packings
_TIFF += [256, 257, 258, 273, 279, 322, 323, 324, 325, 330, 32997, 32998, 34665, 50838, 50839]  # tags


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
    """A field of a directory becomes another."""
    order, big = "<" if data[:2] == b"II" else ">", data[2:4] in (b"+\0", b"\0+")
    places = _directories(data, order, big=big)
    if not places:
        return data
    place, count = chance.choice(places)
    skip, size, word = (8, 20, "Q") if big else (2, 12, "L")
    at, form = chance.choice([(0, "H"), (2, "H"), (4, word), (size - struct.calcsize(order + word), word)])
    where = place + skip + size * chance.randrange(count) + at
    form = struct.Struct(order + form)
    values = [
        *LENGTHS,
        len(data),
        len(data) // 2,
        2**63,
        place,
        chance.randrange(40),
        chance.randrange(250, 350),
    ]
    value = chance.choice([*values, *_TIFF]) % 2 ** (8 * form.size)
    return data[:where] + form.pack(value) + data[where + form.size :]


def _directories(data, order, *, big):
    """Place and number of entries of the directories of a TIFF that follow one another, 20 at most."""
    word, count, skip, size = ("Q", "Q", 8, 20) if big else ("L", "H", 2, 12)
    found, place = {}, 8 if big else 4
    while len(found) < 20 and place + 8 <= len(data):
        (at,) = struct.unpack_from(order + word, data, place)
        if at in found or not 8 <= at <= len(data) - 8:
            break
        (entries,) = struct.unpack_from(order + count, data, at)
        if not 0 < entries <= (len(data) - at - skip) // size:
            break
        found[at] = entries
        place = at + skip + size * entries
    return list(found.items())


_SPECIAL = (
    (lambda d: d.startswith(b"PK\x03\x04"), _inside_zip),
    (lambda d: d.startswith(b"\x1f\x8b"), _inside_gzip),
    (is_dicom, mutated_elements),
    (lambda d: d[344:347] in (b"n+1", b"ni1") or d[4:7] == b"n+2", _nifti),
    (lambda d: d.startswith((b"NRRD", b"ObjectType", b"NDims")), _lines),
    (lambda d: d.startswith(b"\x89PNG"), _png),
    (lambda d: d[:4] in (b"II*\0", b"II+\0", b"MM\0*", b"MM\0+"), _tiff),
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
