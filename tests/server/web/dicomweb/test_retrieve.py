"""WADO-RS: how things are asked for, what viewers ask, and what nobody gets."""

import sys
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select, update

sys.path.insert(0, str(Path(__file__).parent))

from dicom_objects import CT, OBJECTS, OTHER, SIDE, STUDY, parts_of, read
from fastapi.testclient import TestClient

from skiagraph.server.archive.admission import Admission
from skiagraph.server.people.people import SHELL
from skiagraph.server.settings import settings_of
from skiagraph.server.site import opened_site
from skiagraph.server.tables import AuditRecord, Study
from skiagraph.server.web.app import application

ROOT = f"/dicom-web/studies/{STUDY}"
SLICE = f"{ROOT}/series/{CT}/instances/{CT}.1"
FILM, PACKED, BITS, REPORT, IMPLICIT = (f"{ROOT}/series/{OTHER}/instances/{OTHER}.{n}" for n in range(1, 6))
ANY_FRAME = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
PLAIN_FRAME = 'multipart/related; type="application/octet-stream"'
JLS = "1.2.840.10008.1.2.4.80"
EXPLICIT = "1.2.840.10008.1.2.1"


def got(client, path, accept="*/*", **headers):
    return client.get(path, headers={"Accept": accept, **headers})


def records(site):
    with site.database.reading() as session:
        return [
            (one.event, one.study) for one in session.scalars(select(AuditRecord).order_by(AuditRecord.id))
        ]


# --- objects ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        'multipart/related; type="application/dicom"',
        "multipart/related; type=application/dicom; transfer-syntax=*",
        ", ".join(
            f'multipart/related; type="application/dicom"; transfer-syntax={one}'
            for one in (JLS, f"{EXPLICIT}; q=0.5", "1.2.840.10008.1.2")
        ),
    ],
)
def test_a_study_comes_in_parts_byte_for_byte_as_it_was_stored(viewer, accept):
    answer = got(viewer, ROOT, accept)
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) == len(answer.content)
    found = parts_of(answer.content, answer.headers["content-type"])
    assert {str(read(data).SOPInstanceUID): data for _, data in found} == OBJECTS
    assert all(said["Content-Type"].startswith("application/dicom; transfer-syntax=") for said, _ in found)


def test_one_object_comes_alone_where_that_is_asked_for(viewer):
    answer = got(viewer, SLICE, "application/dicom")
    assert answer.headers["content-type"] == f"application/dicom; transfer-syntax={EXPLICIT}"
    assert answer.content == OBJECTS[f"{CT}.1"]
    assert got(viewer, ROOT, "application/dicom").status_code == 406


@pytest.mark.parametrize("path", [PACKED, IMPLICIT, BITS, FILM])
def test_an_object_is_turned_into_explicit_little_endian_where_that_is_asked_for(viewer, path):
    answer = got(viewer, path, f"application/dicom; transfer-syntax={EXPLICIT}")
    assert answer.status_code == 200
    found, stored = read(answer.content), read(OBJECTS[path.rpartition("/")[2]])
    assert found.file_meta.TransferSyntaxUID == EXPLICIT
    assert np.array_equal(found.pixel_array, stored.pixel_array)
    del found.PixelData, stored.PixelData
    assert found == stored


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "application/dicom+xml",
        'multipart/related; type="application/dicom+xml"',
        "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90",
        "image/jpeg",
        "application/dicom; q=0",
        "a" * 10_000,
        ",".join(["a/b"] * 200),
    ],
)
def test_what_we_do_not_have_is_not_acceptable(viewer, accept):
    answer = got(viewer, SLICE, accept)
    assert answer.status_code == 406
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].endswith(".")


# --- metadata --------------------------------------------------------------------------------------------------------


