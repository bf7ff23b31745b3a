"""One door out and one in: every kind of finding goes to its home and comes back, or says that it has none."""

import dataclasses
from collections.abc import Mapping
from typing import get_args

import numpy as np
import pydicom
import pytest
from battery import findings as battery_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from written import CONTENT, report

from skiagraph import codes
from skiagraph.case import Case
from skiagraph.errors import FormatError, NoDicomHome
from skiagraph.findings import (
    Boxes,
    Classification,
    Contour,
    Contours,
    Curve,
    DerivedImage,
    DisplacementField,
    Embedding,
    Finding,
    Heatmap,
    Landmarks,
    Measurement,
    NotApplicable,
    RankedItem,
    Ranking,
    Segmentation,
    Text,
    Track,
    Tracks,
)
from skiagraph.geometry import Grid, Plane, Timeline, Transform
from skiagraph.image import Image
from skiagraph.interchange import dataset_of, encoded, export, export_report, imported
from skiagraph.testing import strategies

PLANE = Plane.upright(
    shape=(6, 5), spacing=(0.5, 0.25), frame="2.25.3", timeline=Timeline(times=np.arange(3.0))
)
HOMELESS = {
    "tracks": Tracks(
        space=PLANE, items=(Track(code=codes.HEAD, moments=np.array([0, 2]), points=np.zeros((2, 2))),)
    ),
    "curve": Curve(
        concept=codes.HEAD, at=np.arange(3.0), at_unit=codes.SECOND, values=np.arange(3.0), unit=codes.MM
    ),
    "embedding": Embedding(vector=np.ones(4, np.float32), model="net 1"),
    "ranking": Ranking(items=(RankedItem(identifier="a", score=1.0),)),
    "registration of pictures": Transform(matrix=np.eye(3), source="2.25.3", target="2.25.4"),
    "field on a picture": DisplacementField(
        space=PLANE, vectors=np.zeros((6, 5, 2), np.float32), target="2.25.4"
    ),
}
AT_HOME = {
    Segmentation: "SEG",
    Heatmap: "OT",
    DisplacementField: "REG",
    Transform: "REG",
    **dict.fromkeys((Landmarks, Boxes, Contours, Measurement, Classification, Text, NotApplicable), "SR"),
}


def case_of(finding):
    """A case whose image lies where the finding lies."""
    space = PLANE if not hasattr(finding, "space") else finding.space
    moments = () if space.timeline is None else (len(space.timeline),)
    image = Image(data=np.zeros((*moments, *space.shape), np.uint8), space=space)
    return Case(identifier="case", images={"image": image})


def alike(a, b, exact=1e-6):
    """Whether two values are equal, numbers to what 32-bit floats and decimal strings carry."""
    if isinstance(a, np.ndarray):
        same = isinstance(b, np.ndarray) and (a.dtype, a.shape) == (b.dtype, b.shape)
        size = float(np.nanmax(np.abs(a), initial=1.0)) if same and a.dtype.kind == "f" and a.size else 1.0
        return same and (
            np.allclose(a, b, rtol=0, atol=exact * size, equal_nan=True)
            if a.dtype.kind == "f"
            else np.array_equal(a, b)
        )
    if dataclasses.is_dataclass(a):
        names = [f.name for f in dataclasses.fields(a)]
        strict = {"probabilities": 0.0}
        return type(a) is type(b) and all(
            alike(getattr(a, n), getattr(b, n), strict.get(n, exact)) for n in names if n != "meaning"
        )
    if isinstance(a, tuple):
        return isinstance(b, tuple) and len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, float):
        return isinstance(b, float) and b == pytest.approx(a, rel=exact, abs=1e-12)
    return a == b


@given(strategies.findings(), st.booleans())
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_a_finding_comes_back_from_its_home_or_has_none(finding, beside):
    case = case_of(finding) if beside else case_of(None)
    try:
        made = export(finding, case, content=CONTENT)
    except NoDicomHome:
        assert not isinstance(finding, Measurement | Classification | Text | NotApplicable)
        return
    (again,) = imported(dataset_of(made)).findings
    assert alike(finding, again), (finding, again)
    assert encoded(export(finding, case, content=CONTENT)) == encoded(made)


@pytest.mark.parametrize("name", HOMELESS)
def test_what_no_object_carries_says_so_and_names_the_way_out(name):
    with pytest.raises(NoDicomHome) as caught:
        export(HOMELESS[name], case_of(HOMELESS[name]), content=CONTENT)
    assert "JSON" in str(caught.value)


def test_every_kind_of_the_union_has_a_home_or_none():
    kinds = {type(finding) for finding in HOMELESS.values()} | set(AT_HOME) | {DerivedImage}
    assert set(get_args(Finding)) == kinds


@pytest.mark.parametrize("name", ["axial CT", "ultrasound cine", "X-ray", "PNG"])
def test_each_kind_comes_back_from_a_real_study(name, drawn_source):
    case = drawn_source(name).case
    for what, finding in battery_of(case).items():
        made = export(finding, case, content=CONTENT)
        assert made.header.Modality in (AT_HOME.get(type(finding)), "OT", case.image.modality), what
        (again,) = imported(dataset_of(made), case).findings
        assert alike(finding, again), what


