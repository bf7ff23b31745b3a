"""From a DICOM object to what the index keeps: what is missing is named, what is too long or none is left out."""

import io

import pytest
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit

from skiagraph.errors import FormatError
from skiagraph.server.archive.headers import describe


def described(data):
    return describe(io.BytesIO(data), len(data))


def test_an_ordinary_slice(made):
    found = described(made(7, StudyDescription="Chest", BodyPartExamined="CHEST", StationName="CT1"))
    assert dict(found.study) == {
        "uid": "1.2.3",
        "patient_id": "P1",
        "patient_name": "Doe^Jane",
        "folded": "=doe^jane=",
        "birth_date": "",
        "sex": "",
        "date": "20260102",
        "time": "101112",
        "number": "",
        "accession": "",
        "description": "Chest",
        "referring": "",
        "referring_folded": "",
        "institution": "",
        "body_part": "CHEST",
    }
    assert dict(found.series) == {
        "uid": "1.2.3.1",
        "modality": "CT",
        "number": 1,
        "description": "",
        "body_part": "CHEST",
        "date": "",
        "time": "",
        "station": "CT1",
    }
    assert found.instance["number"] == 7
    assert (found.instance["rows"], found.instance["columns"], found.instance["frames"]) == (8, 8, None)


@pytest.mark.parametrize("syntax", ["explicit", "implicit"])
def test_native_pixels_are_where_they_are_said_to_be(made, syntax):
    data = made(3)
    if syntax == "implicit":
        ds, buffer = dcmread(io.BytesIO(data)), io.BytesIO()
        ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        ds.save_as(buffer, implicit_vr=True)
        data = buffer.getvalue()
    at = described(data).instance["pixels_at"]
    assert data[at:] == dcmread(io.BytesIO(data)).PixelData


def test_pixels_that_are_packed_or_cut_off_or_missing_have_no_place(made):
    assert described(made(1)[:-10]).instance["pixels_at"] is None
    assert described(made(1, PixelData=None)).instance["pixels_at"] is None
    for syntax in (DeflatedExplicitVRLittleEndian, JPEGBaseline8Bit):
        ds, buffer = dcmread(io.BytesIO(made(1))), io.BytesIO()
        ds.file_meta.TransferSyntaxUID = syntax
        if syntax is JPEGBaseline8Bit:
            ds.PixelData = b"\xfe\xff\x00\xe0\x00\x00\x00\x00\xfe\xff\xdd\xe0\x00\x00\x00\x00"
            ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
        ds.save_as(buffer)
        assert described(buffer.getvalue()).instance["pixels_at"] is None


@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"])
def test_an_object_without_its_identity_is_refused_by_name(made, keyword):
    with pytest.raises(FormatError, match=f"its {keyword}"):
        described(made(1, **{keyword: None}))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "uid",
    [
        "1.2.a",
        "1..2",
        ".1",
        "1.",
        "../../etc",
        "1.2/3",
        "1" * 65,
        "1.2 .3",
        "1.2\\1.3",
        "%2e%2e",
        "'; DROP TABLE",
    ],
)
@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"])
def test_a_uid_of_other_characters_is_refused_and_not_repeated(made, keyword, uid):
    ds, buffer = dcmread(io.BytesIO(made(1))), io.BytesIO()
    ds[keyword]._value = uid
    ds.save_as(buffer)
    with pytest.raises(FormatError, match=f"the {keyword} of an object") as error:
        described(buffer.getvalue())
    assert uid not in str(error.value)


@pytest.mark.parametrize(
    ("keyword", "value", "column", "kept"),
    [
        ("AccessionNumber", "A" * 100, "accession", "A" * 64),
        ("StudyDescription", "a\x07b\x1b[31mc\x00", "description", "ab[31mc"),
        ("StudyDescription", "<script>alert(1)</script>", "description", "<script>alert(1)</script>"),
        ("PatientID", "'; DROP TABLE studies; --", "patient_id", "'; DROP TABLE studies; --"),
        ("StudyDate", "2026.01.02", "date", "20260102"),
        ("StudyDate", "yesterday", "date", ""),
        ("StudyDate", "202601", "date", ""),
        ("StudyTime", "10", "time", "100000"),
        ("StudyTime", "10:11:12", "time", "101112"),
        ("StudyTime", "101112.500000", "time", "101112.5"),
        ("StudyTime", "101112.000000", "time", "101112"),
        ("StudyTime", "noon", "time", ""),
        ("PatientSex", "F", "sex", "F"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_value_of_a_study_as_the_index_keeps_it(made, keyword, value, column, kept):
    ds, buffer = dcmread(io.BytesIO(made(1))), io.BytesIO()
    setattr(ds, keyword, "")
    ds[keyword]._value = value
    ds.save_as(buffer)
    assert described(buffer.getvalue()).study[column] == kept


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_is_too_long_is_cut_for_the_index_alone(made):
    data = made(1, StudyDescription="D" * 5000, PatientName="N" * 5000, Modality="M" * 300)
    found = described(data)
    assert found.study["description"] == "D" * 255
    assert len(found.study["patient_name"]) == len(found.study["folded"]) == 400
    assert found.series["modality"] == "M" * 16
    assert b"D" * 5000 in data


@pytest.mark.parametrize(
    ("number", "kept"),
    [("5", 5), ("-5", -5), ("5.0", 5), ("5.5", None), ("99999999999", None), ("", None), ("x", None)],
)
def test_a_number_that_is_none_is_left_out(made, number, kept):
    ds, buffer = dcmread(io.BytesIO(made(1))), io.BytesIO()
    ds.add_new(0x00200011, "LO", number)  # written as text, read as what the dictionary says
    ds.save_as(buffer)
    assert described(buffer.getvalue()).series["number"] == kept


@pytest.mark.parametrize(
    ("characters", "name", "kept", "folded"),
    [
        ("ISO_IR 100", "Müller^Jörg", "Müller^Jörg", "=muller^jorg="),
        ("ISO_IR 192", "Wang^XiaoDong=王^小東=", "Wang^XiaoDong=王^小東", "=wang^xiaodong=王^小東="),
        ("ISO_IR 144", "Люкceмбypг", "Люкceмбypг", "=люкceмбypг="),
        ("GB18030", "Wang=王", "Wang=王", "=wang=王="),
        ("ISO_IR 100", "Doe^^^^", "Doe^^^^", "=doe="),
    ],
)
def test_names_are_read_in_their_characters_and_folded_for_the_search(made, characters, name, kept, folded):
    study = described(made(1, SpecificCharacterSet=characters, PatientName=name)).study
    assert (study["patient_name"], study["folded"]) == (kept, folded)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "PS3.10"),
        (b"hello" * 100, "PS3.10"),
        (bytes(128) + b"DICM", "transfer syntax|damaged"),
        (bytes(128) + b"DICM" + b"\xff" * 100, "DICOM"),
    ],
)
def test_what_is_no_dicom_file_is_refused(data, rule):
    with pytest.raises(FormatError, match=rule):
        described(data)


def test_any_prefix_of_a_file_is_described_or_refused_without_naming_anybody(made):
    data, refused = made(1), []
    for cut in range(0, len(data), 7):
        try:
            described(data[:cut])
        except FormatError as error:
            refused.append(str(error))
    assert len(refused) > 10
    assert not any("Doe" in sentence for sentence in refused)
