"""Files of many makers and of all codings (those that come with pydicom), odd and broken ones among them."""

import io
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import pytest
from fastapi.testclient import TestClient

sys.path.insert(0, str(Path(__file__).parent))

from dicom_objects import read

from skiagraph.server.archive.admission import Admission
from skiagraph.server.people.people import SHELL
from skiagraph.server.web.app import application

FILES = sorted((Path(pydicom.__file__).parent / "data" / "test_files").glob("*.dcm"))
SMALL = 400_000  # bytes
EXPLICIT = "1.2.840.10008.1.2.1"


@pytest.fixture
def wild(site):
    """A server with the files that an archive takes, and these by their UIDs."""
    taken = {}
    for path in FILES:
        if path.stat().st_size < SMALL:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ds = pydicom.dcmread(path, force=True, stop_before_pixels=True)
                uids = [ds.get(f"{word}InstanceUID") for word in ("Study", "Series", "SOP")]
            if all(uids) and uids[2] not in taken:
                taken[uids[2]] = (uids, path.read_bytes())
    for _, data in taken.values():
        site.intake.take([data])
    Admission(site).step()
    with TestClient(application(site), base_url="http://127.0.0.1") as client:
        client.headers["Authorization"] = f"Bearer {site.people.tokens.make(SHELL, 'viewer', ['see'], 1)}"
        yield client, taken


@pytest.mark.filterwarnings("ignore")
def test_whatever_lies_in_the_archive_is_given_or_refused_in_one_sentence(wild):
    client, taken = wild
    seen, compared = Counter(), 0
    for uids, data in taken.values():
        place = "/dicom-web/studies/{}/series/{}/instances/{}".format(*uids)
        if client.get(f"{place}/metadata").status_code == 404:
            continue  # another file with one of its UIDs was there first
        assert client.get(place, headers={"Accept": "application/dicom"}).content == data
        turned = client.get(place, headers={"Accept": f"application/dicom; transfer-syntax={EXPLICIT}"})
        answers = [turned, *(client.get(place + what) for what in ("/metadata", "/frames/1", "/rendered"))]
        assert answers[1].status_code == 200
        for answer in answers:
            seen[answer.status_code] += 1
            assert answer.status_code in (200, 404, 406), (place, answer.text[:200])
            if answer.status_code != 200:
                assert answer.json()["detail"].endswith(".")
        if turned.status_code == 200 and "PixelData" in read(turned.content):
            compared += _same_pixels(data, turned.content)
    assert seen[200] > 5 * (seen[404] + seen[406])
    assert compared > 20


def _same_pixels(stored, turned):
    """Whether pydicom reads the same from both; not, where it does not read the first."""
    try:
        expected = pydicom.dcmread(io.BytesIO(stored)).pixel_array
    except (AttributeError, NotImplementedError, RuntimeError, ValueError):
        return False
    assert np.array_equal(read(turned).pixel_array, expected)
    return True
