"""Small studies of every kind, real files, each with a bright letter F in one picture and a pixel of a pole in each."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import PIL.Image
import pydicom.uid
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from scipy.spatial.transform import Rotation

from skiagraph.case import Case
from skiagraph.geometry import Grid, derived_frame
from skiagraph.image import pixels
from skiagraph.io import read_case
from skiagraph.phantoms import concepts
from skiagraph.phantoms.ct_series import ct_series
from skiagraph.phantoms.enhanced_mr import enhanced_mr
from skiagraph.phantoms.modules import DATE, TIME, code_item, item, number, place, put_pixels
from skiagraph.phantoms.mr_series import MrScan, mr_series
from skiagraph.phantoms.study import invented_study, write_dataset
from skiagraph.phantoms.tilted_ct import tilted_grid
from skiagraph.values import array_digest

SHAPE = (7, 23, 19)  # slices, rows, columns: none like another, and no whole number of bytes a frame of bits
SPACING = (3.0, 1.5, 0.75)  # mm
FRAMES = 5
F_SLICE = 4  # neither the middle nor its own mirror image
_F = np.array(
    [[c == "#" for c in row] for row in ("#####", "#....", "#....", "####.", "#....", "#....", "#....")]
)
F = np.kron(_F, np.ones((2, 2), np.bool_))  # (14, 10)
_BRIGHT, _CORNER = 3000, (3, 7)  # of the letter, in the picture as its file has it


def picture_of_f(shape: tuple[int, int] = SHAPE[1:], shift: int = 0) -> NDArray[np.bool_]:
    """The letter in one picture, (rows, columns)."""
    mask = np.zeros(shape, np.bool_)
    row, column = _CORNER[0] + shift, _CORNER[1] - shift
    mask[row : row + F.shape[0], column : column + F.shape[1]] = F
    return mask


def pole_in(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """One pixel in every picture of a stack (..., rows, columns), in each elsewhere, never on the letter."""
    mask = np.zeros(shape, np.bool_)
    for index in np.ndindex(shape[:-2]):
        row = 3 + sum(step * i for step, i in zip((3, 2), reversed(index), strict=False))
        mask[(*index, row, sum(index) % 4)] = True
    return mask


def stored(masks: NDArray[np.bool_], bright: int = _BRIGHT) -> NDArray[np.uint16]:
    """Stored values: a ramp that differs along every axis, the letter brightest, the pole two thirds as bright."""
    at = np.indices(masks.shape)[-3:] if masks.ndim > 2 else np.indices(masks.shape)
    steps = (20, 7, 3)[-len(at) :]
    ramp = sum(step * index for step, index in zip(steps, at, strict=True)) + 100
    values = np.where(pole_in(masks.shape), 2 * bright // 3, ramp * (bright / _BRIGHT))
    return np.where(masks, bright, values).astype(np.uint16)


def levels(values: NDArray[Any]) -> NDArray[np.uint8]:
    """1 where the letter is, 2 where the pole is, 0 elsewhere: by brightness between the darkest and the brightest."""
    low, high = float(values.min()), float(values.max())
    bright = (values.astype(np.float64) - low) / (high - low)
    return np.where(bright > 0.83, 1, np.where(bright > 0.5, 2, 0)).astype(np.uint8)


def marks(case: Case) -> NDArray[np.uint8]:
    """1 where the letter is, 2 where the pole is, in the axes of the case's image without its channels."""
    values = pixels(case.image)
    return levels(values.sum(axis=-1, dtype=np.float64) if case.image.channels else values)


def letter(case: Case) -> NDArray[np.bool_]:
    """Where the F is, in the axes of the case's image without its channels."""
    return marks(case) == 1