@pytest.mark.parametrize("name", ["axial CT", "X-ray", "PNG"])
def test_a_report_refers_to_the_objects_that_go_with_it(name, drawn_source):
    case = drawn_source(name).case
    done = export_report(report(case), case)
    names = [one.name for one in done.objects]
    assert len(set(names)) == len(names)
    assert ("image" in names) == (name == "PNG")
    masks = {one.object.sop_instance_uid for one in done.objects if one.name.startswith("segmentation")}
    words = next(one.object for one in done.objects if one.name == "measurements")
    referred = {
        str(element.value)
        for element in dataset_of(words).iterall()
        if element.keyword == "ReferencedSOPInstanceUID"
    }
    assert masks <= referred
    assert {one.object.header.StudyInstanceUID for one in done.objects} == {words.header.StudyInstanceUID}


def test_what_has_no_home_is_listed_with_the_reason(drawn_source):
    case = drawn_source("axial CT").case
    said = report(case)
    items = (*said.findings.items, HOMELESS["embedding"])
    more = dataclasses.replace(said, findings=dataclasses.replace(said.findings, items=items))
    ((finding, reason),) = export_report(more, case).homeless
    assert isinstance(finding, Embedding)
    assert "Embedding" in reason


def both(drawn_source):
    """A case of two scans of two studies, and a report of masks on each."""
    now, before = (drawn_source(name).case for name in ("axial CT", "oblique MR"))
    case = Case(
        identifier="both",
        images={"current": now.image, "prior": before.image},
        origins={"current": now.origins["image"], "prior": before.origins["image"]},
    )
    items = [battery_of(one)[name] for one in (now, before) for name in ("exclusive", "overlapping")]
    said = report(now)
    items += [finding for finding in said.findings.items if isinstance(finding, Measurement)]
    return case, dataclasses.replace(said, findings=dataclasses.replace(said.findings, items=tuple(items)))


def test_each_object_stands_in_the_study_of_its_image_and_is_cited_there(drawn_source):
    case, said = both(drawn_source)
    studies = {name: origin.study_uid for name, origin in case.origins.items()}
    assert len(set(studies.values())) == 2
    made = {one.name: one.object.header for one in export_report(said, case).objects}
    for name, n in (("current", 1), ("current", 2), ("prior", 3), ("prior", 4)):
        assert made[f"segmentation-{n}"].StudyInstanceUID == studies[name]
    assert [made[f"capture-{n}"].StudyInstanceUID for n in (1, 2)] == list(studies.values())
    assert [made[f"key-images-{n}"].StudyInstanceUID for n in (1, 2)] == list(studies.values())
    words = made["measurements"]
    for keyword, name in (
        ("CurrentRequestedProcedureEvidenceSequence", "current"),
        ("PertinentOtherEvidenceSequence", "prior"),
    ):
        (study,) = words[keyword].value
        series = {str(item.SeriesInstanceUID) for item in study.ReferencedSeriesSequence}
        masks = [made[f"segmentation-{n}"] for n in ((1, 2) if name == "current" else (3, 4))]
        assert study.StudyInstanceUID == studies[name]
        assert series == {case.origins[name].series_uid} | {str(m.SeriesInstanceUID) for m in masks}


def test_the_objects_of_one_series_differ_in_number_and_agree_in_frame(drawn_source):
    case, said = both(drawn_source)
    seen: dict[str, list] = {}
    for one in export_report(said, case).objects:
        seen.setdefault(str(one.object.header.SeriesInstanceUID), []).append(one.object.header)
    assert max(map(len, seen.values())) > 1
    for headers in seen.values():
        assert len({h.InstanceNumber for h in headers}) == len(headers)
        assert len({(h.get("FrameOfReferenceUID"), h.StudyInstanceUID, h.Modality) for h in headers}) == 1


def test_marks_on_a_picture_that_is_not_there_do_not_keep_the_rest_from_being_written(drawn_source):
    case = drawn_source("axial CT").case
    said = report(case)
    marks = Contours(
        space=PLANE, items=(Contour(code=codes.HEAD, points=np.array([[1.0, 1], [2, 3], [4, 1]])),)
    )
    items = (marks, *said.findings.items)
    more = dataclasses.replace(said, findings=dataclasses.replace(said.findings, items=items))
    done = export_report(more, case)
    assert [finding for finding, _ in done.homeless] == [marks]
    assert "JSON" in done.homeless[0][1]
    assert [one.name for one in done.objects] == [one.name for one in export_report(said, case).objects]


def test_a_finding_on_a_lattice_without_right_angles_does_not_keep_the_rest_from_being_written(drawn_source):
    case = drawn_source("axial CT").case
    affine = np.eye(4)
    affine[1, 2] = 0.5
    space = Grid(shape=(2, 3, 4), affine=affine, frame=case.image.space.frame)
    skew = Heatmap(space=space, values=np.zeros(space.shape), concept=codes.HEAD, unit=codes.ONE)
    said = report(case)
    items = (*said.findings.items, skew)
    more = dataclasses.replace(said, findings=dataclasses.replace(said.findings, items=items))
    assert [finding for finding, _ in export_report(more, case).homeless] == [skew]


def test_an_image_is_no_result(drawn_source):
    source = drawn_source("axial CT")
    ds = pydicom.dcmread(next(path for path in sorted(source.folder.rglob("*")) if path.is_file()))
    with pytest.raises(FormatError, match="CT Image Storage"):
        imported(ds)
