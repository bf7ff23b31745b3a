"""Phantoms as files: a DICOM ultrasound image with a calibrated region, of a patient who does not exist."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, UltrasoundImageStorage

from skiagraph.codecs import written
from skiagraph.geometry import derived_frame
from skiagraph.phantoms.fetal_head import SHAPE, FetalHead
from skiagraph.phantoms.sonogram import Sector
from skiagraph.values import array_digest
from skiagraph.version import __version__

__all__ = ["invented_study", "ultrasound_dataset", "write_dataset"]

_CENTIMETRE: Final = 3  # DICOM PS3.3 section C.8.5.5.1.15, physical units
_FLAT: Final = 1  # section C.8.5.5.1.1, region spatial format: 2-D
_TISSUE: Final = 1  # section C.8.5.5.1.2, region data type


def invented_study(digest: str, sop_class: UID, modality: str, *, patient: str) -> Dataset:
    """The modules of patient, study, series and equipment, all invented, with UIDs that follow from the content.

    Args:
        digest: Of the content; the same content has the same UIDs.
        sop_class: What kind of object it will be.
        modality: DICOM Modality (0008,0060).
        patient: A name that nobody has.

    Returns:
        A data set with its file meta information, to which an image is to be added.
    """
    ds = Dataset()
    ds.SOPClassUID = sop_class
    ds.SOPInstanceUID, ds.SeriesInstanceUID, ds.StudyInstanceUID = (
        UID(derived_frame(f"{digest} {level}")) for level in ("image", "series", "study")
    )
    ds.PatientName, ds.PatientID = patient, f"PHANTOM-{digest[:8].upper()}"
    ds.PatientBirthDate = ds.PatientSex = ds.StudyDate = ds.StudyTime = ""
    ds.AccessionNumber = ds.ReferringPhysicianName = ""
    ds.StudyID = "1"
    ds.Modality, ds.Manufacturer = modality, "Skiagraph"
    ds.ManufacturerModelName, ds.SoftwareVersions = "phantom", __version__
    ds.StudyDescription = "Synthetic images, no patient"
    ds.SeriesNumber, ds.InstanceNumber = 1, 1
    ds.PatientOrientation = ""
    ds.QualityControlImage = "YES"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = sop_class
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    return ds


def ultrasound_dataset(head: FetalHead, picture: NDArray[np.uint8]) -> Dataset:
    """A phantom as Ultrasound Image Storage.

    Args:
        head: What was drawn.
        picture: The drawing, shape (rows, columns).

    Source: DICOM PS3.3 sections A.6, C.8.5.5 (region calibration) and C.8.5.6 (ultrasound image).
    """
    ds = invented_study(array_digest(picture), UltrasoundImageStorage, "US", patient="Phantom^Fetal")
    ds.ImageType = ["ORIGINAL", "PRIMARY", "OBSTETRICAL", "0001"]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = picture.shape
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.PixelRepresentation = 7, 0
    ds.LossyImageCompression = "00"
    ds.SequenceOfUltrasoundRegions = Sequence([_region(head.sector, head.pixel_size)])
    ds.AnatomicRegionSequence = Sequence([_head_code()])
    ds.PixelData = picture.tobytes()
    return ds


def _region(sector: Sector, pixel_size: float) -> Dataset:
    """The box round the sector, calibrated in cm as the standard asks."""
    half = sector.far * math.sin(sector.half_angle)
    top = sector.apex[1] + sector.near * math.cos(sector.half_angle)
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType, item.RegionFlags = _FLAT, _TISSUE, 0
    item.RegionLocationMinX0 = max(0, math.floor((sector.apex[0] - half) / pixel_size))
    item.RegionLocationMaxX1 = min(SHAPE[1] - 1, math.ceil((sector.apex[0] + half) / pixel_size))
    item.RegionLocationMinY0 = max(0, math.floor(top / pixel_size))
    item.RegionLocationMaxY1 = min(SHAPE[0] - 1, math.ceil((sector.apex[1] + sector.far) / pixel_size))
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = _CENTIMETRE
    item.PhysicalDeltaX = item.PhysicalDeltaY = pixel_size / 10.0
    return item


def _head_code() -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "69536005", "SCT", "Head"
    return item


def write_dataset(ds: Dataset, to: Path) -> None:
    """Writes a data set; the file appears whole or not at all.

    Raises:
        WriteFailed: The disk does not take it.
        NotPermitted: The folder may not be written to.
    """
    with written(to) as temporary:
        ds.save_as(temporary, enforce_file_format=True)
