"""Reports are valid, other programs read them, and what they mark lies on the letter F by the files alone."""

import shutil
import subprocess
from datetime import UTC, datetime

import highdicom
import numpy as np
import pydicom
import pytest
from battery import DIAMETER, FINDINGS, LESION, LIVER, PROVENANCE, SPLEEN, facts, segmentations, spatial_marks
from sources import DICOM_SOURCES
from truth import LETTER, marked_frames, marked_places

from skiagraph import codes
from skiagraph.case import Case, Instance, Origin, Signature
from skiagraph.errors import NoDicomHome
from skiagraph.findings import (
    Boxes,
    Classification,
    ClassScore,
    Contour,
    Contours,
    Curve,
    Landmark,
    Landmarks,
    Measurement,
    NotApplicable,
    Text,
)
from skiagraph.geometry import Grid, Plane, derived_frame, to_world
from skiagraph.image import Image
from skiagraph.interchange.identity import SKIAGRAPH, Content, Series, content_of
from skiagraph.interchange.object import dataset_of, encoded, save
from skiagraph.interchange.sr import report_object, understood

SERIES = Series(number=5, description="Measurements")
CONTENT = content_of(PROVENANCE, "Measurements")
IN_PATIENT = ("axial CT", "oblique MR", "sagittal MR", "decubitus CT", "tilted CT", "enhanced MR")
IN_PICTURES = ("ultrasound cine", "X-ray", "X-ray without size", "photograph")


def report(found, case, **more):
    return report_object(found, case, SKIAGRAPH, SERIES, CONTENT, **more)


def everything(case):
    return [*spatial_marks(case).values(), *facts().values()]


def written(found, case, folder, **more):
    path = folder / "report.dcm"
    save(report(found, case, **more), path)
    return path


def items(ds, kind):
    return [e for e in walk(ds) if e.get("ValueType") == kind]


def walk(item):
    for child in item.get("ContentSequence", ()):
        yield child
        yield from walk(child)


def named(ds, value):
    return [e for e in walk(ds) if e.ConceptNameCodeSequence[0].CodeValue == value]


def blank(shape=(23, 31)):
    space = Plane.upright(shape=shape, spacing=None, frame=derived_frame("picture"))
    return Case(identifier="case", images={"image": Image(data=np.zeros(shape, np.uint8), space=space)})


def test_reports_of_every_source_are_valid(source, validator, tmp_path):
    assert validator(written(everything(source), source, tmp_path)) == []


@pytest.mark.parametrize(
    "kind", [Measurement, Classification, Text, NotApplicable, Landmarks, Boxes, Contours]
)
def test_a_report_of_each_kind_alone_is_valid(kind, drawn_source, validator, tmp_path):
    case = drawn_source("oblique MR").case
    found = [f for f in everything(case) if isinstance(f, kind)]
    assert found
    assert validator(written(found, case, tmp_path)) == []


def test_a_report_without_findings_is_valid_and_empty(drawn_source, validator, tmp_path):
    path = written([], drawn_source("X-ray").case, tmp_path)
    assert validator(path) == []
    assert understood(dataset_of(report([], drawn_source("X-ray").case))).findings == ()


def test_dcmtk_reads_the_tree(source, tmp_path):
    if shutil.which("dsrdump") is None:
        pytest.skip("dsrdump (Debian package dcmtk) is not here")
    path = written(everything(source), source, tmp_path)
    said = subprocess.run(["dsrdump", path], capture_output=True, text=True, check=True, timeout=60)
    assert "Comprehensive 3D SR Document" in said.stdout
    assert "Not answered: poor quality" in said.stdout
    assert not [line for line in said.stderr.splitlines() if line.startswith(("E:", "F:"))]


def test_highdicom_finds_each_group_with_its_place(source, tmp_path):
    found = spatial_marks(source)
    content = highdicom.sr.srread(written(everything(source), source, tmp_path)).content
    planar = content.get_planar_roi_measurement_groups()
    volumes = content.get_volumetric_roi_measurement_groups()
    lines = [i for f in found.values() if isinstance(f, Landmarks | Contours) for i in f.items]
    boxes = [i for f in found.values() if isinstance(f, Boxes) for i in f.items]
    sized = isinstance(source.image.space, Grid)
    assert (len(planar), len(volumes)) == ((len(lines), len(boxes)) if sized else (len(lines + boxes), 0))
    assert {g.finding_type.value for g in [*planar, *volumes]} == {i.code.value for i in [*lines, *boxes]}
    for group in volumes:
        assert group.roi.graphic_type.value == "POLYGON"
        assert len(group.roi.graphic_data) == 2
    if sized:
        points = np.concatenate([np.atleast_2d(group.roi.value) for group in planar])
        expected = np.concatenate(
            [np.atleast_2d(i.point if isinstance(i, Landmark) else i.points) for i in lines]
        )
        assert np.abs(points[:, None] - expected).sum(axis=-1).min(axis=1).max() < 1e-4


