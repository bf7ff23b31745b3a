"""Grey and Doppler pictures of one lesion: joined by study, side, region and time, and never guessed."""

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from skiagraph.io.dicom.lesions import lesions, shows_flow


def picture(kind="grey", number=1, time=None, **elements):
    ds, region = Dataset(), Dataset()
    region.RegionDataType = {"grey": 1, "flow": 2, "pulsed": 3}[kind]
    ds.SequenceOfUltrasoundRegions = Sequence([region])
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.InstanceNumber = "1.2", "1.2.3", number
    if time is not None:
        ds.AcquisitionDate, ds.AcquisitionTime = "20260102", time
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return ds


def flags(value):
    ds = Dataset()
    ds.ImageType = ["ORIGINAL", "PRIMARY", "BREAST", value]
    return ds


@pytest.mark.parametrize(
    ("header", "flow"),
    [
        (picture(), False),
        (picture("flow"), True),
        (picture("pulsed"), True),
        (flags("0011"), True),
        (flags("0001"), False),
        (flags("0008"), True),
        (flags("0100"), True),
        (flags("X"), False),
        (Dataset(), False),
    ],
)
def test_a_picture_says_whether_it_shows_flow(header, flow):
    assert shows_flow(header) is flow


def joined(*headers):
    return [(found.grey, found.doppler) for found in lesions(headers)]


def test_the_nearest_grey_picture_in_time_belongs_to_a_doppler_picture():
    left = {"ImageLaterality": "L", "BodyPartExamined": "BREAST"}
    right = {**left, "ImageLaterality": "R"}
    headers = [
        picture(time="100000", **left),
        picture(time="100200", **left),
        picture("flow", time="100230", **left),
        picture("pulsed", time="100250", **left),
        picture(time="100231", **right),
        picture("flow", time="100300", **right),
    ]
    assert joined(*headers) == [(1, (2, 3)), (4, (5,))]
    assert lesions(headers)[0].reason == "Same study, side and part of the body; nearest grey picture."


def test_without_side_and_region_the_series_decides():
    assert joined(picture(number=1), picture("flow", 2)) == [(0, (1,))]
    assert joined(picture(number=1, SeriesInstanceUID="9.9"), picture("flow", 2)) == []
    assert "series" in lesions([picture(number=1), picture("flow", 2)])[0].reason


NOT_JOINED = [
    # another study, another side, too late, equally near, no order at all
    [picture(StudyInstanceUID="1.9"), picture("flow", 2)],
    [picture(ImageLaterality="L"), picture("flow", 2, ImageLaterality="R")],
    [picture(time="100000"), picture("flow", 2, time="101000")],
    [picture(number=1), picture("flow", 2), picture(number=3)],
    [picture(number=None), picture("flow", None)],
    [picture("flow", 1), picture("flow", 2)],
]


@pytest.mark.parametrize("headers", NOT_JOINED)
def test_pictures_that_may_not_belong_together_are_not_joined(headers):
    assert joined(*headers) == []