def test_metadata_name_large_bytes_by_their_address_and_say_the_rest(viewer):
    answer = got(viewer, f"{ROOT}/series/{CT}/metadata", "application/dicom+json")
    assert answer.headers["content-type"] == "application/dicom+json"
    said = answer.json()[0]
    base = f"http://127.0.0.1{SLICE}/bulkdata"
    assert said["7FE00010"] == {"vr": "OW", "BulkDataURI": f"{base}/7FE00010"}
    assert said["00091001"] == {"vr": "OB", "BulkDataURI": f"{base}/00091001"}
    assert said["00091002"] == {"vr": "OB", "InlineBinary": "ZmV3IQ=="}
    assert said["00100010"]["Value"] == [{"Alphabetic": "Müller^Jane", "Ideographic": "山田^太郎"}]
    assert said["00200032"] == {"vr": "DS", "Value": [0.5, -1.25, 1]}
    assert said["00280009"] == {"vr": "AT", "Value": ["00181063"]}
    assert said["00189087"] == {"vr": "FD", "Value": ["Infinity"]}
    assert said["00081140"]["Value"][0]["00081155"] == {"vr": "UI", "Value": ["1.9.9"]}
    assert not [tag for tag in said if tag.startswith("0002")]
    assert list(said) == sorted(said)


@pytest.mark.parametrize(
    "accept", ["application/json", "*/*", "application/dicom+xml, application/dicom+json"]
)
def test_metadata_come_as_json(viewer, accept):
    assert got(viewer, f"{SLICE}/metadata", accept).status_code == 200


@pytest.mark.parametrize("accept", ["application/dicom+xml", "text/html", "image/png"])
def test_metadata_come_as_nothing_else(viewer, accept):
    assert got(viewer, f"{SLICE}/metadata", accept).status_code == 406


def test_bulk_data_lie_where_the_metadata_say(viewer):
    answer = got(viewer, f"{SLICE}/bulkdata/00091001", "application/octet-stream")
    assert answer.content == bytes(range(256)) * 8
    answer = got(viewer, f"{SLICE}/bulkdata/00091001", PLAIN_FRAME)
    assert parts_of(answer.content, answer.headers["content-type"])[0][1] == bytes(range(256)) * 8
    answer = got(viewer, f"{SLICE}/bulkdata/7FE00010", "application/octet-stream")
    assert answer.content == read(OBJECTS[f"{CT}.1"]).PixelData
    answer = got(viewer, f"{PACKED}/bulkdata/7FE00010")
    found = parts_of(answer.content, answer.headers["content-type"])
    assert [said["Content-Type"] for said, _ in found] == [f"image/jls; transfer-syntax={JLS}"] * 3


@pytest.mark.parametrize(
    "element",
    ["00099999", "x", "00081140/0/00081155/0", "00081140/9/00081155", "00081140/-1/00081155", "00100010/0/1",
     "%2e%2e/%2e%2e/etc/passwd", "7fe00010/%2e%2e/00091001", "0" * 3000, "/".join(["00081140/0"] * 500) + "/00081155"],
)  # fmt: skip
def test_no_other_bytes_are_bulk_data(viewer, element):
    assert got(viewer, f"{SLICE}/bulkdata/{element}").status_code == 404


# --- frames ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "accept", "kind", "part"),
    [
        # what Cornerstone asks for
        (SLICE, ANY_FRAME, "application/octet-stream", f"application/octet-stream; transfer-syntax={EXPLICIT}"),
        (PACKED, ANY_FRAME, "application/octet-stream", f"application/octet-stream; transfer-syntax={JLS}"),
        (PACKED, 'multipart/related; type="image/jls"', "image/jls", f"image/jls; transfer-syntax={JLS}"),
        (PACKED, f'multipart/related; type="image/jls"; transfer-syntax={JLS}', "image/jls",
         f"image/jls; transfer-syntax={JLS}"),
        (PACKED, 'multipart/related; type="image/x-jls"', "image/jls", f"image/jls; transfer-syntax={JLS}"),
        (PACKED, PLAIN_FRAME, "application/octet-stream", f"application/octet-stream; transfer-syntax={EXPLICIT}"),
        (PACKED, 'multipart/related; type="image/*"', "image/jls", f"image/jls; transfer-syntax={JLS}"),
        (PACKED, "*/*", "image/jls", f"image/jls; transfer-syntax={JLS}"),
        (SLICE, "multipart/related", "application/octet-stream",
         f"application/octet-stream; transfer-syntax={EXPLICIT}"),
        (IMPLICIT, PLAIN_FRAME, "application/octet-stream",
         f"application/octet-stream; transfer-syntax={EXPLICIT}"),
    ],
)  # fmt: skip
def test_frames_come_as_viewers_ask_for_them(viewer, path, accept, kind, part):
    answer = got(viewer, f"{path}/frames/1", accept)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(f'multipart/related; type="{kind}"; boundary=')
    ((said, data),) = parts_of(answer.content, answer.headers["content-type"])
    assert said["Content-Type"] == part
    if EXPLICIT in part:
        expected = np.arange(SIDE * SIDE, dtype=np.uint16) * 7
        assert data == expected.tobytes()


