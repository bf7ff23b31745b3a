"""DICOM objects of any content, as the bytes of their files."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

Made = Callable[..., bytes]


def made_object(
    number: int = 1, *, study: str = "1.2.3", series: str = "", side: int = 8, **said: Any
) -> bytes:
    """A CT slice; what is said stands in its header, and what is said to be None does not."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, f"{study}.1.{number}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study, series or f"{study}.1"
    ds.PatientName, ds.PatientID, ds.Modality = "Doe^Jane", "P1", "CT"
    ds.StudyDate, ds.StudyTime, ds.SeriesNumber, ds.InstanceNumber = "20260102", "101112", 1, number
    ds.Rows = ds.Columns = side
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation, ds.SamplesPerPixel = 15, 0, 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.PixelData = np.full((side, side), number, np.uint16).tobytes()
    for keyword, value in said.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    buffer = io.BytesIO()
    if "SOPInstanceUID" not in ds:
        ds.file_meta.MediaStorageSOPInstanceUID, ds.file_meta.MediaStorageSOPClassUID = "1.9", CTImageStorage
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@pytest.fixture
def made() -> Made:
    """Makes the bytes of one object."""
    return made_object