def test_highdicom_reads_numbers_and_classes(drawn_source, tmp_path):
    content = highdicom.sr.srread(
        written(everything(drawn_source("X-ray").case), drawn_source("X-ray").case, tmp_path)
    )
    diameter, classes = content.content.get_image_measurement_groups()
    assert diameter.get_measurements()[0].value == 12.5
    assert diameter.get_measurements()[0].unit.value == "mm"
    assert [m.value for m in classes.get_measurements()][:2] == [0.75, 0.25]
    best = classes.get_qualitative_evaluations()[0]
    assert (best.name.value, best.value.value) == (LESION.value, LIVER.value)
    assert len(diameter.source_images) == 1


@pytest.mark.parametrize("name", IN_PATIENT)
def test_points_on_the_letter_lie_on_the_letter_in_the_patient(name, drawn_source):
    source = drawn_source(name)
    truth = marked_places(source.folder, LETTER)
    lit = np.argwhere(source.letter).astype(float)
    space = source.case.image.space
    points = [Landmark(code=LESION, point=point) for point in to_world(space, lit)]
    ds = dataset_of(report([Landmarks(space=space, items=tuple(points))], source.case))
    drawn = np.array([list(e.GraphicData) for e in items(ds, "SCOORD3D")])
    assert len(drawn) == len(truth)
    assert np.abs(drawn[:, None] - truth).sum(axis=-1).min(axis=1).max() < 1e-3
    assert {e.ReferencedFrameOfReferenceUID for e in items(ds, "SCOORD3D")} == {space.frame}


@pytest.mark.parametrize("name", IN_PICTURES)
def test_points_on_the_letter_lie_on_the_letter_in_the_frames_that_they_cite(name, drawn_source):
    source = drawn_source(name)
    case, space = source.case, source.case.image.space
    points = [
        Landmark(
            code=LESION,
            point=to_world(space, at[-2:].astype(float)),
            moment=int(at[0]) if len(at) > 2 else None,
        )
        for at in np.argwhere(source.letter)
    ]
    ds = dataset_of(report([Landmarks(space=space, items=tuple(points))], case))
    truth = {frame: mask == LETTER for frame, mask in marked_frames(source.folder).items()}
    found = {frame: np.zeros_like(mask) for frame, mask in truth.items()}
    for item in items(ds, "SCOORD"):
        [image] = item.ContentSequence
        cited = image.ReferencedSOPSequence[0]
        column, row = np.array(item.GraphicData) - 0.5
        found[str(cited.ReferencedSOPInstanceUID), int(cited.get("ReferencedFrameNumber", 1))][
            int(row), int(column)
        ] = True
    for frame, mask in truth.items():
        np.testing.assert_array_equal(found[frame], mask)


def test_points_in_a_moving_volume_name_the_frame_that_shows_them(drawn_source):
    source = drawn_source("cardiac cine")
    case, space = source.case, source.case.image.space
    truth = {uid: mask == LETTER for (uid, _), mask in marked_frames(source.folder).items()}
    for at in np.argwhere(source.letter)[::40]:
        mark = Landmark(code=LESION, point=to_world(space, at[1:].astype(float)), moment=int(at[0]))
        ds = dataset_of(report([Landmarks(space=space, items=(mark,))], case))
        [image] = named(ds, "121112")
        uid = str(image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
        assert truth[uid][at[2], at[3]]


def test_a_mark_for_all_moments_cites_the_whole_film(drawn_source):
    case = drawn_source("ultrasound cine").case
    mark = Landmark(code=LESION, point=np.ones(2))
    ds = dataset_of(report([Landmarks(space=case.image.space, items=(mark,))], case))
    [item] = items(ds, "SCOORD")
    assert "ReferencedFrameNumber" not in item.ContentSequence[0].ReferencedSOPSequence[0]


def test_the_model_is_named_in_every_group_and_as_the_observer(drawn_source):
    ds = dataset_of(report(everything(drawn_source("axial CT").case), drawn_source("axial CT").case))
    groups = named(ds, "125007")
    for group in groups:
        said = {e.ConceptNameCodeSequence[0].CodeValue: e.get("TextValue") for e in group.ContentSequence}
        assert (said["111001"], said["111003"]) == ("letter finder", "1.2")
        assert "ab" * 32 in said["111002"]
    assert [e.TextValue for e in named(ds, "121013")] == ["letter finder 1.2"]
    assert len({e.UID for e in named(ds, "112040")}) == len(groups)


SIGNED = Signature(reader="Dr. Ann Reader 安", signed=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC))