def grid(right: Sequence[float], down: Sequence[float], along: Sequence[float] | None = None) -> Grid:
    """Slices whose rows run `right` and columns run `down`, one after the other `along` (the normal where None)."""
    way = np.cross(right, down) if along is None else np.asarray(along, float)
    axes = np.stack([way, down, right], axis=-1) * np.array(SPACING)
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = axes, (-12.5, 31.25, -101.0)
    return Grid(shape=SHAPE, affine=affine, frame=derived_frame(f"grid {affine.tolist()}"))


TURNED = Rotation.from_euler("xyz", [25, -15, 40], degrees=True).as_matrix()
AXIAL = grid([1, 0, 0], [0, 1, 0])
OBLIQUE = grid(TURNED[:, 0], TURNED[:, 1])
SAGITTAL = grid([0, 1, 0], [0, 0, -1], along=[1, 0, 0])  # from right to left, against the normal
DECUBITUS = grid([0, 1, 0], [-1, 0, 0])
TILTED = tilted_grid(SHAPE, SPACING, 20.0)


def volume_of_f() -> NDArray[np.bool_]:
    """The letter in one slice of a volume."""
    mask = np.zeros(SHAPE, np.bool_)
    mask[F_SLICE] = picture_of_f()
    return mask


def moving_f(slices: int | None = None) -> NDArray[np.bool_]:
    """The letter in moments 1 and 3 of a film, each time elsewhere; in slice 2 where there are slices."""
    still = SHAPE[1:] if slices is None else (slices, *SHAPE[1:])
    mask = np.zeros((FRAMES, *still), np.bool_)
    for moment in (1, 3):
        where = mask[moment] if slices is None else mask[moment, 2]
        where[...] = picture_of_f(shift=moment)
    return mask


def written(datasets: Iterable[Dataset], folder: Path) -> Case:
    """Writes the objects in an order that is not theirs, and reads them as anybody would."""
    objects = list(datasets)
    folder.mkdir(parents=True, exist_ok=True)
    for n, ds in enumerate(objects):
        write_dataset(
            ds, folder / f"{n * 5 % len(objects) if len(objects) % 5 else len(objects) - n:04d}.dcm"
        )
    return read_case(folder)


def ct(at: Grid, folder: Path, **attributes: Any) -> Case:
    values = stored(volume_of_f()).astype(np.int16) - 1024
    gap = SPACING[0] * (np.cos(np.deg2rad(20.0)) if at is TILTED else 1.0)
    return written(ct_series(values, at, patient="Phantom^Letter", thickness=gap, **attributes), folder)


def mr(at: Grid, folder: Path, **attributes: Any) -> Case:
    scan = MrScan(name="letter", more=attributes)
    return written(
        mr_series(stored(volume_of_f()), at, scan, digest=_digest(at), patient="Phantom^Letter"), folder
    )


def enhanced(folder: Path) -> Case:
    scan = MrScan(name="t1")
    made = enhanced_mr(
        stored(volume_of_f()), OBLIQUE, scan, digest=_digest(OBLIQUE), patient="Phantom^Letter"
    )
    return written(made, folder)


def _digest(at: Grid) -> str:
    return array_digest(at.affine)


def cardiac_cine(folder: Path) -> Case:
    """Four oblique slices at five moments of the heart beat, twenty objects."""
    at = Grid(shape=(4, *SHAPE[1:]), affine=OBLIQUE.affine, frame=OBLIQUE.frame)
    objects: list[Dataset] = []
    for moment, values in enumerate(stored(moving_f(4))):
        more = {
            "TriggerTime": number(40.0 * moment),
            "NominalInterval": 200,
            "HeartRate": 300,
            "CardiacNumberOfImages": FRAMES,
            "ScanOptions": "CG",
            "SequenceVariant": ["SS", "SP"],
        }
        scan = MrScan(
            name="cine", sequence="GR", body="HEART", first=1 + moment * 4, thickness=2.5, more=more
        )
        objects += mr_series(values, at, scan, digest=_digest(at), patient="Phantom^Heart")
    return written(objects, folder)


