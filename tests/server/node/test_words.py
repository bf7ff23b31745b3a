"""The words of the receiving side against other implementations: requests, commands, storage classes, data sets."""

import io

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import UID, ExplicitVRBigEndian, JPEG2000Lossless
from pynetdicom import sop_class
from pynetdicom.dsutils import decode
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ
from senders import CT, EXPLICIT, IMPLICIT, body_of, slice_of

from skiagraph.errors import FormatError
from skiagraph.interchange import envelope
from skiagraph.server.node.association import stores
from skiagraph.server.node.command import answer, command_of, pieces
from skiagraph.server.node.part10 import file_head
from skiagraph.server.node.pdu import IMPLEMENTATION, Turned, accepted, rejected, request_of
from skiagraph.server.node.walk import Walk

STORAGE = {*sop_class._STORAGE_CLASSES.values(), *sop_class._NON_PATIENT_OBJECT_CLASSES.values()}
OTHERS = {
    str(uid)
    for name, table in vars(sop_class).items()
    if name.endswith("_CLASSES") and isinstance(table, dict) and name != "_SERVICE_CLASSES"
    for uid in table.values()
} - STORAGE


@pytest.mark.parametrize("uid", sorted(STORAGE))
def test_every_storage_class_is_taken(uid):
    assert stores(uid)


@pytest.mark.parametrize("uid", sorted(OTHERS))
def test_no_other_service_is_taken_for_storage(uid):
    assert not stores(uid)


@pytest.mark.parametrize(
    ("uid", "taken"), [("1.3.12.2.1107.5.9.1", True), ("", False), ("../x", False), ("1" * 65, False)]
)
def test_private_classes_are_taken_and_what_is_no_uid_is_not(uid, taken):
    assert stores(uid) is taken


def test_files_name_the_same_implementation_as_results_of_ours():
    assert IMPLEMENTATION == envelope.IMPLEMENTATION


def test_the_head_of_a_file_is_read_by_pydicom():
    ds = slice_of("1.2.3", 4)
    found = dcmread(io.BytesIO(file_head(CT, ds.SOPInstanceUID, EXPLICIT) + body_of(ds)))
    assert found == ds
    assert found.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID
    assert "SourceApplicationEntityTitle" not in found.file_meta


def test_answers_to_requests_are_read_by_pynetdicom():
    from pynetdicom.pdu import A_ASSOCIATE_RQ
    from pynetdicom.pdu_primitives import (
        A_ASSOCIATE,
        ImplementationClassUIDNotification,
        MaximumLengthNotification,
    )
    from pynetdicom.presentation import build_context

    wanted = A_ASSOCIATE()
    wanted.application_context_name = "1.2.840.10008.3.1.1.1"
    wanted.calling_ae_title, wanted.called_ae_title = "SENDER", "SKIAGRAPH"
    longest, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    longest.maximum_length_received, implementation.implementation_class_uid = 4096, UID("1.2.3")
    wanted.user_information = [longest, implementation]
    one = build_context(CT, [EXPLICIT, IMPLICIT])
    one.context_id = 1
    wanted.presentation_context_definition_list = [one]
    unit = A_ASSOCIATE_RQ()
    unit.from_primitive(wanted)
    request = request_of(unit.encode()[6:])
    assert (request.calling, request.called, request.known, request.longest) == (
        "SENDER",
        "SKIAGRAPH",
        True,
        4096,
    )
    assert [(o.id, o.abstract, o.transfers) for o in request.offers] == [(1, CT, (EXPLICIT, IMPLICIT))]
    said = A_ASSOCIATE_AC()
    said.decode(accepted(request, [(1, 0, IMPLICIT)], ""))
    assert said.presentation_context[0].result == 0
    assert said.presentation_context[0].transfer_syntax == IMPLICIT
    assert said.user_information.maximum_length == 128 * 1024
    turned = A_ASSOCIATE_RJ()
    turned.decode(rejected(Turned(result=1, source=1, reason=3, sentence="")))
    assert turned.reason_str == "Calling AE title not recognised"


@pytest.mark.parametrize("body", [b"", bytes(67), bytes(68) + b"\x20\0\xff\xff", bytes(68) + b"\x20\0\0\1\1"])
def test_requests_that_are_cut_off_are_refused(body):
    with pytest.raises(FormatError, match=r"request|context"):
        request_of(body)


