"""Texts and names of DICOM in every specific character set; where a file states none, or a wrong one, that is said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, final

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.valuerep import PersonName as RawName

__all__ = ["PersonName", "Words", "person_name", "words_of"]

# Code element G1 by number of its ISO registration (DICOM PS3.3 C.12.1.1.2, tables C.12-2 to C.12-4).
_SETS: Final[Mapping[str, str]] = {
    "6": "ascii",
    "100": "latin_1",
    "101": "iso8859_2",
    "109": "iso8859_3",
    "110": "iso8859_4",
    "144": "iso8859_5",
    "127": "iso8859_6",
    "126": "iso8859_7",
    "138": "iso8859_8",
    "148": "iso8859_9",
    "203": "iso8859_15",
    "166": "iso8859_11",
    "13": "shift_jis",
    "149": "euc_kr",
    "58": "gb2312",
    "87": "ascii",
    "159": "ascii",
    "192": "utf_8",
}
_WHOLE: Final[Mapping[str, str]] = {"GB18030": "gb18030", "GBK": "gbk", "ISO 2022 GBK": "gbk"}
_NUMBERED: Final = re.compile(r"ISO[ _-]?(?:2022[ _-]?)?(?:IR)?[ _-]?(\d+)", re.IGNORECASE)
_UTF8: Final = re.compile(r"(ISO_IR 192|UTF[-_ ]?8)", re.IGNORECASE)
_LATIN: Final = frozenset(
    {"ascii", "latin_1", "iso8859_2", "iso8859_3", "iso8859_4", "iso8859_9", "iso8859_15"}
)

# What an escape sequence designates: code element, codec, and what Python wants before the bytes (PS3.5 6.1.2.5).
_ESCAPE: Final = 0x1B
_DESIGNATED: Final[Mapping[bytes, tuple[int, str, bytes]]] = {
    b"(B": (0, "ascii", b""),
    b"(J": (0, "ascii", b""),
    b"$B": (0, "iso2022_jp", b"\x1b$B"),
    b"$@": (0, "iso2022_jp", b"\x1b$@"),
    b"$(D": (0, "iso2022_jp_2", b"\x1b$(D"),
    b")I": (1, "shift_jis", b""),
    b"$)C": (1, "euc_kr", b""),
    b"$)A": (1, "gb2312", b""),
    b"-A": (1, "latin_1", b""),
    b"-B": (1, "iso8859_2", b""),
    b"-C": (1, "iso8859_3", b""),
    b"-D": (1, "iso8859_4", b""),
    b"-L": (1, "iso8859_5", b""),
    b"-G": (1, "iso8859_6", b""),
    b"-F": (1, "iso8859_7", b""),
    b"-H": (1, "iso8859_8", b""),
    b"-M": (1, "iso8859_9", b""),
    b"-b": (1, "iso8859_15", b""),
    b"-T": (1, "iso8859_11", b""),
}
_GUESSES: Final = (("utf_8", "UTF-8"), ("gb2312", "Chinese (GB 2312)"), ("gb18030", "Chinese (GB 18030)"))
_HAN: Final = re.compile(r"[\u4e00-\u9fff]+")
_PARTS: Final = re.compile(r"[\^=\\ ]+")
_NAME_ENDS: Final = frozenset(b"^=\\\t\n\f\r")
_TEXT_ENDS: Final = frozenset(b"\\\t\n\f\r")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A text, and what had to be supposed to read it.

    Args:
        text: Without padding; empty where the header has none. Several values are joined by a backslash.
        problem: One sentence, which tells nothing of the text; None where all was stated.
    """

    text: str
    problem: str | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PersonName:
    """The three spellings of one name, each as ``family^given^middle^prefix^suffix`` (DICOM PS3.5 6.2.1).

    Args:
        alphabetic: In letters.
        ideographic: In Chinese characters, Hanja or Kanji.
        phonetic: In Hangul or Kana.
        problem: As for `Words`.
    """

    alphabetic: str
    ideographic: str = ""
    phonetic: str = ""
    problem: str | None = None

    def __str__(self) -> str:
        return f"{self.alphabetic}={self.ideographic}={self.phonetic}".rstrip("=")


def person_name(header: Dataset, keyword: str = "PatientName") -> PersonName | None:
    """A person's name in its spellings; None where the header has none. Of several names the first.

    Source: DICOM PS3.5 6.2.1 and annexes H to K.
    """
    words = words_of(header, keyword)
    if not words.text:
        return None
    groups = [group.strip().rstrip("^") for group in words.text.split("\\")[0].split("=")] + ["", ""]
    return PersonName(alphabetic=groups[0], ideographic=groups[1], phonetic=groups[2], problem=words.problem)


def words_of(header: Dataset, keyword: str) -> Words:
    """The text of an element in the character set that the header states.

    Args:
        header: As it was read; elements that nobody looked at yet are decoded from their bytes.
        keyword: Of an element with value representation LO, LT, PN, SH, ST, UC or UT.

    Source: DICOM PS3.3 C.12.1.1.2; PS3.5 6.1.
    """
    raw = _raw(header, keyword)
    if isinstance(raw, str):
        return Words(text=raw.strip(" \0"))
    if not _beyond_ascii(raw):
        return Words(text=raw.decode("ascii").strip(" \0"))  # the same in every character set
    sets, problem = _stated(header)
    text, said = _decoded(raw, sets, _NAME_ENDS if _is_name(header, keyword) else _TEXT_ENDS)
    return Words(text=text.strip(" \0"), problem=said or (problem if _beyond_ascii(raw) else None))


