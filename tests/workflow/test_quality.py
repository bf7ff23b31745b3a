"""The check that any case passes through: findings with a verdict, sentences, the model's own gate, and readings."""

import dataclasses
import json

import numpy as np
import pytest

from skiagraph import codes
from skiagraph.case import Case
from skiagraph.codes import Code
from skiagraph.findings import Classification, ClassScore, Measurement, NotApplicable, Text
from skiagraph.geometry import Plane, Timeline, derived_frame
from skiagraph.image import Image
from skiagraph.io import read_case
from skiagraph.io.dicom.views import REGIONS
from skiagraph.phantoms.artefacts import blanked, sheared, with_spacing
from skiagraph.phantoms.sections import chest_film, chest_sections, fundus, head_sections
from skiagraph.workflow import Outcome, Request, read
from skiagraph.workflow.quality import checked, remarks, with_remarks


def case_of(image, *, scanned=True, **others):
    return Case(
        identifier="case", images={"image": image, **others}, uids={"image": "1.2.3"} if scanned else {}
    )


def said(image, **others):
    case = case_of(image, **others)
    return remarks(case, checked(case))


def by_topic(checks):
    return {check.topic: check for check in checks}


def small_ct(rng):
    return chest_sections(rng, slices=2, side=256)


def test_a_clean_ct_is_measured_and_good(rng):
    checks = by_topic(checked(case_of(small_ct(rng))))
    assert {check.verdict for check in checks.values()} <= {"good", "not judged"}
    assert all(isinstance(check.finding, Measurement) for check in checks.values() if check.verdict == "good")
    assert checks["noise"].finding.unit == codes.HOUNSFIELD
    assert checks["spacing"].finding.unit == codes.MM


def test_signal_to_noise_has_the_code_of_the_standard(rng):
    checks = by_topic(checked(case_of(head_sections(rng, slices=2, side=128))))
    assert checks["signal to noise"].finding.concept == Code(value="111787", scheme="DCM")


@pytest.mark.parametrize(
    ("factors", "words"),
    [((10, 10, 10), "longest side"), ((0.1, 0.1, 0.1), "longest side"), ((12, 1, 1), "as long as wide")],
)
def test_sizes_that_cannot_be_are_remarked(rng, factors, words):
    assert any(words in sentence for sentence in said(with_spacing(small_ct(rng), factors)))


def test_a_missing_size_is_remarked_where_scanners_state_one(rng):
    assert any("no size" in sentence for sentence in said(with_spacing(small_ct(rng), None)))
    assert by_topic(checked(case_of(fundus(rng, side=128))))["size"].verdict == "not judged"


def test_a_gantry_tilt_is_remarked(rng):
    assert said(sheared(small_ct(rng), 20.0)) == (
        "Its slices are tilted by 20 degrees; a model that needs right angles reads it resampled.",
    )


def test_blank_slices_of_a_scanner_are_numbered_from_one(rng):
    image = blanked(head_sections(rng, slices=6, side=64), (2, 5))
    assert "Slices 3, 6 of 6 are blank." in said(image)
    assert "Slices 3 of 6 are blank." in said(image, scanned=False)


def test_a_blank_frame_of_a_cine_is_numbered(rng):
    frames = rng.integers(0, 200, (5, 64, 64)).astype(np.uint8)
    frames[3] = 0
    space = Plane.upright(
        shape=(64, 64),
        spacing=(0.3, 0.3),
        frame=derived_frame("cine"),
        timeline=Timeline(times=np.arange(5.0)),
    )
    assert "Frames 4 of 5 are blank." in said(Image(data=frames, space=space, modality="US"))


def test_air_alone_and_values_without_their_offset_are_remarked(rng):
    image = small_ct(rng)
    air = dataclasses.replace(
        image, data=np.full(image.data.shape, -1000) + rng.integers(-9, 9, image.data.shape)
    )
    assert any("hardly more than air" in sentence for sentence in said(air))
    stored = dataclasses.replace(image, data=np.asarray(image.data) + np.int16(1024))
    assert any("not Hounsfield units" in sentence for sentence in said(stored))


