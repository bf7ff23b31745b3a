"""Findings check themselves at birth: what none may say, in tables."""

import dataclasses
from datetime import UTC, datetime

import numpy as np
import pytest

from skiagraph import codes
from skiagraph.errors import ContractError, GeometryError, InvalidInput
from skiagraph.findings import (
    Box,
    Boxes,
    Classification,
    ClassScore,
    Contour,
    Contours,
    Curve,
    DerivedImage,
    DisplacementField,
    Embedding,
    Findings,
    Heatmap,
    Interval,
    Landmark,
    Landmarks,
    Measurement,
    NotApplicable,
    Provenance,
    RankedItem,
    Ranking,
    Segment,
    Segmentation,
    Text,
    Track,
    Tracks,
)
from skiagraph.geometry import Plane, Timeline, derived_frame
from skiagraph.image import Image, Lazy, pixels

FRAME = derived_frame("here")
STILL = Plane.upright(shape=(2, 3), spacing=(1.0, 1.0), frame=FRAME)
MOVING = dataclasses.replace(STILL, timeline=Timeline(times=np.arange(4.0)))
CODE = codes.HEAD
ONE = Segment(number=1, code=CODE)
TWO = Segment(number=2, code=CODE)
NAN = float("nan")


def segmentation(labels, segments=(ONE,), space=STILL, **options):
    return Segmentation(space=space, labels=np.asarray(labels), segments=segments, **options)


def scores(*probabilities):
    known = (codes.HEAD, codes.FETUS, codes.MM)
    return tuple(ClassScore(code=c, probability=p) for c, p in zip(known, probabilities, strict=False))