def _is_name(header: Dataset, keyword: str) -> bool:
    return header.get_item(keyword, keep_deferred=True).VR in ("PN", None)


def _raw(header: Dataset, keyword: str) -> bytes | str:
    """The bytes of an element, where they are still to be had; else the text that somebody decoded before."""
    if keyword not in header:
        return ""
    element = header.get_item(keyword, keep_deferred=True)
    value = element.value
    if isinstance(element, RawDataElement):
        return bytes(element.value or b"")
    if isinstance(value, RawName):
        return value.original_string or str(value)
    if value is None:
        return ""
    text = str(value) if isinstance(value, str) else "\\".join(str(part) for part in value)
    # Where no character set was stated it was taken for Latin-1, from which the bytes come back.
    unstated = not any(_names(header))
    return text.encode("latin_1") if unstated and not text.isascii() and max(text) <= "\xff" else text


def _stated(header: Dataset) -> tuple[tuple[str, ...], str | None]:
    """The codecs that a header states, the first of them for what comes before any escape sequence."""
    found, unknown = [], []
    for name in (part.strip(" \0") for part in _names(header)):
        codec, exact = _codec(name)
        found.append(codec or "ascii")
        if not exact:
            unknown.append(name if codec is None else f"{name} (read as {codec})")
    said = (
        f"It states a character set that the standard does not know: {', '.join(unknown)}."
        if unknown
        else None
    )
    return tuple(found) or ("ascii",), said


def _names(header: Dataset) -> list[str]:
    """The values of SpecificCharacterSet, as they stand in the file."""
    if "SpecificCharacterSet" not in header:
        return []
    value = header.get_item("SpecificCharacterSet", keep_deferred=True).value
    if isinstance(value, bytes):
        return value.decode("latin_1").split("\\")
    return [value] if isinstance(value, str) else [str(part) for part in value or ()]


def _codec(name: str) -> tuple[str | None, bool]:
    """Python's codec of a specific character set, and whether it is spelled as the standard spells it."""
    if not name:
        return "ascii", True
    if name.upper() in _WHOLE:
        return _WHOLE[name.upper()], name in _WHOLE
    if _UTF8.fullmatch(name):
        return "utf_8", name == "ISO_IR 192"
    match = _NUMBERED.fullmatch(name)
    codec = _SETS.get(match[1]) if match else None
    return codec, match is not None and name in (f"ISO_IR {match[1]}", f"ISO 2022 IR {match[1]}")


def _beyond_ascii(raw: bytes) -> bool:
    return not raw.isascii() or b"\x1b" in raw or b"\x7f" in raw


def _decoded(raw: bytes, sets: tuple[str, ...], ends: frozenset[int]) -> tuple[str, str | None]:
    """The text of some bytes, and what had to be supposed."""
    first = sets[0]
    try:
        if first in ("utf_8", "gb18030", "gbk"):
            return raw.decode(first), None
        text = "".join(_switched(raw, first, ends))
    except UnicodeError:
        return _supposed(raw, first)
    if first in _LATIN and _ESCAPE not in raw and not text.isascii():
        # Letters with accents practically never happen to be well-formed UTF-8.
        try:
            return raw.decode(
                "utf_8"
            ), f"Its texts are UTF-8, although its character set is stated as {first}."
        except UnicodeError:
            pass
    return text, None


def _supposed(raw: bytes, first: str) -> tuple[str, str]:
    """What bytes most likely say that the stated character set does not hold."""
    stated = "no character set is stated" if first == "ascii" else f"they are not in the stated {first}"
    for codec, name in _GUESSES:
        try:
            text = raw.decode(codec)
        except UnicodeError:
            continue
        if codec != "gb18030" or all(part.isascii() or _HAN.fullmatch(part) for part in _PARTS.split(text)):
            return text, f"Its texts were taken for {name}: {stated}."
    return raw.decode("latin_1"), f"Its texts were taken for Latin-1: {stated}."


def _switched(raw: bytes, first: str, ends: frozenset[int]) -> Iterator[str]:
    """Decodes with code extensions: low bytes in code element G0, high ones in G1; each end brings back the first."""
    start: list[tuple[str, bytes]] = [("ascii", b""), (first, b"")]
    state = list(start)
    run, at = bytearray(), 0
    element = 0
    while at < len(raw):
        byte = raw[at]
        if byte == _ESCAPE:
            yield _run(run, *state[element])
            element_set, codec, lead, at = _designation(raw, at)
            state[element_set] = (codec, lead)
            continue
        wanted = int(byte > 0x7F)
        if wanted != element:
            yield _run(run, *state[element])
            element = wanted
        run.append(byte)
        at += 1
        # In a set of two bytes the second may look like an end; the standard has it switched off before one.
        if byte in ends and not state[0][1]:
            yield _run(run, *state[element])
            state = list(start)
    yield _run(run, *state[element])


def _designation(raw: bytes, at: int) -> tuple[int, str, bytes, int]:
    for length in (3, 2):
        found = _DESIGNATED.get(raw[at + 1 : at + 1 + length])
        if found is not None:
            return *found, at + 1 + length
    raise UnicodeDecodeError("iso2022", raw, at, at + 1, "unknown escape sequence")


def _run(run: bytearray, codec: str, lead: bytes) -> str:
    """Decodes and empties a run of bytes of one code element."""
    text = (lead + bytes(run)).decode(codec) if run else ""
    run.clear()
    return text