def test_several_images_are_named_in_their_remarks(rng):
    good = chest_film(rng, shape=(128, 160))
    tilted = sheared(head_sections(rng, slices=3, side=64), 10.0)
    (sentence,) = [s for s in said(good, second=tilted) if "tilted" in s]
    assert sentence.startswith("second: ")


def test_the_model_that_was_asked_says_whether_it_takes_the_case(phantom, reader, rng):
    head = read_case(phantom.folder / "head.dcm")
    taken = by_topic(checked(head, reader))["model"]
    assert (taken.verdict, type(taken.finding)) == ("good", Text)
    refused = by_topic(checked(case_of(small_ct(rng)), reader))["model"]
    assert refused.verdict == "remark"
    assert isinstance(refused.finding, NotApplicable)
    assert refused.finding.reason == "wrong-shape"


def test_another_part_of_the_body_is_refused_by_the_gate(reader, rng):
    film = dataclasses.replace(chest_film(rng), modality="US")
    refused = by_topic(checked(case_of(film), reader))["model"]
    assert refused.finding.reason == "wrong-content"


@pytest.mark.parametrize(
    ("part", "verdict"),
    [("CHEST", "remark"), ("KNEE", "remark"), ("HEAD", "good"), ("UTERUS", "good"), ("ABDOMEN", "good")],
)
def test_the_part_of_the_body_in_the_header_is_held_against_that_of_the_model(phantom, reader, part, verdict):
    head = read_case(phantom.folder / "head.dcm")
    said = Classification(
        concept=codes.ANATOMIC_REGION, scores=(ClassScore(code=REGIONS[part], probability=1.0),)
    )
    case = dataclasses.replace(head, known={"body_part": said})
    check = by_topic(checked(case, reader))["body part"]
    assert check.verdict == verdict
    told = f"Its file states that it shows: {REGIONS[part].meaning}. fetal-head-ultrasound reads: Head."
    assert check.sentence == (told if verdict == "remark" else "")
    assert (told in with_remarks(case, reader.card).problems) == (verdict == "remark")
    assert by_topic(checked(case, reader))["model"].verdict == "good"


def test_a_file_that_states_no_part_of_the_body_is_not_asked_for_it(phantom, reader):
    case = read_case(phantom.folder / "head.png")
    assert "body part" not in by_topic(checked(case, reader))


def test_a_clean_phantom_adds_no_problem_to_its_case(phantom):
    case = read_case(phantom.folder / "head.dcm")
    assert with_remarks(case).problems == case.problems


def test_remarks_reach_the_reading(phantom, reader, tmp_path):
    from PIL import Image as Pillow

    clipped = np.where(
        phantom.picture > np.quantile(phantom.picture[phantom.picture > 5], 0.85), 255, phantom.picture
    )
    Pillow.fromarray(clipped.astype(np.uint8)).save(tmp_path / "clipped.dcm.png")
    case = read_case(tmp_path / "clipped.dcm.png")
    shown = dataclasses.replace(case.image, modality="US")
    assert any(
        "highest value" in s
        for s in with_remarks(dataclasses.replace(case, images={"image": shown})).problems
    )
    Pillow.fromarray(np.zeros((540, 800), np.uint8)).save(tmp_path / "blank.png")
    (outcome,) = read(Request(path=tmp_path / "blank.png", out=tmp_path / "out"), reader)
    assert isinstance(outcome, Outcome)
    document = json.loads((tmp_path / "out" / "reading.json").read_text("utf-8"))
    assert "It shows nothing: it has one value." in document["problems"]
    assert "It shows nothing" in (tmp_path / "out" / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("folder", "modality", "allowed"),
    [
        ("fetal_head/images", "US", 0.02),
        ("cxr_retrieval/images", "DX", 0.05),
        ("hippocampus/images", "MR", 0.05),
    ],
)
def test_remarks_on_good_images_are_rare(data_pack, folder, modality, allowed):
    paths = sorted(p for p in (data_pack / folder).iterdir() if p.suffix in {".png", ".gz"})[:20]
    remarked = 0
    for path in paths:
        case = read_case(path)
        shown = dataclasses.replace(case.image, modality=modality)
        checks = checked(dataclasses.replace(case, images={"image": shown}))
        remarked += any(check.verdict == "remark" and check.topic != "size" for check in checks)
    assert remarked <= allowed * len(paths)
