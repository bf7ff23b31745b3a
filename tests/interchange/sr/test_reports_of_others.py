"""Reports that others wrote, by the library that most use and by the files that pydicom ships, are read."""

import copy

import highdicom as hd
import numpy as np
import pydicom
import pytest
from battery import LESION, LIVER, PROVENANCE, facts, spatial_marks
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes as dcm
from sources import DICOM_SOURCES

from skiagraph import codes
from skiagraph.case import Case, picture_frame
from skiagraph.findings import Contours, Landmarks, Measurement, Text
from skiagraph.geometry import Plane, to_index
from skiagraph.image import Image
from skiagraph.interchange.identity import SKIAGRAPH, Series, content_of
from skiagraph.interchange.object import dataset_of
from skiagraph.interchange.sr import read_report, report_object, understood

UIDS = iter(f"2.25.{n}" for n in range(1000, 10**6))
LINE = np.array([[4.5, 3.5], [9.5, 3.5], [9.5, 8.5], [4.5, 3.5]])
TRIANGLE = np.array([[1.0, 2.0, 3.0], [11.0, 2.0, 3.0], [11.0, 22.0, 3.0], [1.0, 2.0, 3.0]])
CONFIDENT = hd.sr.Measurement(
    name=hd.sr.CodedConcept("111012", "DCM", "Certainty of Finding"), value=80.0, unit=dcm.UCUM.Percent
)
LENGTH = hd.sr.Measurement(
    name=dcm.SCT.Length,
    value=12.25,
    unit=dcm.UCUM.Millimeter,
    properties=hd.sr.MeasurementProperties(normality=dcm.SCT.Normal),
)


def tracking():
    return hd.sr.TrackingIdentifier(identifier="lesion", uid=next(UIDS))


def sources_of(folder):
    return [pydicom.dcmread(path) for path in sorted(folder.rglob("*.dcm"))]


def document(groups, datasets, evidence=None):
    person = hd.sr.PersonObserverIdentifyingAttributes(name="Doe^Jane")
    context = hd.sr.ObserverContext(observer_type=dcm.DCM.Person, observer_identifying_attributes=person)
    made = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(observer_person_context=context),
        procedure_reported=dcm.LN.CTUnspecifiedBodyRegion,
        imaging_measurements=groups,
        referenced_images=datasets,
    )
    return hd.sr.Comprehensive3DSR(
        evidence=evidence or datasets,
        content=made,
        series_number=1,
        series_instance_uid=next(UIDS),
        sop_instance_uid=next(UIDS),
        instance_number=1,
        manufacturer="Others",
        is_complete=True,
    )


def planar(region, *measurements):
    return hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking(),
        referenced_region=region,
        finding_type=dcm.SCT.Mass,
        measurements=list(measurements),
    )


def region_on(ds, kind="POLYLINE", points=LINE, frames=None):
    image = hd.sr.SourceImageForRegion(ds.SOPClassUID, ds.SOPInstanceUID, frames)
    return hd.sr.ImageRegion(kind, points, image)


def test_a_planar_region_on_a_picture_becomes_a_contour_and_a_measurement(drawn_source):
    source = drawn_source("X-ray")
    ds = document(
        [planar(region_on(sources_of(source.folder)[0]), LENGTH, CONFIDENT)], sources_of(source.folder)
    )
    contours, length = read_report(ds, source.case)
    assert (length.concept.meaning, length.value, length.unit) == ("Length", 12.25, codes.MM)
    assert contours.space == source.case.image.space
    [line] = contours.items
    assert (line.code.meaning, line.closed, line.confidence, line.moment) == ("Mass", True, 0.8, None)
    np.testing.assert_allclose(to_index(contours.space, line.points), LINE[:-1, ::-1] - 0.5, atol=1e-5)


def test_without_its_picture_a_region_lies_in_pixels_and_that_is_said(drawn_source):
    folder = drawn_source("X-ray").folder
    [image] = sources_of(folder)
    read = understood(document([planar(region_on(image))], [image]))
    [contours] = read.findings
    assert (contours.space.unit, contours.space.frame) == ("pixel", picture_frame(image.SOPInstanceUID))
    assert contours.space.shape == (9, 10)
    np.testing.assert_allclose(contours.items[0].points, LINE[:-1] - 0.5)
    assert any("not at hand" in problem for problem in read.problems)


@pytest.mark.parametrize("with_case", [True, False])
def test_the_frame_of_a_film_is_its_moment(with_case, drawn_source):
    source = drawn_source("ultrasound cine")
    [film] = sources_of(source.folder)
    groups = [planar(region_on(film, "POINT", LINE[:1], [frame])) for frame in (2, 5)]
    [points] = read_report(document(groups, [film]), source.case if with_case else None)
    assert isinstance(points, Landmarks)
    assert [item.moment for item in points.items] == [1, 4]
    assert len(points.space.timeline) == 5


