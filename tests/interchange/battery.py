"""A finding of every kind that has a home in DICOM, for any case: what all archives and validators are shown."""

from datetime import UTC, datetime

import numpy as np
from sources import marks

from skiagraph import codes
from skiagraph.case import Case
from skiagraph.codes import Code
from skiagraph.findings import (
    Box,
    Boxes,
    Classification,
    ClassScore,
    Contour,
    Contours,
    DerivedImage,
    DisplacementField,
    Finding,
    Heatmap,
    Interval,
    Landmark,
    Landmarks,
    Measurement,
    NotApplicable,
    Provenance,
    Segment,
    Segmentation,
    Text,
)
from skiagraph.geometry import Grid, Transform, derived_frame, to_world
from skiagraph.image import Image, pixels

LIVER = Code(value="10200004", scheme="SCT", meaning="Liver")
SPLEEN = Code(value="78961009", scheme="SCT", meaning="Spleen")
LESION = Code(value="52988006", scheme="SCT", meaning="Lesion")
DIAMETER = Code(value="81827009", scheme="SCT", meaning="Diameter")
FINDINGS = Code(value="59776-5", scheme="LN", meaning="Procedure Findings")
PROVENANCE = Provenance(
    sources=(), model="letter finder", model_version="1.2", model_digest="ab" * 32, software="0.0",
    engine="none", precision="fp32", created=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
)  # fmt: skip
SEGMENTS = (Segment(number=1, code=LIVER, confidence=0.875), Segment(number=2, code=SPLEEN))


def segmentations(case: Case) -> dict[str, Segmentation]:
    """The letter (segment 1) and the pole (segment 2): exclusive, overlapping, one by one, with probabilities."""
    space, found = case.image.space, marks(case)
    both = np.stack([found == 1, found == 2])
    chance = np.stack([found == 1, found == 2]).astype(np.float32) * 0.75
    alone = (Segment(number=1, code=LIVER),)
    return {
        "exclusive": Segmentation(space=space, labels=found, segments=SEGMENTS),
        "overlapping": Segmentation(space=space, labels=both, segments=SEGMENTS, kind="overlapping"),
        "instances": Segmentation(
            space=space, labels=found, segments=(*alone, Segment(number=2, code=LIVER)), kind="instances"
        ),
        "probable": Segmentation(space=space, labels=found, segments=SEGMENTS, probabilities=chance),
        "letter": Segmentation(space=space, labels=(found == 1).astype(np.uint8), segments=alone),
        "pole": Segmentation(space=space, labels=(found == 2).astype(np.uint8), segments=alone),
    }


def fields(case: Case) -> dict[str, Finding]:
    """Heat map, derived images; on a lattice in the patient a displacement field and a registration."""
    image = case.image
    space, found = image.space, marks(case)
    heat = np.where(found == 1, 1.0, np.where(found == 2, np.nan, 0.25)).astype(np.float32)
    result: dict[str, Finding] = {
        "heat map": Heatmap(space=space, values=heat, concept=LESION, unit=codes.ONE),
        "derived image": DerivedImage(image=_enhanced(image), kind="enhanced"),
    }
    if isinstance(space, Grid) and space.unit == "mm":
        other = derived_frame("another scan")
        matrix = np.array([[0.0, -1, 0, 5.5], [1, 0, 0, -2.25], [0, 0, 1, 7.125], [0, 0, 0, 1]])
        result["registration"] = Transform(matrix=matrix, source=space.frame, target=other)
        if _upright(space):
            vectors = np.stack(np.indices(space.shape), axis=-1).astype(np.float32) * 0.25
            result["displacement"] = DisplacementField(space=space, vectors=vectors, target=other)
    return result


def _upright(space: Grid) -> bool:
    """Whether the axes stand at right angles, as those of a deformation grid do (DICOM PS3.3 C.20.3.1.1)."""
    products = space.affine[:3, :3].T @ space.affine[:3, :3]
    return bool(np.allclose(products, np.diag(np.diag(products)), atol=1e-6))


def _enhanced(image: Image) -> Image:
    values = pixels(image)
    data = 255 - values if image.channels else (values * 0.5).astype(np.float32)
    return Image(
        data=data,
        space=image.space,
        quantity=image.quantity,
        channels=image.channels,
        modality=image.modality,
    )


def spatial_marks(case: Case) -> dict[str, Finding]:
    """Points, boxes and lines at the corners of the letter, in the moment in which it is there."""
    space = case.image.space
    lit = np.argwhere(marks(case) == 1)
    moment = None if space.timeline is None else int(lit[0, 0])
    still = lit[lit[:, 0] == lit[0, 0]] if moment is not None else lit
    corners = still[:, -space.ndim :].astype(float)
    low, high = corners.min(axis=0), corners.max(axis=0)
    top, end = low.copy(), low.copy()
    top[-1], end[-2] = high[-1], high[-2]
    triangle = to_world(space, np.stack([low, top, end]))
    return {
        "landmarks": Landmarks(
            space=space,
            items=(
                Landmark(code=LESION, point=triangle[0], confidence=0.5, moment=moment),
                Landmark(code=LIVER, point=triangle[1], moment=moment),
            ),
        ),
        "boxes": Boxes(
            space=space,
            items=(Box(code=LESION, low=low - 0.5, high=high + 0.5, confidence=0.75, moment=moment),),
        ),
        "contours": Contours(
            space=space,
            items=(
                Contour(code=LIVER, points=triangle, moment=moment),
                Contour(code=DIAMETER, points=triangle[:2], closed=False, confidence=0.25, moment=moment),
            ),
        ),
    }


def facts() -> dict[str, Finding]:
    """What has no place."""
    scores = (ClassScore(code=LIVER, probability=0.75), ClassScore(code=SPLEEN, probability=0.25))
    interval = Interval(low=11.5, high=13.25, level=0.9)
    return {
        "measurement": Measurement(
            concept=DIAMETER,
            value=12.5,
            unit=codes.MM,
            interval=interval,
            method="By the length of the letter.",
        ),
        "classification": Classification(concept=LESION, scores=scores, prediction_set=(LIVER,), level=0.9),
        "text": Text(text="No lesion. 未见病变。", language="zh", concept=FINDINGS),
        "no answer": NotApplicable(
            reason="poor-quality", explanation="The picture is too dark.", concept=DIAMETER, score=0.125
        ),
    }


def findings(case: Case) -> dict[str, Finding]:
    """One of every kind, by name."""
    return {**segmentations(case), **fields(case), **spatial_marks(case), **facts()}
