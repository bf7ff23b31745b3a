"""Texts and names in every specific character set: the examples of the standard by byte, and wrong statements."""

import io
import warnings

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import ExplicitVRLittleEndian

from skiagraph.io.dicom.text import PersonName, person_name, words_of

NAME, DESCRIPTION, CHARSET = "0010 0010", "0008 103E", "0008 0005"


def header(charset, *, name=b"", description=b""):
    """A header as it comes from a file, with the bytes as they are given."""
    body = io.BytesIO()
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = (
        ExplicitVRLittleEndian,
        "1.2.840.10008.5.1.4.1.1.7",
        "1.2.3",
    )
    body.write(b"\0" * 128 + b"DICM")
    write_file_meta_info(body, meta, enforce_standard=True)
    elements = [(CHARSET, b"CS", charset), (DESCRIPTION, b"LO", description), (NAME, b"PN", name)]
    for tag, vr, value in sorted(elements):
        if value is not None:
            group, element = (int(part, 16).to_bytes(2, "little") for part in tag.split())
            padded = value + b" " * (len(value) % 2)
            body.write(group + element + vr + len(padded).to_bytes(2, "little") + padded)
    body.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(body)


# PS3.5 annexes H to K, as they print the bytes.
EXAMPLES = {
    "H.3.1 ISO 2022 IR 87": (
        b"\\ISO 2022 IR 87",
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        ("Yamada^Tarou", "山田^太郎", "やまだ^たろう"),
    ),
    "H.3.2 ISO 2022 IR 13 and 87": (
        b"ISO 2022 IR 13\\ISO 2022 IR 87",
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
        ("ﾔﾏﾀﾞ^ﾀﾛｳ", "山田^太郎", "やまだ^たろう"),
    ),
    "I.2 ISO 2022 IR 149": (
        b"\\ISO 2022 IR 149",
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
        ("Hong^Gildong", "洪^吉洞", "홍^길동"),
    ),
    "J.1 ISO_IR 192": (
        b"ISO_IR 192",
        b"Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe6\x9d\xb1=",
        ("Wang^XiaoDong", "王^小東", ""),
    ),
    "J.2 GB18030": (
        b"GB18030",
        b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=",
        ("Wang^XiaoDong", "王^小东", ""),
    ),
    "J.4 GBK": (b"GBK", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", ("Wang^XiaoDong", "王^小东", "")),
    "K.2 ISO 2022 IR 58": (
        b"\\ISO 2022 IR 58",
        b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
        ("Zhang^XiaoDong", "张^小东", ""),
    ),
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_names_of_the_standard_are_read_as_it_prints_them(example):
    charset, raw, (alphabetic, ideographic, phonetic) = EXAMPLES[example]
    assert person_name(header(charset, name=raw)) == PersonName(
        alphabetic=alphabetic, ideographic=ideographic, phonetic=phonetic
    )


def test_lines_of_korean_switch_back_at_each_end_of_line():
    raw = (
        b"\x1b$)CThe 1st line includes \xb1\xe6\xb5\xbf.\r\n"
        b"\x1b$)CThe 2nd line includes \xb1\xe6\xb5\xbf, too.\r\nThe 3rd line."
    )
    assert words_of(header(b"\\ISO 2022 IR 149", description=raw), "SeriesDescription").text == (
        "The 1st line includes 길동.\r\nThe 2nd line includes 길동, too.\r\nThe 3rd line."
    )


def test_lines_of_chinese_switch_back_at_each_end_of_line():
    raw = (
        b"1.\x1b$)A\xb5\xda\xd2\xbb\xd0\xd0\xce\xc4\xd7\xd6\xa1\xa3\r\n2.\x1b$)A\xb5\xda\xb6\xfe\xd0\xd0\r\n"
    )
    said = words_of(header(b"\\ISO 2022 IR 58", description=raw), "SeriesDescription")
    assert said.text == "1.第一行文字。\r\n2.第二行\r\n"


SINGLE = [
    ("ISO_IR 100", "latin_1", "Äneas^Rüdiger", "Buc^Jérôme"),
    ("ISO_IR 101", "iso8859_2", "Wałęsa^Łukasz", "Dvořák^Jiří"),
    ("ISO_IR 109", "iso8859_3", "Ĵuliano^Ġorġ", "Ĉapek^Ŝi"),
    ("ISO_IR 110", "iso8859_4", "Bērziņš^Jānis", "Šķēle^Ūdre"),
    ("ISO_IR 144", "iso8859_5", "Люкceмбypг^Иван", "Толстой^Лев"),
    ("ISO_IR 127", "iso8859_6", "قباني^لنزار", "نجيب^محفوظ"),
    ("ISO_IR 126", "iso8859_7", "Διονυσιος^Ελύτης", "Σεφέρης^Γιώργος"),
    ("ISO_IR 138", "iso8859_8", "שרון^דבורה", "עגנון^שמואל"),
    ("ISO_IR 148", "iso8859_9", "Çavuşoğlu^İbrahim", "Şahin^Işık"),
    ("ISO_IR 203", "iso8859_15", "Œuvrard^Žofie", "Šœur^€"),
    ("ISO_IR 166", "iso8859_11", "นามสกุล^ชื่อ", "สมชาย^ใจดี"),
    ("ISO_IR 13", "shift_jis", "ﾔﾏﾀﾞ^ﾀﾛｳ", "ｽｽﾞｷ^ｲﾁﾛｰ"),
    ("ISO_IR 192", "utf_8", "王^小东", "Đặng^Thị😀"),
    ("GB18030", "gb18030", "王^小东", "㐀^𠀀"),
    ("GBK", "gbk", "王^小東", "朱^镕基"),
    ("ISO 2022 GBK", "gbk", "王^小東", "朱^镕基"),
]


@pytest.mark.parametrize(("charset", "codec", "one", "other"), SINGLE)
def test_names_in_each_character_set_without_extensions(charset, codec, one, other):
    for name in (one, other):
        found = person_name(header(charset.encode(), name=name.encode(codec)))
        assert found == PersonName(alphabetic=name)


EXTENDED = [
    (b"\\ISO 2022 IR 100", b"\x1b-ABuc^\x1b-AJ\xe9r\xf4me", "Buc^Jérôme"),
    (b"\\ISO 2022 IR 101", b"\x1b-BWa\xb3\xeasa", "Wałęsa"),
    (b"\\ISO 2022 IR 144", b"\x1b-L\xbb\xee\xda", "Люк"),
    (b"\\ISO 2022 IR 127", b"\x1b-G\xe2\xc8\xc7\xe6\xea", "قباني"),
    (b"\\ISO 2022 IR 126", b"\x1b-F\xc4\xe9\xef", "Διο"),
    (b"\\ISO 2022 IR 138", b"\x1b-H\xf9\xf8\xe5\xef", "שרון"),
    (b"\\ISO 2022 IR 148", b"\x1b-M\xc7avu\xfeo\xf0lu", "Çavuşoğlu"),
    (b"\\ISO 2022 IR 166", b"\x1b-T\xb9\xd2\xc1", "นาม"),
    (b"\\ISO 2022 IR 203", b"\x1b-b\xbcuvre", "Œuvre"),
    (b"\\ISO 2022 IR 159", "丂".encode("iso2022_jp_2"), "丂"),
    (b"\\ISO 2022 IR 87", b"\x1b$B$^$^\x1b(B^\x1b$B$_\x1b(B", "まま^み"),
    # Greek and Cyrillic and Japanese in one name, and G1 that stays while G0 changes.
    (
        b"ISO 2022 IR 100\\ISO 2022 IR 144\\ISO 2022 IR 126",
        b"\xc4neas^\x1b-L\xbb\xee\xda^\x1b-F\xc4\xe9\xef",
        "Äneas^Люк^Διο",
    ),
    (b"\\ISO 2022 IR 149\\ISO 2022 IR 87", b"\x1b$)C\xc8\xab\x1b$B;3\x1b(B\xc8\xab", "홍山홍"),
]


@pytest.mark.parametrize(("charset", "raw", "name"), EXTENDED)
def test_names_with_code_extensions(charset, raw, name):
    found = person_name(header(charset, name=raw))
    assert found is not None
    assert (found.alphabetic, found.problem) == (name, None)


def test_a_second_byte_that_looks_like_a_separator_separates_nothing():
    # In GB18030 the second byte of 俓 is the caret, in JIS X 0208 the first of 弐 is one.
    assert person_name(header(b"GB18030", name="俓^一".encode("gb18030"))) == PersonName(alphabetic="俓^一")
    caret = "弐".encode("iso2022_jp")
    assert b"^" in caret or b"F" in caret
    assert person_name(header(b"\\ISO 2022 IR 87", name=caret)).alphabetic == "弐"


WRONG = [
    (None, "王^小东".encode(), "王^小东", "UTF-8"),
    (b"", "王^小东".encode(), "王^小东", "UTF-8"),
    (None, "王^小东".encode("gb2312"), "王^小东", "GB 2312"),
    (None, "朱^镕基".encode("gb18030"), "朱^镕基", "GB 18030"),
    (None, "Müller^Jürgen".encode("latin_1"), "Müller^Jürgen", "Latin-1"),
    (b"ISO_IR 100", "Müller".encode(), "Müller", "UTF-8"),
    (b"ISO_IR 192", "王^小东".encode("gb18030"), "王^小东", "not in the stated utf_8"),
    (b"ISO_IR 192", "Müller".encode("latin_1"), "Müller", "Latin-1"),
    (b"GB18030", "Müller^Zoë".encode("latin_1") + b"\xff", "Müller^Zoëÿ", "Latin-1"),
    (b"ISO-IR 100", "Müller".encode("latin_1"), "Müller", "ISO-IR 100"),
    (b"ISO 100", "Müller".encode("latin_1"), "Müller", "ISO 100"),
    (b"UTF-8", "王".encode(), "王", "UTF-8"),
    (b"gb18030", "王".encode("gb18030"), "王", "gb18030"),
    (b"KLINGON", "王".encode(), "王", "UTF-8"),
    (b"ISO_IR 999", "Müller".encode("latin_1"), "Müller", "Latin-1"),
    (None, b"\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B", "山田^太郎", None),
]


@pytest.mark.parametrize(("charset", "raw", "name", "said"), WRONG)
def test_a_character_set_that_is_missing_or_wrong_is_supposed_and_said(charset, raw, name, said):
    found = person_name(header(charset, name=raw))
    assert found.alphabetic == name
    assert said is None or said in found.problem
    assert name not in (found.problem or "")


def test_plain_letters_need_no_words_about_a_character_set():
    assert person_name(header(b"KLINGON", name=b"Doe^Jane")) == PersonName(alphabetic="Doe^Jane")


def test_a_name_that_is_missing_or_empty_is_none():
    assert person_name(header(b"ISO_IR 100", name=None)) is None
    assert person_name(header(b"ISO_IR 100", name=b"")) is None
    assert person_name(Dataset()) is None
    assert words_of(Dataset(), "SeriesDescription").text == ""


def test_what_somebody_looked_at_before_is_read_the_same():
    for charset, raw, parts in EXAMPLES.values():
        seen = header(charset, name=raw)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            str(seen.PatientName)
        found = person_name(seen)
        assert (found.alphabetic, found.ideographic, found.phonetic) == parts
    seen = header(None, description="胸部".encode("gb2312"))
    assert seen.SeriesDescription
    assert words_of(seen, "SeriesDescription").text == "胸部"


def test_a_header_made_in_memory_gives_what_was_put_in():
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 192"
    made.PatientName, made.SeriesDescription = "Wang^XiaoDong=王^小东=", "胸部"
    assert str(person_name(made)) == "Wang^XiaoDong=王^小东"
    assert words_of(made, "SeriesDescription").text == "胸部"


def test_several_descriptions_stay_apart():
    made = header(b"ISO_IR 192", description="胸部\\脑".encode())
    assert words_of(made, "SeriesDescription").text == "胸部\\脑"


@given(
    raw=st.binary(max_size=60),
    charset=st.sampled_from([None, *(row[0].encode() for row in SINGLE), b"\\ISO 2022 IR 87"]),
)
def test_any_bytes_become_some_text(raw, charset):
    found = words_of(header(charset, description=raw), "SeriesDescription")
    assert isinstance(found.text, str)