@pytest.mark.parametrize("signature", [None, SIGNED])
def test_a_report_is_unverified_until_a_reader_has_signed(signature, drawn_source, validator, tmp_path):
    content = Content(description="words", created=PROVENANCE.created, signature=signature)
    verified = signature is not None
    made = report_object([Text(text="words")], drawn_source("X-ray").case, SKIAGRAPH, SERIES, content)
    assert made.header.VerificationFlag == ("VERIFIED" if verified else "UNVERIFIED")
    assert made.header.PreliminaryFlag == ("FINAL" if verified else "PRELIMINARY")
    readers = [
        (str(r.VerifyingObserverName), r.VerificationDateTime)
        for r in made.header.get("VerifyingObserverSequence", [])
    ]
    assert readers == ([("Dr. Ann Reader 安", "20260304050607.000000+0000")] if verified else [])
    save(made, tmp_path / "x.dcm")
    assert validator(tmp_path / "x.dcm") == []


@pytest.mark.parametrize("name", DICOM_SOURCES)
def test_the_evidence_is_all_that_the_tree_names(name, drawn_source):
    source = drawn_source(name)
    ds = dataset_of(report(everything(source.case), source.case))
    cited = {
        str(entry.ReferencedSOPInstanceUID)
        for study in ds.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for entry in series.ReferencedSOPSequence
    }
    assert {str(e.ReferencedSOPSequence[0].ReferencedSOPInstanceUID) for e in items(ds, "IMAGE")} <= cited
    assert cited == {i.sop_instance_uid for o in source.case.origins.values() for i in o.instances}
    assert [str(s.StudyInstanceUID) for s in ds.CurrentRequestedProcedureEvidenceSequence] == [
        ds.StudyInstanceUID
    ]


@pytest.mark.parametrize(
    ("kind", "numbers"), [("1.2.840.10008.5.1.4.1.1.66.4", [1, 2]), ("1.2.840.10008.5.1.4.1.1.66.7", [5, 9])]
)
def test_segments_are_named_where_their_object_is_known(kind, numbers, drawn_source, validator, tmp_path):
    case = drawn_source("axial CT").case
    made = segmentations(case)["exclusive"]
    mask = type(made)(
        space=made.space,
        labels=np.array([0, 5, 9], np.uint8)[made.labels],
        segments=tuple(type(s)(number=n, code=s.code) for s, n in zip(made.segments, (5, 9), strict=True)),
    )
    place = Origin(
        header={},
        instances=(Instance(sop_class_uid=kind, sop_instance_uid=derived_frame("mask")),),
        frames=np.array([[[-1, 0]]]),
    )
    found = [Text(text="words"), mask, facts()["measurement"]]
    path = written(found, case, tmp_path, segmentations={1: place})
    assert validator(path) == []
    groups = highdicom.sr.srread(path).content.get_volumetric_roi_measurement_groups()
    assert [g.referenced_segment.referenced_segment_numbers for g in groups] == [[n] for n in numbers]
    assert [g.finding_type.value for g in groups] == [LIVER.value, SPLEEN.value]
    read = understood(dataset_of(report(found, case, segmentations={1: place})))
    assert list(read.findings) == [found[0], found[2]]


def test_classes_that_do_not_exclude_each_other_are_never_stated(drawn_source):
    scores = (ClassScore(code=LIVER, probability=0.9), ClassScore(code=SPLEEN, probability=0.8))
    found = Classification(concept=LESION, scores=scores, exclusive=False)
    ds = dataset_of(report([found], blank()))
    assert [
        e.ConceptCodeSequence[0].CodeValue for e in items(ds, "CODE") if e.RelationshipType == "CONTAINS"
    ] == [LESION.value]
    assert list(understood(ds).findings) == [found]


