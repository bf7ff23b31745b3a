"""What all objects share: patient and study of their source, whatever it lacks, and UIDs that follow from content."""

import dataclasses
from datetime import UTC, datetime

import numpy as np
import pytest

from skiagraph.case import Instance, Origin
from skiagraph.codes import HEAD, Code
from skiagraph.errors import FormatError, InvalidInput
from skiagraph.geometry.frame import check_frame
from skiagraph.interchange.coded import code_of, coded
from skiagraph.interchange.envelope import begun, decimal, place_in_frame, sealed
from skiagraph.interchange.identity import SKIAGRAPH, Algorithm, Content, Series
from skiagraph.interchange.object import DicomObject, Tail, dataset_of, encoded, save
from skiagraph.interchange.remainder import remember, remembered

CREATED = datetime(2026, 3, 4, 23, 30, 5, 123456, tzinfo=UTC)
CONTENT = Content(description="Test", created=CREATED, algorithm=Algorithm(name="net", version="1"))
SERIES = Series(number=9, description="Result")
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
HEADER = {
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Wang^XiaoDong", "Ideographic": "王^小东"}]},
    "00100020": {"vr": "LO", "Value": ["4711"]},
    "00100040": {"vr": "CS", "Value": ["F"]},
    "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
    "0020000E": {"vr": "UI", "Value": ["1.2.3.4"]},
    "00080060": {"vr": "CS", "Value": ["CT"]},
    "00200011": {"vr": "IS", "Value": ["5"]},
}


def origin(**changed):
    header = {tag: entry for tag, entry in (HEADER | changed).items() if entry is not None}
    instance = Instance(sop_class_uid="1.2.840.10008.5.1.4.1.1.2", sop_instance_uid="1.2.3.4.5")
    return Origin(header=header, instances=(instance,), frames=np.array([[[0, 1]]], np.int32))


def start(where=None, **changed):
    return begun(CAPTURE, "OT", where or origin(), SKIAGRAPH, SERIES, dataclasses.replace(CONTENT, **changed))


def test_patient_and_study_are_those_of_the_source_and_the_series_is_ours():
    ds = dataset_of(sealed(start()))
    assert ds.PatientName.ideographic == "王^小东"
    assert (ds.PatientID, ds.PatientSex, ds.StudyInstanceUID) == ("4711", "F", "1.2.3")
    assert (ds.Modality, ds.SeriesNumber, ds.SeriesDescription) == ("OT", 9, "Result")
    assert ds.SeriesInstanceUID not in ("", "1.2.3.4")
    assert ds.SpecificCharacterSet == "ISO_IR 192"
    assert (ds.Manufacturer, ds.ContentDate) == ("Skiagraph", "20260304")


def test_an_empty_header_is_filled_as_the_standard_allows():
    bare = dataclasses.replace(origin(), header={})
    ds = dataset_of(sealed(start(bare)))
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime"):
        assert keyword in ds
        assert not ds[keyword].value
    check_frame(ds.StudyInstanceUID)
    assert ds.StudyInstanceUID == dataset_of(sealed(start(bare))).StudyInstanceUID


