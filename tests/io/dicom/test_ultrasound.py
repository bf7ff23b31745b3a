"""Regions of ultrasound: what they show, what a step along their axes means, and the size of the picture."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from skiagraph import codes
from skiagraph.errors import GeometryError, InvalidInput
from skiagraph.geometry import Grid, Plane, derived_frame
from skiagraph.io.dicom.ultrasound import region_findings, regions, ultrasound_size

FRAME = derived_frame("regions")


def region(form=1, data=1, box=(0, 0, 9, 5), units=(3, 3), deltas=(0.02, 0.03), **more):
    ds = Dataset()
    ds.RegionSpatialFormat, ds.RegionDataType, ds.RegionFlags = form, data, more.pop("flags", 0)
    ds.PhysicalUnitsXDirection, ds.PhysicalUnitsYDirection = units
    ds.PhysicalDeltaX, ds.PhysicalDeltaY = deltas
    ds.RegionLocationMinX0, ds.RegionLocationMinY0, ds.RegionLocationMaxX1, ds.RegionLocationMaxY1 = box
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    return ds


def header(*items):
    ds = Dataset()
    ds.Modality, ds.Rows, ds.Columns, ds.SequenceOfUltrasoundRegions = "US", 6, 10, Sequence(items)
    return ds


FORMS = [
    # spatial format, data type, units, the form, what it shows, the units across and down
    (1, 1, (3, 3), "two-dimensional", "us-tissue", ("cm", "cm")),
    (1, 2, (3, 3), "two-dimensional", "us-colour-flow", ("cm", "cm")),
    (2, 1, (4, 3), "M-mode", "us-tissue", ("s", "cm")),
    (3, 3, (4, 7), "spectral", "us-pw-doppler", ("s", "cm/s")),
    (3, 4, (4, 5), "spectral", "us-cw-doppler", ("s", "Hz")),
    (4, 10, (4, 0), "waveform", "us-ecg", ("s", None)),
    (5, 14, (0, 7), "graphics", "us-colour-bar", (None, "cm/s")),
    (0, 0, (0, 0), "unstated", "us-unstated", (None, None)),
]


@pytest.mark.parametrize(("form", "data", "units", "name", "shows", "axes"), FORMS)
def test_a_region_says_what_it_shows_and_in_which_units(form, data, units, name, shows, axes):
    (found,) = regions(header(region(form, data, units=units)))
    assert (found.form, found.shows.value) == (name, shows)
    assert tuple(a.unit.value if a.unit else None for a in (found.across, found.down)) == axes


def test_a_value_along_an_axis_counts_from_the_reference_pixel_of_its_region():
    spectral = region(
        3,
        3,
        (2, 1, 9, 5),
        (4, 7),
        (0.005, -4.0),
        ReferencePixelX0=0,
        ReferencePixelY0=2,
        ReferencePixelPhysicalValueY=1.0,
    )
    (found,) = regions(header(spectral))
    assert found.across.at(2) == 0.0
    assert found.across.at(6) == pytest.approx(0.02)
    assert found.down.at(3) == 1.0  # the zero line, row 1 + 2
    assert found.down.at(1) == 9.0  # two rows above it: 8 cm/s more
    assert found.down.unit == codes.CM_PER_SECOND


def test_an_axis_without_a_reference_pixel_knows_steps_alone():
    (found,) = regions(header(region()))
    assert found.across.step == 0.02
    with pytest.raises(InvalidInput, match="reference pixel"):
        found.across.at(3)


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [
        ((0, 0, 9, 5), (0, 5), (0, 9)),
        ((2, 1, 99, 99), (1, 5), (2, 9)),
        ((5, 5, 4, 4), None, None),
        ((20, 0, 30, 5), None, None),
    ],
)
def test_a_region_ends_where_the_picture_does(box, rows, columns):
    found = regions(header(region(box=box)))
    assert [(r.rows, r.columns) for r in found] == ([] if rows is None else [(rows, columns)])


def test_regions_are_boxes_that_say_what_they_show():
    plane = Plane.upright(shape=(6, 10), spacing=(0.3, 0.2), frame=FRAME)
    found = region_findings(
        regions(header(region(box=(0, 0, 4, 5)), region(3, 3, (5, 0, 9, 5), (4, 7), (0.005, 4)))), plane
    )
    first, second = found["regions"].items
    assert (first.low.tolist(), first.high.tolist()) == ([-0.5, -0.5], [5.5, 4.5])
    assert second.code.value == "us-pw-doppler"
    assert (
        found["region_2"].text
        == "Pulsed-wave spectral Doppler, spectral: 0.005 s a pixel along rows, 4 cm/s a pixel along columns."
    )


def test_regions_lie_in_pictures():
    assert region_findings((), Grid(shape=(1, 6, 10), affine=np.eye(4), frame=FRAME)) == {}
    with pytest.raises(GeometryError, match="flat picture"):
        region_findings(regions(header(region())), Grid(shape=(1, 6, 10), affine=np.eye(4), frame=FRAME))


SIZES = [
    ([region()], (0.3, 0.2), None),
    ([region(deltas=(0.02, -0.03))], (0.3, 0.2), None),
    ([region(box=(0, 0, 4, 5)), region(box=(5, 0, 9, 5))], (0.3, 0.2), None),
    ([region(box=(0, 0, 3, 3))], (0.3, 0.2), "27% of the picture"),
    ([region(), region(deltas=(0.05, 0.03))], None, "different pixel sizes"),
    ([region(), region(3, 3, units=(4, 7))], None, "Only a part"),
    ([region(2, units=(4, 3))], None, "None of its ultrasound regions"),
    ([region(units=(0, 0))], None, "None of its ultrasound regions"),
    ([region(deltas=(0, 0.03))], None, "None of its ultrasound regions"),
]


@pytest.mark.parametrize(("items", "size", "noticed"), SIZES)
def test_a_picture_has_the_size_on_which_its_regions_agree(items, size, noticed):
    found, said = ultrasound_size(header(*items))
    assert found == (None if size is None else pytest.approx(size))
    assert (not said) if noticed is None else noticed in said[0]