def test_a_finding_of_another_kind_has_no_home_in_a_report():
    curve = Curve(concept=DIAMETER, at=np.arange(3.0), at_unit=codes.SECOND, values=np.ones(3), unit=codes.MM)
    with pytest.raises(NoDicomHome, match="Curve"):
        report([curve], blank())


def test_marks_on_a_picture_that_is_not_in_the_case_have_no_home():
    other = Plane.upright(shape=(3, 3), spacing=None, frame=derived_frame("another picture"))
    mark = Landmarks(space=other, items=(Landmark(code=LESION, point=np.ones(2)),))
    with pytest.raises(NoDicomHome, match="with that picture"):
        report([mark], blank())


def test_marks_in_the_patient_need_no_image_in_their_frame():
    grid = Grid(shape=(3, 3, 3), affine=np.eye(4), frame=derived_frame("elsewhere"))
    mark = Contours(space=grid, items=(Contour(code=LESION, points=np.eye(3)),))
    [read] = understood(dataset_of(report([mark], blank()))).findings
    assert read.space == grid


def test_a_picture_of_a_kind_that_highdicom_does_not_know_is_marked_too(drawn_source):
    case = drawn_source("X-ray").case
    [origin] = case.origins.values()
    old = Instance(
        sop_class_uid="1.2.840.10008.5.1.1.30", sop_instance_uid=origin.instances[0].sop_instance_uid
    )
    strange = type(origin)(header=origin.header, instances=(old,), frames=origin.frames)
    case = Case(identifier=case.identifier, images=case.images, origins=dict.fromkeys(case.origins, strange))
    found = spatial_marks(case)["landmarks"]
    assert len(items(dataset_of(report([found], case)), "SCOORD")) == 2


def test_marks_on_a_whole_slide_are_counted_over_all_of_its_tiles(drawn_source):
    case = drawn_source("photograph").case
    [origin] = case.origins.values()
    slide = Instance(sop_class_uid="1.2.840.10008.5.1.4.1.1.77.1.6", sop_instance_uid="2.25.4", frames=12)
    tiled = type(origin)(header=origin.header, instances=(slide,), frames=np.array([[[-1, 0]]], np.int32))
    case = Case(identifier=case.identifier, images=case.images, origins=dict.fromkeys(case.origins, tiled))
    item, *_ = items(dataset_of(report([spatial_marks(case)["landmarks"]], case)), "SCOORD")
    assert item.PixelOriginInterpretation == "VOLUME"
    [cited] = item.ContentSequence[0].ReferencedSOPSequence
    assert cited.ReferencedSOPInstanceUID == "2.25.4"
    assert "ReferencedFrameNumber" not in cited


def test_a_prior_of_another_study_is_other_evidence(drawn_source, validator, tmp_path):
    now, then = drawn_source("axial CT").case, drawn_source("oblique MR").case
    case = Case(
        identifier="both",
        images={"current": now.image, "prior": then.image},
        origins={"current": now.origins["image"], "prior": then.origins["image"]},
    )
    path = written([*facts().values(), spatial_marks(then)["landmarks"]], case, tmp_path)
    assert validator(path) == []
    ds = pydicom.dcmread(path)
    [here], [other] = ds.CurrentRequestedProcedureEvidenceSequence, ds.PertinentOtherEvidenceSequence
    assert [here.StudyInstanceUID, other.StudyInstanceUID] == [o.study_uid for o in case.origins.values()]


def test_text_stands_under_its_concept_in_its_language(drawn_source):
    ds = dataset_of(report([facts()["text"]], drawn_source("Chinese name").case))
    [text] = [e for e in items(ds, "TEXT") if e.ConceptNameCodeSequence[0].CodeValue == FINDINGS.value]
    assert text.TextValue == "No lesion. 未见病变。"
    assert text.ContentSequence[0].ConceptCodeSequence[0].CodeValue == "zh"


def test_no_explanation_or_name_of_ours_holds_the_patient(drawn_source):
    case = drawn_source("axial CT").case
    made = report(everything(case), case)
    assert "Phantom" not in repr(made)
    assert encoded(made).count(b"Phantom^") == 1