REFUSED = [
    # fields
    ("a segment numbered 0", lambda: Segment(number=0, code=CODE), InvalidInput, "from 1"),
    ("a sure segment", lambda: Segment(number=1, code=CODE, confidence=1.1), InvalidInput, "between 0 and 1"),
    (
        "an unsure segment",
        lambda: Segment(number=1, code=CODE, confidence=NAN),
        InvalidInput,
        "between 0 and 1",
    ),
    ("labels elsewhere", lambda: segmentation(np.zeros((3, 2), int)), GeometryError, "shape"),
    (
        "still labels that move",
        lambda: segmentation(np.zeros((2, 3), int), space=MOVING),
        GeometryError,
        "shape",
    ),
    ("fractional labels", lambda: segmentation(np.zeros((2, 3))), InvalidInput, "kind"),
    (
        "a label of nothing",
        lambda: segmentation(np.full((2, 3), 2)),
        InvalidInput,
        "each label has its segment",
    ),
    (
        "a number twice",
        lambda: segmentation(np.ones((2, 3), int), (ONE, ONE)),
        InvalidInput,
        "number of its own",
    ),
    (
        "overlap in one layer",
        lambda: segmentation(np.ones((2, 3), bool), kind="overlapping"),
        GeometryError,
        "shape",
    ),
    (
        "overlap of numbers",
        lambda: segmentation(np.ones((1, 2, 3), int), kind="overlapping"),
        InvalidInput,
        "kind",
    ),
    (
        "impossible probabilities",
        lambda: segmentation(np.ones((2, 3), int), probabilities=np.full((1, 2, 3), 1.5)),
        InvalidInput,
        "between 0 and 1",
    ),
    (
        "probabilities of one segment for two",
        lambda: segmentation(np.ones((2, 3), int), (ONE, TWO), probabilities=np.zeros((1, 2, 3))),
        GeometryError,
        "shape",
    ),
    (
        "unknown probabilities",
        lambda: segmentation(np.ones((2, 3), int), probabilities=np.full((1, 2, 3), NAN)),
        InvalidInput,
        "between 0 and 1",
    ),
    (
        "heat in whole numbers",
        lambda: Heatmap(space=STILL, values=np.zeros((2, 3), int), concept=CODE, unit=codes.ONE),
        InvalidInput,
        "kind",
    ),
    (
        "heat elsewhere",
        lambda: Heatmap(space=STILL, values=np.zeros((3, 3)), concept=CODE, unit=codes.ONE),
        GeometryError,
        "shape",
    ),
    (
        "vectors of three in a plane",
        lambda: DisplacementField(space=STILL, vectors=np.zeros((2, 3, 3)), target=FRAME),
        GeometryError,
        "shape",
    ),
    (
        "endless vectors",
        lambda: DisplacementField(space=STILL, vectors=np.full((2, 3, 2), np.inf), target=FRAME),
        InvalidInput,
        "finite",
    ),
    (
        "vectors to nowhere",
        lambda: DisplacementField(space=STILL, vectors=np.zeros((2, 3, 2)), target="there"),
        GeometryError,
        "DICOM UID",
    ),
    # marks
    (
        "a landmark nowhere",
        lambda: Landmark(code=CODE, point=np.array([1.0, NAN])),
        GeometryError,
        "finite point",
    ),
    ("two landmarks in one", lambda: Landmark(code=CODE, point=np.eye(2)), GeometryError, "finite point"),
    (
        "a solid landmark in a plane",
        lambda: Landmarks(space=STILL, items=(Landmark(code=CODE, point=np.ones(3)),)),
        GeometryError,
        "2 numbers",
    ),
    (
        "a landmark at a time in a still image",
        lambda: Landmarks(space=STILL, items=(Landmark(code=CODE, point=np.ones(2), moment=0),)),
        GeometryError,
        "timeline",
    ),
    (
        "a landmark after the end",
        lambda: Landmarks(space=MOVING, items=(Landmark(code=CODE, point=np.ones(2), moment=4),)),
        GeometryError,
        "frame 4",
    ),
    (
        "an empty box",
        lambda: Box(code=CODE, low=np.ones(2), high=np.ones(2)),
        GeometryError,
        "low below its high",
    ),
    (
        "an endless box",
        lambda: Box(code=CODE, low=np.ones(2), high=np.full(2, np.inf)),
        GeometryError,
        "finite",
    ),
    ("half a box", lambda: Box(code=CODE, low=np.ones(2), high=np.ones(3)), GeometryError, "finite edges"),
    (
        "a solid box in a plane",
        lambda: Boxes(space=STILL, items=(Box(code=CODE, low=np.zeros(3), high=np.ones(3)),)),
        GeometryError,
        "2 axes",
    ),
    (
        "a contour of one point",
        lambda: Contour(code=CODE, points=np.zeros((1, 2))),
        GeometryError,
        "at least 2",
    ),
    (
        "a contour without points",
        lambda: Contour(code=CODE, points=np.zeros(2)),
        GeometryError,
        "2 or 3 numbers",
    ),
    (
        "a solid contour in a plane",
        lambda: Contours(space=STILL, items=(Contour(code=CODE, points=np.eye(3)),)),
        GeometryError,
        "2 axes",
    ),
    (
        "a track that stands still",
        lambda: Track(code=CODE, moments=np.array([1, 1]), points=np.zeros((2, 2))),
        InvalidInput,
        "rise",
    ),
    (
        "a track before the beginning",
        lambda: Track(code=CODE, moments=np.array([-1, 1]), points=np.zeros((2, 2))),
        InvalidInput,
        "rise",
    ),
    (
        "a track with a gap",
        lambda: Track(code=CODE, moments=np.array([0, 1]), points=np.zeros((3, 2))),
        GeometryError,
        "one point a moment",
    ),
    (
        "a track of nothing",
        lambda: Track(code=CODE, moments=np.array([]), points=np.zeros((0, 2))),
        GeometryError,
        "at least 1",
    ),
    (
        "a track of a number",
        lambda: Track(code=CODE, moments=np.array([0]), points=np.float64(1)),
        GeometryError,
        "at least 1",
    ),
    (
        "a track in a still image",
        lambda: Tracks(
            space=STILL, items=(Track(code=CODE, moments=np.array([0]), points=np.zeros((1, 2))),)
        ),
        GeometryError,
        "timeline",
    ),
    # facts
    ("no class", lambda: Classification(concept=CODE, scores=()), InvalidInput, "has classes"),
    (
        "a class twice",
        lambda: Classification(concept=CODE, scores=scores(0.5) * 2),
        InvalidInput,
        "each once",
    ),
    ("half a class", lambda: Classification(concept=CODE, scores=scores(0.5)), InvalidInput, "sum to 1"),
    (
        "a strange class in the set",
        lambda: Classification(concept=CODE, scores=scores(0.5, 0.5), prediction_set=(codes.DAY,)),
        InvalidInput,
        "classes of the classification",
    ),
    ("an impossible class", lambda: ClassScore(code=CODE, probability=-0.1), InvalidInput, "between 0 and 1"),
    ("an interval that falls", lambda: Interval(low=2.0, high=1.0), InvalidInput, "rises"),
    ("an endless interval", lambda: Interval(low=0.0, high=float("inf")), InvalidInput, "finite"),
    ("an interval of 95", lambda: Interval(low=0.0, high=1.0, level=95), InvalidInput, "between 0 and 1"),
    (
        "a measurement of NaN",
        lambda: Measurement(concept=CODE, value=NAN, unit=codes.MM),
        InvalidInput,
        "finite",
    ),
    (
        "a measurement in heads",
        lambda: Measurement(concept=CODE, value=1.0, unit=codes.HEAD),
        InvalidInput,
        "UCUM",
    ),
    (
        "a curve that turns back",
        lambda: Curve(
            concept=CODE, at=np.array([1, 0]), at_unit=codes.SECOND, values=np.zeros(2), unit=codes.MM
        ),
        InvalidInput,
        "rising",
    ),
    (
        "a curve of nothing",
        lambda: Curve(
            concept=CODE, at=np.array([]), at_unit=codes.SECOND, values=np.array([]), unit=codes.MM
        ),
        InvalidInput,
        "rising",
    ),
    ("a silent text", lambda: Text(text="  \n"), InvalidInput, "words"),
    (
        "an embedding in whole numbers",
        lambda: Embedding(vector=np.arange(3), model="m"),
        InvalidInput,
        "finite vector",
    ),
    (
        "an endless embedding",
        lambda: Embedding(vector=np.array([np.inf]), model="m"),
        InvalidInput,
        "finite vector",
    ),
    (
        "a ranking with the best at the end",
        lambda: Ranking(items=(RankedItem(identifier="a", score=0.1), RankedItem(identifier="b", score=0.2))),
        InvalidInput,
        "best item first",
    ),
    ("a score of NaN", lambda: RankedItem(identifier="a", score=NAN), InvalidInput, "finite"),
    (
        "a refusal without a word",
        lambda: NotApplicable(reason="wrong-content", explanation=" "),
        InvalidInput,
        "why",
    ),
]