@pytest.mark.parametrize("name", ["oblique MR", "sagittal MR", "tilted CT"])
def test_pixels_of_a_slice_lie_on_that_slice_of_the_volume(name, drawn_source):
    source = drawn_source(name)
    for image in sources_of(source.folder)[:3]:
        [contours] = read_report(document([planar(region_on(image))], [image]), source.case)
        turn, size = np.array(image.ImageOrientationPatient, float), np.array(image.PixelSpacing, float)
        offsets = (LINE[:-1] - 0.5) * size[::-1]
        truth = np.array(image.ImagePositionPatient, float) + offsets @ turn.reshape(2, 3)
        np.testing.assert_allclose(contours.items[0].points, truth, atol=1e-3)


@pytest.mark.parametrize("with_case", [True, False])
def test_a_region_in_the_patient_lies_where_it_says(with_case, drawn_source):
    source = drawn_source("axial CT")
    frame = source.case.image.space.frame
    groups = [
        planar(hd.sr.ImageRegion3D("POLYGON", TRIANGLE, frame)),
        planar(hd.sr.ImageRegion3D("POINT", TRIANGLE[:1], frame)),
        planar(hd.sr.ImageRegion3D("POLYLINE", TRIANGLE[:3], frame)),
    ]
    case = source.case if with_case else None
    lines, points = read_report(document(groups, sources_of(source.folder)), case)
    assert lines.space.frame == points.space.frame == frame
    assert [line.closed for line in lines.items] == [True, False]
    np.testing.assert_allclose(lines.items[0].points, TRIANGLE[:3])
    np.testing.assert_allclose(points.items[0].point, TRIANGLE[0])


def test_an_ellipse_becomes_a_line_round_the_same_area_and_that_is_said(drawn_source):
    [image] = sources_of(drawn_source("X-ray").folder)
    ends = np.array([[2.0, 10.0], [12.0, 10.0], [7.0, 6.0], [7.0, 14.0]])
    read = understood(document([planar(region_on(image, "ELLIPSE", ends))], [image]))
    x, y = read.findings[0].items[0].points.T
    area = abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2
    assert area == pytest.approx(np.pi * 5 * 4, rel=0.01)
    assert any("ellipses" in problem for problem in read.problems)


def test_segments_are_left_to_their_own_object_and_what_is_measured_on_them_is_read(drawn_source):
    images = sources_of(drawn_source("axial CT").folder)
    series = hd.sr.SourceSeriesForSegmentation(images[0].SeriesInstanceUID)
    segment = hd.sr.ReferencedSegment("1.2.840.10008.5.1.4.1.1.66.4", "2.25.7", 1, source_series=series)
    group = hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking(), referenced_segment=segment, measurements=[LENGTH]
    )
    mask = copy.deepcopy(images[0])
    mask.SOPClassUID, mask.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.66.4", "2.25.7"
    read = understood(document([group], images, evidence=[*images, mask]))
    assert [type(f) for f in read.findings] == [Measurement]
    assert any("segments" in problem for problem in read.problems)


def test_what_is_measured_on_no_region_and_what_is_judged_is_read_and_the_rest_is_named(drawn_source):
    images = sources_of(drawn_source("axial CT").folder)
    group = hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking(),
        finding_type=dcm.SCT.Mass,
        measurements=[LENGTH],
        qualitative_evaluations=[hd.sr.QualitativeEvaluation(dcm.DCM.LevelOfSignificance, dcm.SCT.Normal)],
    )
    read = understood(document([group], images))
    number, words = read.findings
    assert number.value == 12.25
    assert words == Text(text="Normal", language="en-US", concept=words.concept)
    assert any("details of a number" in problem for problem in read.problems)


def item(kind, relation="CONTAINS", name=("X", "99TEST", "Something"), **attributes):
    ds = Dataset()
    ds.RelationshipType, ds.ValueType = relation, kind
    entry = Dataset()
    entry.CodeValue, entry.CodingSchemeDesignator, entry.CodeMeaning = name
    ds.ConceptNameCodeSequence = [entry]
    for key, value in attributes.items():
        setattr(ds, key, value)
    return ds


def basic(*content):
    root = item("CONTAINER", ContentSequence=list(content))
    del root.RelationshipType
    root.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
    return root


def coded(value, scheme, meaning):
    return item("CODE", name=(value, scheme, meaning)).ConceptNameCodeSequence


def number(value, unit=("mm", "UCUM", "millimetre"), **more):
    measured = Dataset()
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = value, coded(*unit)
    return item("NUM", MeasuredValueSequence=[measured], **more)


def test_words_lie_in_the_language_of_the_heading_above_them():
    german = item(
        "CODE",
        "HAS CONCEPT MOD",
        ("121049", "DCM", "Language"),
        ConceptCodeSequence=coded("de", "RFC5646", "German"),
    )
    part = item("CONTAINER", ContentSequence=[german, item("TEXT", TextValue="Kein Befund.")])
    told = read_report(basic(part, item("TEXT", TextValue="No finding.")))
    assert [(t.text, t.language) for t in told] == [("Kein Befund.", "de"), ("No finding.", "en")]


def test_a_number_without_a_unit_of_ucum_is_told_in_words():
    [said] = read_report(basic(number("3", ("F", "99LOCAL", "fingers"))))
    assert said.text == "3 fingers"