@pytest.mark.parametrize("accept", ['multipart/related; type="image/jp2"', "text/plain", "image/jls"])
def test_frames_come_as_nothing_that_they_are_not(viewer, accept):
    assert got(viewer, f"{FILM}/frames/1", accept).status_code == 406


def test_several_frames_come_in_the_order_that_is_asked_for(viewer):
    answer = got(viewer, f"{FILM}/frames/3,1")
    found = parts_of(answer.content, answer.headers["content-type"])
    values = np.arange(3 * SIDE * SIDE, dtype=np.uint16).reshape(3, -1) * 7
    assert [data for _, data in found] == [values[2].tobytes(), values[0].tobytes()]
    assert [said["Content-Location"].rpartition("/")[2] for said, _ in found] == ["3", "1"]
    assert got(viewer, f"{FILM}/frames/3,1", "application/octet-stream").status_code == 406


def test_frames_of_single_bits_begin_at_their_first_bit(viewer):
    answer = got(viewer, f"{BITS}/frames/2", "application/octet-stream")
    expected = np.packbits(np.arange(25, 50) % 2 == 0, bitorder="little")
    assert answer.content == expected.tobytes()


@pytest.mark.parametrize(
    ("frames", "status"),
    [("2", 404), ("0", 400), ("-1", 400), ("x", 400), ("1,", 400), ("1;2", 400), ("99999999999", 400),
     ("%00", 400), ("1,2,3", 404), (",".join(["1"] * 10_001), 400), ("\u0661", 400)],
)  # fmt: skip
def test_frames_that_are_none_are_refused(viewer, frames, status):
    answer = got(viewer, f"{SLICE}/frames/{frames}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_an_object_without_pixels_has_no_frames(viewer):
    assert got(viewer, f"{REPORT}/frames/1").status_code == 404
    assert got(viewer, f"{REPORT}/rendered").status_code == 406


def test_a_range_of_a_frame_comes_alone(viewer):
    whole = got(viewer, f"{FILM}/frames/2", "application/octet-stream")
    assert whole.headers["accept-ranges"] == "bytes"
    for said, begin, end in (("bytes=10-19", 10, 20), ("bytes=500-", 500, 512), ("bytes=-3", 509, 512)):
        part = got(viewer, f"{FILM}/frames/2", "application/octet-stream", Range=said)
        assert (part.status_code, part.content) == (206, whole.content[begin:end])
        assert part.headers["content-range"] == f"bytes {begin}-{end - 1}/512"
    refused = got(viewer, f"{FILM}/frames/2", "application/octet-stream", Range="bytes=512-")
    assert (refused.status_code, refused.headers["content-range"]) == (416, "bytes */512")
    many = got(viewer, f"{FILM}/frames/2", "application/octet-stream", Range="bytes=0-1,4-5")
    assert (many.status_code, many.content) == (200, whole.content)


def test_ranges_of_parts_fit_together(viewer):
    whole = got(viewer, ROOT).content
    pieces = [got(viewer, ROOT, Range=f"bytes={n}-{n + 6999}").content for n in range(0, len(whole), 7000)]
    assert b"".join(pieces) == whole


@pytest.mark.parametrize("path", [ROOT, f"{SLICE}/metadata", f"{FILM}/frames/1", f"{SLICE}/rendered"])
def test_what_has_not_changed_does_not_come_again(viewer, path):
    first = got(viewer, path)
    assert first.headers["cache-control"] == "private, no-cache"
    again = got(viewer, path, **{"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert got(viewer, path, **{"If-None-Match": '"other"'}).status_code == 200


def test_each_way_to_take_a_frame_has_a_tag_of_its_own(viewer):
    ways = [ANY_FRAME, PLAIN_FRAME, 'multipart/related; type="image/jls"', "application/octet-stream"]
    assert len({got(viewer, f"{PACKED}/frames/1", way).headers["etag"] for way in ways}) == len(ways)


# --- who -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [ROOT, f"{ROOT}/metadata", f"{ROOT}/series/{CT}", SLICE, f"{SLICE}/metadata", f"{SLICE}/frames/1",
     f"{SLICE}/bulkdata/7FE00010", f"{SLICE}/rendered", f"{ROOT}/thumbnail", f"{ROOT}/series",
     f"{ROOT}/instances", f"{ROOT}/series/{CT}/instances"],
)  # fmt: skip
def test_a_restricted_study_is_not_there_for_those_without_a_grant(full, browser, path):
    with full.database.writing() as session:
        session.execute(update(Study).values(restricted=True))
    for role in ("viewer", "admin"):
        assert got(browser(role), path).status_code == 404
    client = browser(None)
    client.headers["Authorization"] = f"Bearer {full.people.tokens.make(SHELL, 'pump', ['see'], 1)}"
    assert got(client, path).status_code == 404
    assert got(browser(None), path).status_code == 401


def test_a_viewer_that_asks_a_hundred_times_stands_in_the_trail_once(full, browser):
    viewer = browser("viewer")
    before = len(records(full))
    for number in range(1, 6):
        path = f"{ROOT}/series/{CT}/instances/{CT}.{number}"
        assert got(viewer, f"{path}/frames/1").status_code == 200
        assert got(viewer, f"{path}/metadata").status_code == 200
    assert records(full)[before:] == [("study looked at", STUDY)]
    got(viewer, ROOT)
    assert records(full)[-1] == ("images sent", STUDY)


@pytest.mark.parametrize(
    "uid",
    [
        "...",
        "%2e%2e%2fetc",
        "1.2.3' OR '1'='1",
        "1" * 65,
        "1.2.3%00",
        "1..2",
        "\u0661",
        "*",
        "1.2.3\\1.2.4",
        "%",
    ],
)
def test_a_uid_that_is_none_is_refused_in_one_sentence(viewer, uid):
    for path in (
        f"/dicom-web/studies/{uid}",
        f"{ROOT}/series/{uid}/metadata",
        f"{ROOT}/series/{CT}/instances/{uid}",
    ):
        answer = got(viewer, path)
        assert answer.status_code in (400, 404)
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_sealed_archive_gives_the_same(tmp_path):
    key = tmp_path / "key"
    key.write_text("5c" * 32)
    key.chmod(0o600)
    sealed = opened_site(settings_of(tmp_path / "sealed", encryption_key=key, dicom={"enabled": False}))
    for data in OBJECTS.values():
        sealed.intake.take([data])
    Admission(sealed).step()
    with TestClient(application(sealed), base_url="http://127.0.0.1") as client:
        client.headers["Authorization"] = f"Bearer {sealed.people.tokens.make(SHELL, 'pump', ['see'], 1)}"
        assert got(client, SLICE, "application/dicom").content == OBJECTS[f"{CT}.1"]
        frame = (np.arange(SIDE * SIDE, 2 * SIDE * SIDE, dtype=np.uint16) * 7).tobytes()
        for path in (FILM, PACKED, IMPLICIT):
            answer = got(client, f"{path}/frames/2", f"application/octet-stream; transfer-syntax={EXPLICIT}")
            assert answer.content == frame
        assert got(client, f"{PACKED}/frames/2", "image/jls").status_code == 200
        assert got(client, f"{SLICE}/rendered").status_code == 200
    assert list((tmp_path / "sealed" / "uploads").iterdir()) == []
    sealed.close()
