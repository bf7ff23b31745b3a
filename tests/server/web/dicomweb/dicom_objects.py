"""DICOM objects of several kinds, as the bytes of their files, and answers taken apart."""

import io

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    BasicTextSRStorage,
    CTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    MultiFrameSingleBitSecondaryCaptureImageStorage,
)

STUDY, CT, OTHER = "1.2.3", "1.2.3.1", "1.2.3.2"
SIDE = 16


def header(
    uid: str, series: str, number: int, *, study: str = STUDY, sop_class: str = CTImageStorage
) -> Dataset:
    """What all objects have."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, uid
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study, series
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = "Müller^Jane=山田^太郎", "P1", "19700102"
    ds.StudyDate, ds.StudyTime, ds.AccessionNumber = "20260102", "101112", "A1"
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "CT", int(series[-1]), number
    ds.StudyDescription = "Thorax"
    return ds


def pixels(ds: Dataset, frames: int, *, bits: int = 16) -> Dataset:
    """Each pixel a number of its own."""
    ds.Rows, ds.Columns, ds.SamplesPerPixel = SIDE, SIDE, 1
    ds.BitsAllocated = ds.BitsStored = bits
    ds.HighBit, ds.PixelRepresentation, ds.PhotometricInterpretation = bits - 1, 0, "MONOCHROME2"
    if frames > 1:
        ds.NumberOfFrames = frames
    values = np.arange(frames * SIDE * SIDE, dtype=np.uint16) * 7
    if bits == 1:
        values = np.packbits((values % 3 == 0).astype(np.uint8), bitorder="little")
    ds.PixelData = values.tobytes()
    return ds


def encoded(ds: Dataset) -> bytes:
    """Its file."""
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def slice_of(number: int, *, study: str = STUDY, series: str = CT) -> bytes:
    """A CT slice with windows and what else metadata must carry."""
    ds = pixels(header(f"{series}.{number}", series, number, study=study), 1)
    ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = "1", "-1024", "HU"
    ds.WindowCenter, ds.WindowWidth = ["40", "-600"], ["400", "1500"]
    ds.ImagePositionPatient = [0.5, -1.25, number]
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CTImageStorage, "1.9.9"
    ds.ReferencedImageSequence = Sequence([item])
    block = ds.private_block(0x0009, "Skiagraph test", create=True)
    block.add_new(1, "OB", bytes(range(256)) * 8)
    block.add_new(2, "OB", b"few!")
    ds.FrameIncrementPointer = 0x00181063
    ds.add_new(0x00189087, "FD", float("inf"))
    return encoded(ds)


def film(number: int, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Three frames."""
    ds = header(
        f"{OTHER}.{number}", OTHER, number, sop_class=MultiFrameGrayscaleWordSecondaryCaptureImageStorage
    )
    pixels(ds, 3)
    if syntax == JPEGLSLossless:
        ds.compress(syntax, generate_instance_uid=False)
    ds.file_meta.TransferSyntaxUID = syntax
    return encoded(ds)


def bits(number: int) -> bytes:
    """Three frames of single bits, whose second begins inside of a byte."""
    ds = header(f"{OTHER}.{number}", OTHER, number, sop_class=MultiFrameSingleBitSecondaryCaptureImageStorage)
    pixels(ds, 3, bits=1)
    ds.Rows, ds.Columns = 5, 5
    ds.PixelData = np.packbits(np.arange(75) % 2 == 0, bitorder="little").tobytes()
    return encoded(ds)


def report(number: int) -> bytes:
    """No pixels."""
    ds = header(f"{OTHER}.{number}", OTHER, number, sop_class=BasicTextSRStorage)
    return encoded(ds)


OBJECTS = {
    **{f"{CT}.{n}": slice_of(n) for n in range(1, 6)},
    f"{OTHER}.1": film(1),
    f"{OTHER}.2": film(2, JPEGLSLossless),
    f"{OTHER}.3": bits(3),
    f"{OTHER}.4": report(4),
    f"{OTHER}.5": film(5, ImplicitVRLittleEndian),
}
"""By SOPInstanceUID."""


def parts_of(body: bytes, kind: str) -> list[tuple[dict[str, str], bytes]]:
    """Headers and content of each part of a body."""
    mark = b"--" + kind.split("boundary=")[1].strip('"').encode()
    assert body.startswith(mark)
    assert body.endswith(mark + b"--\r\n")
    found = []
    for part in body.split(mark)[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        content = content.removesuffix(b"\r\n")
        assert "Content-Length" not in lines or int(lines["Content-Length"]) == len(content)
        found.append((lines, content))
    return found


def read(data: bytes) -> Dataset:
    """As pydicom reads it."""
    return pydicom.dcmread(io.BytesIO(data))