def test_a_length_and_the_line_along_which_it_was_measured_are_both_read():
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = (
        "1.2.840.10008.5.1.4.1.1.1",
        "2.25.3",
    )
    image = item("IMAGE", "SELECTED FROM", ReferencedSOPSequence=[reference])
    line = item(
        "SCOORD",
        "INFERRED FROM",
        GraphicType="POLYLINE",
        GraphicData=[1.0, 2.0, 5.0, 2.0],
        ContentSequence=[image],
    )
    length, drawn = read_report(basic(number("4", ContentSequence=[line])))
    assert (length.value, length.concept) == (4.0, drawn.items[0].code)
    assert isinstance(drawn, Contours)
    assert not drawn.items[0].closed


DAMAGED = {
    "no concept": item("TEXT", TextValue="words"),
    "no words": item("TEXT"),
    "no value type": item("TEXT", TextValue="words"),
    "no value": item("NUM", MeasuredValueSequence=[]),
    "no number": number(None),
    "no place": item("SCOORD", GraphicType="POINT", GraphicData=[1.0, 2.0]),
    "half a point": item("SCOORD3D", GraphicType="POINT", GraphicData=[1.0], ReferencedFrameOfReferenceUID="2.25.1"),
    "no frame": item("SCOORD3D", GraphicType="POINT", GraphicData=[1.0] * 3, ReferencedFrameOfReferenceUID=""),
    "far away": item("SCOORD3D", GraphicType="POINT", GraphicData=[3e38] * 3, ReferencedFrameOfReferenceUID="2.25.1"),
    "volume": item("SCOORD3D", GraphicType="ELLIPSOID", GraphicData=[1.0] * 18, ReferencedFrameOfReferenceUID="2.25.1"),
    "in time": item("TCOORD", TemporalRangeType="POINT"),
    "picture": item("IMAGE"),
    "empty group": item("CONTAINER", name=("125007", "DCM", "Measurement Group")),
    "nothing": Dataset(),
}  # fmt: skip
del DAMAGED["no concept"].ConceptNameCodeSequence
del DAMAGED["no value type"].ValueType


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_to_one_item_leaves_the_others(name):
    read = understood(
        basic(item("TEXT", TextValue="before"), copy.deepcopy(DAMAGED[name]), item("TEXT", TextValue="after"))
    )
    assert [t.text for t in read.findings if isinstance(t, Text) and t.text != "words"] == ["before", "after"]


def test_a_tree_without_end_is_cut():
    inner = item("TEXT", TextValue="words")
    for _ in range(200):
        inner = item("CONTAINER", ContentSequence=[inner])
    read = understood(basic(inner))
    assert read.findings == ()
    assert any("too deep" in problem for problem in read.problems)


def test_a_report_of_ours_that_another_changed_is_read_by_what_it_says(drawn_source):
    source = drawn_source("X-ray")
    found = [*spatial_marks(source.case).values(), *facts().values()]
    series, content = Series(number=5, description="Measurements"), content_of(PROVENANCE, "Measurements")
    ds = dataset_of(report_object(found, source.case, SKIAGRAPH, series, content))
    measurements = next(c for c in ds.ContentSequence if c.ConceptNameCodeSequence[0].CodeValue == "126010")
    del measurements.ContentSequence[0]
    read = understood(ds, source.case)
    assert any("changed" in problem for problem in read.problems)
    assert {LESION.value, LIVER.value} <= {
        i.code.value for f in read.findings if isinstance(f, Landmarks | Contours) for i in f.items
    }
    assert all(
        f.space == source.case.image.space for f in read.findings if isinstance(f, Landmarks | Contours)
    )


@pytest.mark.parametrize(
    "rest", [b"{", b'{"version":1,"report":{}}', b'{"version":1,"report":{"spaces":[1],"findings":[2]}}']
)
def test_a_damaged_private_element_leaves_what_the_report_says(rest):
    image = Image(
        data=np.zeros((3, 3), np.uint8), space=Plane.upright(shape=(3, 3), spacing=None, frame="2.25.1")
    )
    case = Case(identifier="case", images={"image": image})
    series, content = Series(number=5, description="Words"), content_of(PROVENANCE, "Words")
    ds = dataset_of(report_object([Text(text="words")], case, SKIAGRAPH, series, content))
    ds[0x0009, 0x1001].value = rest.decode()
    read = understood(ds)
    assert [f.text for f in read.findings] == ["words"]
    assert any("changed" in problem for problem in read.problems)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("reportsi.dcm", "Enter text"),
        ("reportsi_with_empty_number_tags.dcm", "Enter text"),
        ("test-SR.dcm", "was detected."),
    ],
)
def test_reports_that_pydicom_ships_are_read(name, words):
    read = understood(pydicom.dcmread(get_testdata_file(name)))
    assert words in [f.text for f in read.findings if isinstance(f, Text)]
    assert any("references to other objects" in problem for problem in read.problems)


@pytest.mark.parametrize("name", DICOM_SOURCES)
def test_an_image_is_no_report_and_holds_none(name, drawn_source):
    [ds, *_] = sources_of(drawn_source(name).folder)
    assert understood(ds).findings == ()