def test_answers_to_commands_are_read_by_pydicom():
    fields = {0x0002: CT.encode() + b"\0", 0x0100: b"\1\0", 0x0110: b"\7\0", 0x1000: b"1.2.3\0"}
    said = decode(io.BytesIO(answer(fields, 0xA700, "no room")), is_implicit_vr=True, is_little_endian=True)
    assert (said.CommandField, said.MessageIDBeingRespondedTo, said.Status) == (0x8001, 7, 0xA700)
    assert (said.AffectedSOPInstanceUID, said.ErrorComment, said.CommandDataSetType) == (
        "1.2.3",
        "no room",
        0x0101,
    )


def test_an_answer_is_cut_into_units_that_its_reader_takes():
    units = pieces(3, bytes(1000), 300)
    lengths, at = [], 0
    while at < len(units):
        length = int.from_bytes(units[at + 2 : at + 6], "big")
        lengths.append(length)
        at += 6 + length
    assert max(lengths) <= 300
    assert sum(lengths) == 1000 + 6 * len(lengths)


@pytest.mark.parametrize("data", [b"\0\0", b"\0\0\0\1\xff\0\0\0", b"\2\0\0\1\0\0\0\0"])
def test_commands_that_are_cut_off_or_of_another_group_are_refused(data):
    with pytest.raises(FormatError, match="command set"):
        command_of(data)


def nested(syntax: str) -> bytes:
    """A data set with sequences of known and unknown length, encoded."""
    ds = slice_of("1.2.3", 1, side=2)
    inner = Dataset()
    inner.StudyInstanceUID, inner.SOPInstanceUID, inner.CodeMeaning = "9.9", "9.8", "x"
    outer = Dataset()
    outer.RequestAttributesSequence = [inner, inner]
    ds.ReferencedStudySequence = [outer, Dataset()]
    ds.ProcedureCodeSequence = [outer]
    ds["ProcedureCodeSequence"].is_undefined_length = True
    ds.ProcedureCodeSequence[0].is_undefined_length_sequence_item = True
    ds.file_meta.TransferSyntaxUID = syntax
    if syntax == JPEG2000Lossless:
        ds.PixelData = encapsulate([b"\xff\x4f" * 8, b"\xff\x4f" * 3])
        ds["PixelData"].is_undefined_length = True
        ds["PixelData"].VR = "OB"
    if syntax == ExplicitVRBigEndian:
        ds["PixelData"].VR = "OW"
    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = syntax != ExplicitVRBigEndian, syntax == IMPLICIT
    write_dataset(stream, ds)
    return stream.getvalue()


SYNTAXES = [IMPLICIT, EXPLICIT, str(ExplicitVRBigEndian), str(JPEG2000Lossless)]


@pytest.mark.parametrize("size", [1, 3, 7, 64, 10_000])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_whole_data_set_is_followed_to_its_end_in_pieces_of_any_size(syntax, size):
    data, walk = nested(syntax), Walk(syntax)
    for at in range(0, len(data), size):
        walk.feed(memoryview(data)[at : at + size])
    assert not walk.cut()
    assert (walk.study, walk.instance) == ("1.2.3", slice_of("1.2.3", 1).SOPInstanceUID)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_data_set_that_ends_within_an_element_or_a_sequence_is_seen(syntax):
    data = nested(syntax)
    whole = dcmread(io.BytesIO(file_head(CT, "1.2", syntax) + data))
    seen = []
    for end in range(len(data) - 1):
        walk = Walk(syntax)
        walk.feed(memoryview(data)[:end])
        if not walk.cut():
            seen.append(end)
    top = len(whole)
    assert len(seen) < top  # only where an element of the data set itself ends
    for end in seen:
        assert (
            dcmread(io.BytesIO(file_head(CT, "1.2", syntax) + data[:end])).SOPInstanceUID
            == whole.SOPInstanceUID
        )


@pytest.mark.parametrize(
    "syntax", ["1.2.840.10008.1.2.1.99", "1.3.12.2.1107.5.9.2", "1.2.840.10008.1.2.4.95"]
)
def test_what_nobody_understands_is_not_judged(syntax):
    walk = Walk(syntax)
    walk.feed(memoryview(b"\1\2\3"))
    assert not walk.cut()