BROKEN = {
    "a date that is none": ("00100030", {"vr": "DA", "Value": ["1970-13-99"]}, "PatientBirthDate"),
    "a sex that the standard does not know": ("00100040", {"vr": "CS", "Value": ["unbekannt"]}, "PatientSex"),
    "a UID with letters": ("0020000D", {"vr": "UI", "Value": ["1.2.x"]}, "StudyInstanceUID"),
    "a text that is too long": ("00080050", {"vr": "SH", "Value": ["A" * 80]}, "AccessionNumber"),
    "a number that is none": ("00101030", {"vr": "DS", "Value": ["heavy"]}, "PatientWeight"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_value_of_its_kind_is_never_handed_on(name):
    tag, entry, keyword = BROKEN[name]
    ds = dataset_of(sealed(start(origin(**{tag: entry}))))
    assert str(ds.get(keyword) or "") not in entry["Value"]


def test_the_same_content_is_the_same_object_and_other_content_another():
    assert encoded(sealed(start())) == encoded(sealed(start()))
    once, other = sealed(start()), start()
    other.DerivationDescription = "other"
    assert sealed(other).sop_instance_uid != once.sop_instance_uid
    assert sealed(start()).header.SeriesInstanceUID == once.header.SeriesInstanceUID


def test_a_tail_counts_for_the_identity_and_is_streamed_behind_the_header(tmp_path):
    element = b"\xe0\x7f\x10\x00OW\0\0\x04\0\0\0"  # pixel data of four bytes

    def tailed(data):
        return sealed(start(), Tail(chunks=lambda: [element, data], digest=data.hex()))

    one, two = tailed(b"abcd"), tailed(b"efgh")
    assert one.sop_instance_uid != two.sop_instance_uid
    assert dataset_of(one).PixelData == b"abcd"
    save(one, tmp_path / "one.dcm")
    assert (tmp_path / "one.dcm").read_bytes() == encoded(one)


def series_of(**changed):
    equipment = changed.pop("equipment", SKIAGRAPH)
    frame = changed.pop("frame", "")
    ds = begun(CAPTURE, "OT", origin(), equipment, SERIES, dataclasses.replace(CONTENT, **changed))
    if frame:
        place_in_frame(ds, frame)
    return sealed(ds).header.SeriesInstanceUID


@pytest.mark.parametrize(
    "other",
    [
        {"algorithm": Algorithm(name="other net", version="1")},
        {"algorithm": Algorithm(name="net", version="2")},
        {"algorithm": Algorithm(name="net", version="1", digest="ab")},
        {"algorithm": None},
        {"equipment": dataclasses.replace(SKIAGRAPH, serial_number="2")},
        {"created": datetime(2026, 3, 4, 23, 30, 6, tzinfo=UTC)},
        {"frame": "1.2.3.4.9"},
    ],
)
def test_what_another_algorithm_or_device_made_at_the_same_time_or_in_another_frame_is_another_series(other):
    assert series_of(**other) != series_of()


def test_objects_of_one_series_have_numbers_of_their_own():
    first, second = sealed(start(number=1)), sealed(start(number=2))
    assert first.header.SeriesInstanceUID == second.header.SeriesInstanceUID
    assert (first.header.InstanceNumber, second.header.InstanceNumber) == (1, 2)
    assert first.sop_instance_uid != second.sop_instance_uid


@pytest.mark.parametrize(
    ("modality", "part", "side", "said"),
    [
        ("OT", "KNEE", "L", ("KNEE", "L")),
        ("OT", "KNEE", None, ("KNEE", "")),
        ("OT", "CHEST", "L", ("CHEST", None)),
        ("OT", None, None, (None, "")),
        ("SEG", "KNEE", "R", ("KNEE", None)),
        ("SR", "KNEE", "R", (None, None)),
    ],
)
def test_the_part_of_the_body_and_its_side_go_along_where_a_series_says_them(modality, part, side, said):
    words = {"00180015": part, "00200060": side}
    where = origin(**{tag: {"vr": "CS", "Value": [word]} for tag, word in words.items() if word})
    ds = begun(CAPTURE, modality, where, SKIAGRAPH, SERIES, CONTENT)
    assert (ds.get("BodyPartExamined"), ds.get("Laterality")) == said


def test_every_object_names_the_algorithm_that_made_it():
    (item,) = dataset_of(sealed(start(algorithm=Algorithm(name="a\\b", version="1", digest="ab")))).get(
        "ContributingEquipmentSequence"
    )
    assert (item.ManufacturerModelName, item.SoftwareVersions) == ("a/b", "1")
    assert item.ContributionDescription.endswith("ab")


def test_times_are_told_in_the_zone_of_the_source():
    ds = dataset_of(sealed(start(origin(**{"00080201": {"vr": "SH", "Value": ["+0800"]}}))))
    assert (ds.ContentDate, ds.ContentTime) == ("20260305", "073005.123456")


def test_an_object_does_not_show_its_patient():
    assert "4711" not in repr(sealed(start()))
    assert isinstance(sealed(start()), DicomObject)


@pytest.mark.parametrize(
    "value", [0.0, -0.0, 1.0, 1 / 3, -1 / 3, 1e-7, -1.23456789012345e-7, 123456.789012345678, -1e22]
)
def test_a_decimal_string_has_sixteen_characters_at_most_and_is_as_near_as_they_allow(value):
    text = decimal(value)
    assert len(text) <= 16
    assert float(text) == pytest.approx(value, rel=1e-8, abs=1e-300)


def test_codes_come_back_and_entries_without_one_are_refused():
    assert code_of(coded(HEAD)) == HEAD
    assert coded(Code(value="x", scheme="99TEST")).CodeMeaning == "x"
    entry = coded(HEAD)
    entry.LongCodeValue = entry.CodeValue
    del entry.CodeValue
    assert code_of(entry) == HEAD
    del entry.LongCodeValue
    with pytest.raises(InvalidInput, match="a value and a scheme"):
        code_of(entry)


def test_the_remainder_comes_back_and_that_of_others_is_empty():
    ds = start()
    assert remembered(ds) == {}
    remember(ds, {"confidence": [0.1, None], "words": "头"})
    again = remembered(dataset_of(sealed(ds)))
    assert (again["confidence"], again["words"]) == ([0.1, None], "头")


def test_a_damaged_remainder_is_refused():
    ds = start()
    remember(ds, {})
    ds.private_block(0x0009, "SKIAGRAPH")[0x01].value = "{"
    with pytest.raises(FormatError, match="damaged"):
        remembered(ds)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Content(description=" ", created=CREATED), "named"),
        (lambda: Content(description="a", created=datetime(2026, 1, 1)), "time zone"),  # noqa: DTZ001
        (lambda: dataclasses.replace(CONTENT, number=0), "numbered from 1"),
        (lambda: Series(number=-1, description="a"), "whole number"),
        (lambda: Algorithm(name="", version="1"), "named"),
    ],
)
def test_the_small_values_check_themselves(make, said):
    with pytest.raises(InvalidInput, match=said):
        make()