@pytest.mark.parametrize(
    ("make", "error", "sentence"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_what_no_finding_may_say_is_refused(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()


def test_the_mask_of_a_segment_is_found_by_its_number():
    exclusive = segmentation([[0, 1, 2], [2, 2, 0]], (TWO, ONE))
    assert exclusive.mask(2).tolist() == [[False, False, True], [True, True, False]]
    layers = np.zeros((2, 2, 3), bool)
    layers[0, 0] = True
    overlapping = segmentation(layers, (TWO, ONE), kind="overlapping")
    assert overlapping.mask(2).sum() == 3
    assert overlapping.mask(1).sum() == 0
    with pytest.raises(InvalidInput, match=r"3, there are \[2, 1\]"):
        exclusive.mask(3)


def test_a_segmentation_of_nothing_is_a_segmentation():
    assert segmentation(np.zeros((2, 3), np.uint8), ()).segments == ()
    assert segmentation(np.zeros((0, 2, 3), bool), (), kind="overlapping").labels.shape == (0, 2, 3)


def test_a_moving_segmentation_has_a_mask_for_each_frame():
    assert segmentation(np.ones((4, 2, 3), np.uint8), space=MOVING).mask(1).shape == (4, 2, 3)


def test_a_derived_image_is_decoded_and_lies_where_its_picture_lies():
    lazy = Image(data=Lazy(lambda: np.ones((2, 3)), shape=(2, 3), dtype=np.float32), space=STILL)
    derived = DerivedImage(image=lazy, kind="enhanced")
    assert isinstance(derived.image.data, np.ndarray)
    assert np.array_equal(pixels(derived.image), np.ones((2, 3)))
    assert derived.space == STILL


def test_findings_hold_findings_in_order_with_one_provenance():
    provenance = Provenance(
        sources=(), model="m", model_version="1", created=datetime(2026, 1, 1, tzinfo=UTC)
    )
    said = (Text(text="one"), Text(text="two"))
    findings = Findings(items=said, provenance=provenance)
    assert (tuple(findings), len(findings)) == (said, 2)
    with pytest.raises(ContractError, match="got str"):
        Findings(items=("three",), provenance=provenance)
    with pytest.raises(InvalidInput, match="time zone"):
        dataclasses.replace(provenance, created=datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point