def _dated(sop_class: str, modality: str, image_type: list[str]) -> Dataset:
    ds = invented_study(modality + sop_class, pydicom.uid.UID(sop_class), modality, patient="Phantom^Letter")
    place(ds, modality + sop_class, series=1, instance=1)
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = DATE
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = TIME
    ds.ImageType, ds.LossyImageCompression, ds.BurnedInAnnotation = image_type, "00", "NO"
    return ds


def ultrasound_cine(folder: Path) -> Case:
    """One object of five frames, 0.5 by 0.5 mm."""
    ds = _dated(
        pydicom.uid.UltrasoundMultiFrameImageStorage, "US", ["ORIGINAL", "PRIMARY", "ABDOMINAL", "0001"]
    )
    put_pixels(ds, stored(moving_f(), bright=250).astype(np.uint8))
    ds.FrameTime, ds.FrameIncrementPointer, ds.CineRate, ds.Laterality = "50", 0x00181063, 20, ""
    ds.SequenceOfUltrasoundRegions = [
        item(
            RegionSpatialFormat=1,
            RegionDataType=1,
            RegionFlags=0,
            RegionLocationMinX0=0,
            RegionLocationMinY0=0,
            RegionLocationMaxX1=SHAPE[2] - 1,
            RegionLocationMaxY1=SHAPE[1] - 1,
            PhysicalUnitsXDirection=3,
            PhysicalUnitsYDirection=3,
            PhysicalDeltaX=0.05,
            PhysicalDeltaY=0.05,
        )
    ]
    return written([ds], folder)


def x_ray(folder: Path) -> Case:
    """Digital X-ray: a size at the detector, no place in the patient."""
    ds = _dated(pydicom.uid.DigitalXRayImageStorageForPresentation, "DX", ["ORIGINAL", "PRIMARY", ""])
    put_pixels(ds, stored(picture_of_f()), bits=12)
    ds.PatientOrientation, ds.ImagerPixelSpacing = ["L", "F"], ["0.8", "0.4"]
    ds.PresentationIntentType, ds.ImageLaterality, ds.BodyPartExamined = "FOR PRESENTATION", "U", "CHEST"
    ds.AnatomicRegionSequence, ds.ViewPosition = [code_item(concepts.CHEST)], "PA"
    ds.ViewCodeSequence = [
        item(CodeValue="399348003", CodingSchemeDesignator="SCT", CodeMeaning="postero-anterior")
    ]
    ds.DetectorType, ds.PositionerType, ds.PresentationLUTShape = "DIRECT", "", "IDENTITY"
    ds.PixelIntensityRelationship, ds.PixelIntensityRelationshipSign = "LOG", 1
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = 0, 1, "US"
    ds.WindowCenter, ds.WindowWidth, ds.AcquisitionContextSequence = 2048, 4096, []
    return written([ds], folder)


def x_ray_unsized(folder: Path) -> Case:
    """Computed radiography of which nobody says how large it is."""
    ds = _dated(pydicom.uid.ComputedRadiographyImageStorage, "CR", ["ORIGINAL", "PRIMARY"])
    put_pixels(ds, stored(picture_of_f()), bits=12)
    ds.PatientOrientation, ds.BodyPartExamined, ds.ViewPosition = ["L", "F"], "CHEST", "AP"
    return written([ds], folder)


