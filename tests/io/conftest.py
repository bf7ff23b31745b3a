"""DICOM files of no patient, made for the tests of reading."""

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, UltrasoundImageStorage, generate_uid

SERIES, FRAME = generate_uid(entropy_srcs=["series"]), generate_uid(entropy_srcs=["frame"])


def dataset(array, *, modality="OT", sop_class=UltrasoundImageStorage, **elements):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = sop_class
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid()
    ds.SeriesInstanceUID, ds.StudyInstanceUID = SERIES, generate_uid(entropy_srcs=["study"])
    ds.PatientName, ds.PatientID, ds.Modality = "Secret^Name", "SECRET-ID", modality
    colour = array.ndim > 2 and array.shape[-1] == 3
    ds.SamplesPerPixel, ds.PhotometricInterpretation = (3, "RGB") if colour else (1, "MONOCHROME2")
    if colour:
        ds.PlanarConfiguration = 0
    plain = array.ndim - colour
    ds.Rows, ds.Columns = array.shape[plain - 2 : plain]
    if plain == 3:
        ds.NumberOfFrames = len(array)
    ds.BitsAllocated = ds.BitsStored = array.dtype.itemsize * 8
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, int(array.dtype.kind == "i")
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    ds.PixelData = array.tobytes() + b"\0" * (array.nbytes % 2)
    ds["PixelData"].VR = "OB" if ds.BitsAllocated == 8 else "OW"
    return ds


@pytest.fixture
def dicom(tmp_path):
    """Writes one DICOM file of an array into its folder; gives its path."""

    def write(array, name="image.dcm", **elements):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        dataset(array, **elements).save_as(path, enforce_file_format=True)
        return path

    write.folder = tmp_path
    return write


@pytest.fixture
def ct_series(tmp_path, dicom):
    """Writes a CT series of 12 slices, 5 mm apart, shuffled; gives its folder and its values (slice, row, column)."""

    def write(*, keep=range(12), places=None, tilt=0.0):
        rng = np.random.default_rng(3)
        values = rng.integers(0, 2000, (12, 6, 8)).astype(np.int16)
        places = [5.0 * k for k in range(12)] if places is None else places
        down = [0, float(np.cos(tilt)), float(-np.sin(tilt))]
        for k in keep:
            dicom(
                values[k],
                f"ct/{(k * 7) % 12:02d}.dcm",
                modality="CT",
                sop_class=CTImageStorage,
                FrameOfReferenceUID=FRAME,
                ImagePositionPatient=[-10, -20, 100 + places[k]],
                ImageOrientationPatient=[1, 0, 0, *down],
                PixelSpacing=[0.7, 0.5],
                SliceThickness=5,
                RescaleSlope=1,
                RescaleIntercept=-1024,
                InstanceNumber=(k * 5) % 12,
            )
        return tmp_path / "ct", values

    return write


@pytest.fixture(scope="session")
def told():
    """What reading says of a path: each image as "modality shape quantity", and each sentence, pixels decoded."""
    from skiagraph.errors import SkiagraphError
    from skiagraph.image import pixels
    from skiagraph.io import read_cases

    def tell(path):
        found = []
        try:
            for case in read_cases(path):
                if isinstance(case, str):
                    found.append(case)
                    continue
                for image in case.images.values():
                    shape = "x".join(str(n) for n in pixels(image).shape)
                    found.append(f"{image.modality} {shape} {image.quantity.name}")
        except SkiagraphError as error:
            found.append(str(error))
        return found

    return tell
