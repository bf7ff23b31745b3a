"""Mutations that know the elements of DICOM: lengths, VRs and values are changed, parts repeated, moved and put in."""

import re
import struct
import zlib
from functools import cache
from pathlib import Path

from pydicom.datadict import dictionary_VR, keyword_dict
from pydicom.uid import UID_dictionary

import skiagraph

DEFLATED = b"1.2.840.10008.1.2.1.99"
_LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
_SHORT = {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH"}
_SHORT |= {b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US"}
_NUMBERS = {
    "US": "<H",
    "SS": "<h",
    "UL": "<L",
    "SL": "<l",
    "FL": "<f",
    "FD": "<d",
    "AT": "<L",
    "SV": "<q",
    "UV": "<Q",
}
LENGTHS = [
    0,
    1,
    2,
    3,
    7,
    8,
    255,
    256,
    0x7FFF,
    0xFFFE,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFE,
    0xFFFFFFFF,
]
FLOATS = [0.0, -1.0, 0.5, 1e-38, 3e38, float("nan"), float("inf")]
TEXTS = [
    "",
    " ",
    "\\",
    "0",
    "-0",
    "1",
    "-1",
    "2",
    "1.5",
    "nan",
    "inf",
    "-inf",
    "1e308",
    "-1e308",
    "1e-320",
    "1e9",
]
TEXTS += ["65536", "2147483648", "99999999999999999999999", "1\\2", "1\\0\\0\\0\\1\\0", "0\\0\\0\\0\\0\\0"]
TEXTS += [
    "1\\1\\1\\1\\1\\1",
    "3\\nan",
    "1\\" * 60 + "1",
    "abc",
    "[/]",
    "[bold]",
    "\0",
    "..",
    "../../x",
    "a\nb",
]
TEXTS += [
    "20269999",
    "19000101",
    "999999.9999999",
    "240000",
    "20260101000000.000000&9999",
    "1000Y",
    "^^^^",
    "=",
]
TEXTS += ["ISO 2022 IR 87", "ISO_IR 192", "GB18030", "\\ISO 2022 IR 149", "nonsense", "x" * 300, "\x1b$B\x1b"]
_DEEP = (3, 40, 400, 3000)


@cache
def keywords():
    """Keywords of DICOM that the code of reading names, so that what it learns to read is mutated too."""
    return sorted(_in_code(r"\b[A-Z][A-Za-z0-9]+\b") & set(keyword_dict))


@cache
def words():
    """Values that the code compares with."""
    return sorted({w.strip('"') for w in _in_code(r'"[A-Z][A-Z0-9_ ]+"')}) + list(UID_dictionary)[:400]


def _in_code(pattern):
    folder = Path(skiagraph.__file__).parent / "io" / "dicom"
    return {word for path in sorted(folder.glob("*.py")) for word in re.findall(pattern, path.read_text())}


def is_dicom(data):
    return data[128:132] == b"DICM"


def mutated_elements(data, chance, other):
    """One change to one element, wherever it lies; other is another file that may lend an element."""
    if DEFLATED in data[:400] and chance.random() < 0.8:
        return _repacked(data, chance, other)
    found = _walked(data, 132)
    if not found:
        return data
    start, begin, end, vr = chance.choice(found)
    move = chance.choice(
        ["value", "value", "value", "length", "vr", "drop", "copy", "put", "put", "lend", "deepen"]
    )
    whole = data[start:end]
    if move == "value":
        return data[:start] + _element(whole[:4], vr, _value(vr.decode("latin-1"), chance)) + data[end:]
    if move == "length":
        size = 4 if begin - start == 12 else 2
        stated = struct.pack("<L", chance.choice(LENGTHS) ^ chance.choice([0, 0, 1, 2]))[:size]
        return data[: begin - size] + stated + data[begin:]
    if move == "vr":
        code = chance.choice([*sorted(_LONG | _SHORT), b"??", b"\0\0"])
        return data[: start + 4] + code + data[start + 6 :]
    if move == "drop":
        return data[:start] + data[end:]
    if move == "copy":
        at = chance.choice(found)[0]
        return data[:at] + whole * chance.choice([1, 1, 2, 50]) + data[at:]
    if move == "put":
        keyword = chance.choice(keywords())
        return data[:start] + _made(keyword, chance) + data[start:]
    if move == "lend" and is_dicom(other):
        lent = chance.choice(_walked(other, 132) or [(0, 0, 0, b"")])
        return data[:start] + other[lent[0] : lent[2]] + data[start:]
    return data[:start] + _nested(chance.choice(_DEEP)) + data[start:]


def _repacked(data, chance, other):
    end = next((s for s, *_ in _walked(data, 132, most=0xFFFF0002) if data[s : s + 2] != b"\x02\x00"), None)
    at = 144 + struct.unpack_from("<L", data, 140)[0] if end is None else end
    try:
        inside = zlib.decompressobj(-15).decompress(data[at:], 2**20)
    except zlib.error:
        return data
    changed = mutated_elements(bytes(128) + b"DICM" + inside, chance, other)[132:]
    packer = zlib.compressobj(wbits=-15)
    return data[:at] + packer.compress(changed) + packer.flush()


def _walked(data, at, most=None):
    """Begin, begin of the value, end and VR of each explicit element, also of those inside of open sequences."""
    found = []
    while at + 8 <= len(data):
        code = data[at + 4 : at + 6]
        if data[at : at + 2] == b"\xfe\xff":  # items and their ends
            at += 8
            continue
        if code in _LONG and at + 12 <= len(data):
            begin, length = at + 12, struct.unpack_from("<L", data, at + 8)[0]
        elif code in _SHORT:
            begin, length = at + 8, struct.unpack_from("<H", data, at + 6)[0]
        elif most is None and data[132:134] == b"\x02\x00":  # implicit
            begin, length = at + 8, struct.unpack_from("<L", data, at + 4)[0]
        else:
            break
        end = begin if length == 0xFFFFFFFF else begin + length
        if end > len(data):
            break
        found.append((at, begin, end, code if code in _LONG | _SHORT else b""))
        at = end
    return found


def _element(tag, vr, value):
    if not vr:
        return tag + struct.pack("<L", len(value)) + value
    if vr in _LONG:
        return tag + vr + b"\0\0" + struct.pack("<L", len(value)) + value
    return tag + vr + struct.pack("<H", len(value) & 0xFFFF) + value[:0xFFFF]


def _made(keyword, chance):
    number, vr = keyword_dict[keyword], dictionary_VR(keyword_dict[keyword])[:2]
    tag = struct.pack("<HH", number >> 16, number & 0xFFFF)
    if vr == "SQ":
        inside = b"".join(_made(chance.choice(keywords()), chance) for _ in range(chance.randrange(3)))
        item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + inside + b"\xfe\xff\x0d\xe0\0\0\0\0"
        head = tag + b"SQ\0\0\xff\xff\xff\xff"
        return head + item * chance.choice([0, 1, 1, 2, 5]) + b"\xfe\xff\xdd\xe0\0\0\0\0"
    return _element(tag, vr.encode(), _value(vr, chance))


def _value(vr, chance):
    form = _NUMBERS.get(vr)
    if form is not None:
        size = struct.calcsize(form)
        many = chance.choice([0, 1, 1, 1, 2, 3, 6, 16])
        return b"".join(_number(form, size, chance) for _ in range(many))
    if vr in ("OB", "OW", "UN", "OF", "OD", ""):
        return chance.randbytes(chance.choice([0, 1, 2, 6, 8, 32, 512]))
    pool = words() if vr in ("CS", "UI", "LO", "SH") and chance.random() < 0.7 else TEXTS
    text = "\\".join(chance.choice(pool) for _ in range(chance.choice([1, 1, 1, 2, 3])))
    data = text.encode("latin-1", "replace")
    return data + b" " * (len(data) % 2)


def _number(form, size, chance):
    if form in ("<f", "<d"):
        return struct.pack(
            "<d" if size == 8 else "<f",
            chance.choice([0.0, -1.0, 1e-30, 3e38, float("nan"), float("inf"), 0.5]),
        )
    return struct.pack("<Q", chance.choice([*LENGTHS, chance.randrange(40)]))[:size]


def _nested(depth):
    begin = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    return begin * depth + (b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0") * depth