def photo(folder: Path) -> Case:
    """A colour photograph."""
    ds = _dated(pydicom.uid.VLPhotographicImageStorage, "XC", ["ORIGINAL", "PRIMARY"])
    grey = stored(picture_of_f(), bright=250).astype(np.uint8)
    put_pixels(ds, np.stack([grey, grey // 2, 255 - grey // 2], axis=-1), photometric="RGB")
    ds.AcquisitionContextSequence, ds.Laterality = [], ""
    ds.AnatomicRegionSequence = [item(CodeValue="39937001", CodingSchemeDesignator="SCT", CodeMeaning="Skin")]
    return written([ds], folder)


EMPTY = ("StudyDate", "StudyTime", "SeriesDate", "SeriesTime", "AcquisitionDate", "AcquisitionTime")
MISSING = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyID", "AccessionNumber"),
    *("ReferringPhysicianName", "FrameOfReferenceUID", "PositionReferenceIndicator", "Manufacturer"),
    *("SeriesNumber", "PatientPosition", "AcquisitionNumber", "StudyDescription"),
)


def bare(folder: Path) -> Case:
    """A CT series without all that a scanner must write and many files lack."""
    values = stored(volume_of_f()).astype(np.int16) - 1024
    objects = ct_series(values, AXIAL, patient="Phantom^Bare", thickness=SPACING[0])
    for ds in objects:
        for keyword in MISSING:
            delattr(ds, keyword)
        for keyword in EMPTY:
            setattr(ds, keyword, "")
    return written(objects, folder)


LAS = np.diag([-1.0, 1.0, 1.0, 1.0])
RAS = np.eye(4)


def nifti(affine: NDArray[np.float64], folder: Path) -> Case:
    """A NIfTI file: the letter stands in plane (i, j) of slice k, whatever way the affine turns it."""
    array = np.ascontiguousarray(stored(volume_of_f()).T).astype(np.int16)
    image = nibabel.Nifti1Image(array, affine @ np.diag([*SPACING[::-1], 1.0]) + _moved())
    image.header.set_xyzt_units("mm", "sec")
    folder.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, folder / "volume.nii.gz")
    return read_case(folder)


def _moved() -> NDArray[np.float64]:
    result = np.zeros((4, 4))
    result[:3, 3] = (10.0, -20.0, 30.0)
    return result


def _turned() -> NDArray[np.float64]:
    result = np.eye(4)
    result[:3, :3] = TURNED @ np.diag([-1.0, 1.0, 1.0])
    return result


def png(folder: Path) -> Case:
    """A picture of nobody knows what."""
    folder.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(stored(picture_of_f(), bright=250).astype(np.uint8)).save(folder / "picture.png")
    return read_case(folder)


CHINESE = {"SpecificCharacterSet": "GB18030", "PatientName": "Wang^XiaoDong=王^小东"}
JAPANESE = {
    "SpecificCharacterSet": ["", "ISO 2022 IR 87"],
    "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう",
}
DICOM_SOURCES: dict[str, Callable[[Path], Case]] = {
    "axial CT": partial(ct, AXIAL),
    "oblique MR": partial(mr, OBLIQUE),
    "sagittal MR": partial(mr, SAGITTAL),
    "decubitus CT": partial(ct, DECUBITUS, PatientPosition="HFDR"),
    "tilted CT": partial(ct, TILTED, GantryDetectorTilt="20"),
    "enhanced MR": enhanced,
    "ultrasound cine": ultrasound_cine,
    "cardiac cine": cardiac_cine,
    "X-ray": x_ray,
    "X-ray without size": x_ray_unsized,
    "photograph": photo,
    "bare CT": bare,
    "Chinese name": partial(mr, AXIAL, **CHINESE),
    "Japanese name": partial(mr, AXIAL, **JAPANESE),
}
OTHER_SOURCES: dict[str, Callable[[Path], Case]] = {
    "NIfTI LAS": partial(nifti, LAS),
    "NIfTI RAS": partial(nifti, RAS),
    "NIfTI oblique": partial(nifti, _turned()),
    "PNG": png,
}
SOURCES = DICOM_SOURCES | OTHER_SOURCES
"""By name: writes a study into an empty folder and gives the case that is read from it."""
IN_PATIENT = (
    *("axial CT", "oblique MR", "sagittal MR", "decubitus CT", "tilted CT", "enhanced MR", "cardiac cine"),
    *("bare CT", "Chinese name", "Japanese name"),
)
"""The DICOM sources whose pictures lie in the patient."""
