"""A stained section as whole-slide tiles in several levels, whose cells are counted."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import ImageCms
from pydicom.dataset import Dataset
from pydicom.uid import UID, VLWholeSlideMicroscopyImageStorage

from skiagraph.errors import InvalidInput
from skiagraph.findings import Landmark, Landmarks, Measurement
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import COLOUR
from skiagraph.phantoms import concepts
from skiagraph.phantoms.drawn import Drawn
from skiagraph.phantoms.modules import DATE, TIME, item, number, place, put_pixels
from skiagraph.phantoms.strokes import smooth_field
from skiagraph.phantoms.study import invented_study
from skiagraph.values import array_digest

__all__ = ["tiled", "whole_slide"]

_PIXEL: Final = 0.0005  # mm
_HAEMATOXYLIN: Final = np.array(
    [0.65, 0.70, 0.29]
)  # optical density (red, green, blue); Ruifrok and Johnston, 2001
_EOSIN: Final = np.array([0.07, 0.99, 0.11])
_COLOURS: Final = ("red", "green", "blue")


def whole_slide(
    seed: int = 1, *, size: int = 1024, tile: int = 256, levels: int = 3, cells: int = 420
) -> Drawn:
    """A piece of tissue stained with haematoxylin and eosin.

    Args:
        seed: The same seed draws the same slide.
        size: Rows and columns of the finest level.
        tile: Rows and columns of a tile; tiles at the right and lower border are filled up with white.
        levels: Objects, each half as fine as the one before.
        cells: How many are tried to be placed.

    Returns:
        Images ``"level-0"`` (the finest) and so on; the centre of each nucleus, and how many there are.

    Raises:
        InvalidInput: No level, or a level of no pixel.
    """
    if levels < 1 or size >> (levels - 1) < 1 or tile < 1:
        raise InvalidInput("a slide has levels of at least one pixel", got=f"{levels} levels of {size}")
    rng = np.random.default_rng(seed)
    finest, centres = _stained(size, cells, rng)
    pictures = [finest]
    for _ in range(levels - 1):
        pictures.append(_halved(pictures[-1]))
    digest = array_digest(finest)
    frame = derived_frame(f"{digest} slide")
    images, objects = {}, []
    for level, picture in enumerate(pictures):
        pixel = _PIXEL * 2**level
        inset = (2**level - 1) / 2 * _PIXEL  # the middle of the first pixel of a coarse level lies further in
        affine = np.array([[0.0, pixel, inset], [pixel, 0.0, inset], [0.0, 0.0, 1.0]])
        plane = Plane(shape=(picture.shape[0], picture.shape[1]), affine=affine, frame=frame)
        images[f"level-{level}"] = Image(
            data=picture, space=plane, quantity=COLOUR, channels=_COLOURS, modality="SM"
        )
        objects.append(_dataset(picture, tile, level, digest, frame))
    plane = images["level-0"].space  # type: ignore[assignment]
    points = tuple(Landmark(code=concepts.NUCLEUS, point=c * _PIXEL) for c in centres)
    count = Measurement(
        concept=concepts.NUMBER,
        value=float(len(points)),
        unit=concepts.UNITY,
        method="known: nuclei that were drawn",
    )
    return Drawn(
        kind="whole-slide",
        datasets=tuple(objects),
        images=images,
        findings=(Landmarks(space=plane, items=points), count),
        phantom={"size": size, "tile": tile, "levels": levels, "pixel": _PIXEL},
    )


def _stained(size: int, cells: int, rng: Generator) -> tuple[NDArray[np.uint8], list[NDArray[np.float64]]]:
    """The picture, and the (x, y) of each nucleus in pixels."""
    wide, fine = (smooth_field(rng, (size, size), (s, s)) for s in (size / 5, 9.0))
    rows, columns = np.indices((size, size), dtype=np.float32)
    rim = np.hypot(rows - size / 2, columns - size / 2) / size - 0.05 * wide
    tissue = 1 / (1 + np.exp((rim - 0.43) * 90))
    fibres = np.abs(np.sin((rows * 0.6 + columns + 22 * wide) / 14.0 + 1.5 * fine))
    pink = tissue * (0.20 + 0.16 * fibres + 0.05 * fine + 0.05 * wide)
    lumen = smooth_field(rng, (size, size), (55.0, 55.0)) > 1.75
    pink = np.where(lumen, 0.02, pink)
    blue = 0.04 * tissue
    centres: list[NDArray[np.float64]] = []
    for _ in range(cells):
        at = rng.uniform(10, size - 10, 2)
        row, column = int(at[1]), int(at[0])
        apart = all(math.dist(at, other) > 15 for other in centres)
        if tissue[row, column] < 0.9 or lumen[row, column] or not apart:
            continue
        centres.append(at)
        _nucleus(blue, at, rng)
    density = blue[..., None] * _HAEMATOXYLIN + pink[..., None] * _EOSIN
    picture = 244 * 10**-density + rng.normal(0, 1.5, (size, size, 3))
    return np.rint(np.clip(picture, 0, 255)).astype(np.uint8), centres


def _nucleus(blue: NDArray[Any], at: NDArray[Any], rng: Generator) -> None:
    """An ellipse with clumps of chromatin."""
    reach = 10
    r0, c0 = (max(0, int(n) - reach) for n in (at[1], at[0]))
    part = blue[r0 : int(at[1]) + reach + 1, c0 : int(at[0]) + reach + 1]
    rows, columns = np.indices(part.shape)
    turn, long, short = rng.uniform(0, math.pi), rng.uniform(5.0, 7.5), rng.uniform(3.4, 5.0)
    dx, dy = columns + c0 - at[0], rows + r0 - at[1]
    u, v = dx * math.cos(turn) + dy * math.sin(turn), dy * math.cos(turn) - dx * math.sin(turn)
    share = 1 / (1 + np.exp((np.hypot(u / long, v / short) - 1) * 9))
    part[...] = np.maximum(part, share * (0.55 + 0.12 * rng.standard_normal(part.shape).clip(-2, 2)))


def _halved(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every two by two pixels become their mean; an odd last row or column is left out."""
    rows, columns = (n // 2 * 2 for n in picture.shape[:2])
    parts = picture[:rows, :columns].astype(np.float32).reshape(rows // 2, 2, columns // 2, 2, 3)
    return np.asarray(np.rint(parts.mean(axis=(1, 3))), np.uint8)


def tiled(picture: NDArray[np.uint8], tile: int) -> NDArray[np.uint8]:
    """Tiles row by row, shape (tiles, tile, tile, 3); white beyond the border."""
    down, along = (-(-n // tile) for n in picture.shape[:2])
    room = np.full((down * tile, along * tile, 3), 255, np.uint8)
    room[: picture.shape[0], : picture.shape[1]] = picture
    parts = room.reshape(down, tile, along, tile, 3).swapaxes(1, 2)
    return np.ascontiguousarray(parts.reshape(-1, tile, tile, 3))


def _coded(value: str, meaning: str, scheme: str = "SCT") -> Dataset:
    return item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def _dataset(picture: NDArray[np.uint8], tile: int, level: int, digest: str, frame: str) -> Dataset:
    """Source: DICOM PS3.3 sections A.32.8 and C.8.12.4, tiles in full (TILED_FULL)."""
    ds = invented_study(digest, VLWholeSlideMicroscopyImageStorage, "SM", patient="Phantom^Slide")
    place(ds, digest, series=1, instance=level + 1)
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = DATE
    ds.StudyTime = ds.SeriesTime = ds.ContentTime = TIME
    ds.AcquisitionDateTime, ds.DeviceSerialNumber, ds.AcquisitionDuration = DATE + TIME, "0", 60.0
    first = "ORIGINAL" if level == 0 else "DERIVED"
    ds.ImageType = [first, "PRIMARY", "VOLUME", "NONE" if level == 0 else "RESAMPLED"]
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = UID(frame), "SLIDE_CORNER"
    pixel, inset = _PIXEL * 2**level, (2**level - 1) / 2 * _PIXEL
    rows, columns = picture.shape[:2]
    put_pixels(ds, tiled(picture, tile), photometric="RGB")
    ds.NumberOfFrames = -(-rows // tile) * -(-columns // tile)
    ds.TotalPixelMatrixRows, ds.TotalPixelMatrixColumns, ds.TotalPixelMatrixFocalPlanes = rows, columns, 1
    ds.ImagedVolumeWidth, ds.ImagedVolumeHeight, ds.ImagedVolumeDepth = columns * pixel, rows * pixel, 0.004
    ds.TotalPixelMatrixOriginSequence = [
        item(
            XOffsetInSlideCoordinateSystem=number(20 - inset),
            YOffsetInSlideCoordinateSystem=number(40 - inset),
        )
    ]
    ds.ImageOrientationSlide = ["0", "-1", "0", "-1", "0", "0"]
    ds.DimensionOrganizationType, ds.SpecimenLabelInImage = "TILED_FULL", "NO"
    ds.BurnedInAnnotation, ds.FocusMethod, ds.ExtendedDepthOfField = "NO", "AUTO", "NO"
    ds.VolumetricProperties, ds.LossyImageCompression = "VOLUME", "00"
    organisation = UID(derived_frame(f"{digest} tiles"))
    ds.DimensionOrganizationSequence = [item(DimensionOrganizationUID=organisation)]
    ds.AcquisitionContextSequence = []
    _specimen(ds, digest)
    kind = item(FrameType=list(ds.ImageType))
    measures = item(PixelSpacing=[number(pixel)] * 2, SliceThickness="0.004", SpacingBetweenSlices="0.004")
    path = item(OpticalPathIdentifier="1")
    ds.SharedFunctionalGroupsSequence = [
        item(
            PixelMeasuresSequence=[measures],
            WholeSlideMicroscopyImageFrameTypeSequence=[kind],
            OpticalPathIdentificationSequence=[path],
        )
    ]
    del ds.PatientOrientation, ds.QualityControlImage
    return ds


def _specimen(ds: Dataset, digest: str) -> None:
    ds.NumberOfOpticalPaths = 1
    ds.OpticalPathSequence = [
        item(
            OpticalPathIdentifier="1",
            IlluminationTypeCodeSequence=[_coded("111744", "Brightfield illumination", "DCM")],
            IlluminationColorCodeSequence=[_coded("371251000", "White")],
            ICCProfile=_srgb(),
        )
    ]
    ds.ContainerIdentifier, ds.IssuerOfTheContainerIdentifierSequence = "PHANTOM-SLIDE", []
    ds.ContainerTypeCodeSequence = [_coded("433466003", "Microscope slide")]
    stain = [
        item(
            ValueType="CODE",
            ConceptNameCodeSequence=[_coded("424361007", "Using substance")],
            ConceptCodeSequence=[_coded(value, meaning)],
        )
        for value, meaning in (("12710003", "hematoxylin stain"), ("36879007", "water soluble eosin stain"))
    ]
    ds.SpecimenDescriptionSequence = [
        item(
            SpecimenIdentifier="PHANTOM",
            SpecimenUID=UID(derived_frame(f"{digest} specimen")),
            IssuerOfTheSpecimenIdentifierSequence=[],
            SpecimenPreparationSequence=[item(SpecimenPreparationStepContentItemSequence=stain)],
        )
    ]


def _srgb() -> bytes:
    """The colour profile of sRGB, dated (bytes 24 to 35 of its header) so that equal slides are equal files."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[:24] + bytes((7, 228, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0)) + profile[36:]
