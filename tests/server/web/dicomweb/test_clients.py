"""A client of others over a real connection asks everything that DICOMweb says, and all that is stored comes back."""

import io
import itertools
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless

sys.path.insert(0, str(Path(__file__).parent))

from dicom_objects import CT, OBJECTS, OTHER, SIDE, STUDY


def same(got, uid):
    """All elements that were stored, with their values."""
    stored = pydicom.dcmread(io.BytesIO(OBJECTS[uid]))
    return got == stored and got.file_meta.TransferSyntaxUID == stored.file_meta.TransferSyntaxUID


def test_what_is_stored_is_found_and_comes_back_as_it_was(served):
    client = served.client
    answer = client.store_instances([pydicom.dcmread(io.BytesIO(data)) for data in OBJECTS.values()])
    assert sorted(item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence) == sorted(OBJECTS)
    assert "FailedSOPSequence" not in answer
    assert [one["0020000D"]["Value"] for one in client.search_for_studies()] == [[STUDY]]
    found = client.retrieve_study(STUDY)
    assert len(found) == len(OBJECTS)
    assert all(same(ds, str(ds.SOPInstanceUID)) for ds in found)


@pytest.mark.both_databases
def test_all_six_searches_answer(filled):
    client = filled.client
    assert client.search_for_studies(search_filters={"PatientID": "P1"})[0]["00201208"]["Value"] == [10]
    assert len(client.search_for_series()) == 2
    assert len(client.search_for_series(STUDY, search_filters={"SeriesNumber": 1})) == 1
    assert len(client.search_for_instances()) == 10
    assert len(client.search_for_instances(STUDY)) == 10
    assert len(client.search_for_instances(STUDY, CT, fields=["RescaleType"], limit=2)) == 2
    assert client.search_for_studies(search_filters={"PatientID": "P2"}) == []
    assert len(client.search_for_instances(STUDY, limit=3, get_remaining=True)) == 10


def test_series_and_instances_come_alone_and_as_streams(filled):
    client = filled.client
    assert sorted(ds.SOPInstanceUID for ds in client.retrieve_series(STUDY, CT)) == [
        f"{CT}.{n}" for n in range(1, 6)
    ]
    assert sum(1 for _ in client.iter_series(STUDY, OTHER)) == 5
    assert same(client.retrieve_instance(STUDY, CT, f"{CT}.3"), f"{CT}.3")


def test_metadata_say_what_the_objects_say(filled):
    client = filled.client
    assert len(client.retrieve_study_metadata(STUDY)) == 10
    assert len(client.retrieve_series_metadata(STUDY, CT)) == 5
    said = client.retrieve_instance_metadata(STUDY, CT, f"{CT}.2")
    stored = pydicom.dcmread(io.BytesIO(OBJECTS[f"{CT}.2"]))
    got = pydicom.Dataset.from_json(
        said,
        lambda _tag, _vr, address: b"".join(client.retrieve_bulkdata(address)),
    )
    assert got == stored


@pytest.mark.parametrize("number", [1, 2, 5])
def test_frames_come_in_their_own_coding_or_decoded(filled, number):
    client, uid = filled.client, f"{OTHER}.{number}"
    expected = np.arange(3 * SIDE * SIDE, dtype=np.uint16).reshape(3, SIDE, SIDE) * 7
    plain = client.retrieve_instance_frames(
        STUDY, OTHER, uid, [1, 3], media_types=(("application/octet-stream", ExplicitVRLittleEndian),)
    )
    values = [np.frombuffer(one, np.uint16).reshape(SIDE, SIDE) for one in plain]
    assert np.array_equal(values, expected[[0, 2]])
    stored = client.retrieve_instance_frames(STUDY, OTHER, uid, [2])
    if number == 2:
        coded = pydicom.encaps.get_frame(
            pydicom.dcmread(io.BytesIO(OBJECTS[uid])).PixelData, 1, number_of_frames=3
        )
        assert stored == [coded]
        assert stored == client.retrieve_instance_frames(
            STUDY, OTHER, uid, [2], media_types=(("image/jls", JPEGLSLossless),)
        )
    else:
        assert stored == [expected[1].tobytes()]


def test_a_picture_of_an_object_is_shown(filled):
    picture = filled.client.retrieve_instance_rendered(STUDY, CT, f"{CT}.1", media_types=("image/png",))
    assert picture.startswith(b"\x89PNG")
    frame = filled.client.retrieve_instance_frames_rendered(
        STUDY, OTHER, f"{OTHER}.2", [2], media_types=("image/jpeg",)
    )
    assert frame.startswith(b"\xff\xd8")


def test_twenty_frames_at_once_are_twenty_right_frames(filled):
    uids = list(itertools.islice(itertools.cycle(f"{CT}.{n}" for n in range(1, 6)), 20))
    expected = (np.arange(SIDE * SIDE, dtype=np.uint16) * 7).tobytes()

    def frame(uid):
        return filled.client.retrieve_instance_frames(STUDY, CT, uid, [1])

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(frame, uids)) == [[expected]] * 20
