"""A CT series to an array of Hounsfield units, beside the readers of the field: time and memory, in turn, same files.

The rivals need an environment of their own: `--rivals PYTHON` names its interpreter. Rivals that are not there are
named as left out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import CTImageStorage, generate_uid
from scipy.ndimage import gaussian_filter

HERE: Final = Path(__file__).parent
CODINGS: Final = {
    "uncompressed": "1.2.840.10008.1.2.1",
    "JPEG-LS": "1.2.840.10008.1.2.4.80",
    "JPEG 2000": "1.2.840.10008.1.2.4.90",
}
RIVALS: Final = ("skiagraph", "pydicom", "simpleitk", "highdicom", "dicom2nifti", "monai", "dcm2niix")


def slices(count: int, size: int = 512) -> NDArray[np.uint16]:
    """A body with air around it and the correlated noise of a scanner; 12 bits, 1024 is water."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    body, lungs = x**2 + (y / 0.7) ** 2 < 0.8, (np.abs(x) - 0.4) ** 2 / 0.08 + y**2 / 0.2 < 1
    plain = np.where(body, np.where(lungs, 200.0, 1064.0), 24.0)
    noise = [gaussian_filter(rng.normal(0, 60, (size, size)), 1.0) for _ in range(10)]
    out = np.empty((count, size, size), np.uint16)
    for k in range(count):
        out[k] = np.clip(plain + np.roll(noise[k % 10], k, axis=0) + k % 7, 0, 4095)
    return out


def usual(ds: Dataset, number: int) -> None:
    """What a scanner writes beside what a reader needs: a hundred elements in all, some private, three sequences."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "113014", "DCM", "Study"
    other = Dataset()
    other.ReferencedSOPClassUID, other.ReferencedSOPInstanceUID = CTImageStorage, generate_uid()
    ds.ReferencedImageSequence, ds.ProcedureCodeSequence, ds.RequestAttributesSequence = (
        [other],
        [code],
        [code],
    )
    for word in ("ReferencedImageSequence", "ProcedureCodeSequence", "RequestAttributesSequence"):
        ds[word].is_undefined_length = True
    for word in ("InstanceCreationDate", "SeriesDate", "AcquisitionDate", "ContentDate", "PatientBirthDate"):
        setattr(ds, word, "20260101")
    for word in ("InstanceCreationTime", "SeriesTime", "AcquisitionTime", "ContentTime"):
        setattr(ds, word, f"1200{number % 60:02d}.5")
    for word in (
        *("AccessionNumber", "InstitutionName", "StationName", "StudyDescription", "SeriesDescription"),
        *(
            "ManufacturerModelName",
            "ProtocolName",
            "DeviceSerialNumber",
            "SoftwareVersions",
            "ReferringPhysicianName",
        ),
        *(
            "FilterType",
            "ConvolutionKernel",
            "BodyPartExamined",
            "ScanOptions",
            "PatientComments",
            "OperatorsName",
        ),
    ):
        setattr(ds, word, word[:16].upper())
    for word in (
        *(
            "KVP",
            "DataCollectionDiameter",
            "ReconstructionDiameter",
            "DistanceSourceToDetector",
            "SliceLocation",
        ),
        *(
            "DistanceSourceToPatient",
            "GantryDetectorTilt",
            "TableHeight",
            "FocalSpots",
            "SingleCollimationWidth",
        ),
        *("TotalCollimationWidth", "TableSpeed", "TableFeedPerRotation", "SpiralPitchFactor", "CTDIvol"),
        *("ExposureTime", "XRayTubeCurrent", "Exposure", "GeneratorPower", "WindowCenter", "WindowWidth"),
    ):
        setattr(ds, word, 100 + number % 7)
    ds.PatientSex, ds.PatientAge, ds.PatientWeight, ds.SpecificCharacterSet = "O", "050Y", 70, "ISO_IR 100"
    block = ds.private_block(0x0009, "BENCHMARK", create=True)
    for element in range(16):
        block.add_new(element, "LO", f"PRIVATE {element}")


def written(folder: Path, array: NDArray[np.uint16], syntax: str) -> None:
    """The series as files in an order that is not that of their places."""
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    for k, pixels in enumerate(array):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = syntax
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = CTImageStorage
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid()
        ds.ImageType, ds.Modality, ds.Manufacturer = ["ORIGINAL", "PRIMARY", "AXIAL"], "CT", "none"
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, frame
        ds.PatientName, ds.PatientID, ds.StudyID, ds.SeriesNumber = "Phantom", "1", "1", 1
        ds.StudyDate, ds.StudyTime, ds.PatientPosition = "20260101", "120000", "HFS"
        ds.AcquisitionNumber, ds.InstanceNumber, ds.SliceThickness = 1, k + 1, 1
        ds.ImagePositionPatient, ds.ImageOrientationPatient = [-180, -180, k], [1, 0, 0, 0, 1, 0]
        ds.PixelSpacing, ds.Rows, ds.Columns = [0.7, 0.7], *pixels.shape
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
        ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = 1, -1024, "HU"
        usual(ds, k)
        ds.PixelData, vr = coded(pixels, syntax)
        ds["PixelData"].VR = vr
        ds.save_as(folder / f"{k * 7 % len(array):04d}.dcm", enforce_file_format=True)


def coded(pixels: NDArray[np.uint16], syntax: str) -> tuple[bytes, str]:
    """The pixels of one slice as a transfer syntax has them."""
    if syntax == CODINGS["uncompressed"]:
        return pixels.tobytes(), "OW"
    if syntax == CODINGS["JPEG-LS"]:
        return encapsulate([imagecodecs.jpegls_encode(pixels)]), "OB"
    return encapsulate([imagecodecs.jpeg2k_encode(pixels, reversible=True, codecformat="j2k")]), "OB"


def one(name: str, interpreter: str, folder: Path, runs: int) -> dict[str, Any] | None:
    """A reader's figures; None where it is not there or refuses."""
    line = [interpreter, str(HERE / "dicom_rivals.py"), name, str(folder), str(runs)]
    environment = os.environ | {"OMP_NUM_THREADS": "2"}
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        print(f"{name} was left out: {done.stderr.strip().splitlines()[-1:]}")
        return None
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def measured(folder: Path, rivals: str, runs: int, rounds: int) -> dict[str, Any]:
    """Each reader in turn, some rounds, so that all see the same machine."""
    found: dict[str, list[dict[str, Any]]] = {}
    left: list[str] = []
    for _ in range(rounds):
        for name in RIVALS:
            if name in left:
                continue
            figures = one(name, sys.executable if name == "skiagraph" else rivals, folder, runs)
            if figures is None:
                left.append(name)
            else:
                found.setdefault(name, []).append(figures)
    table: dict[str, Any] = {}
    for name, several in found.items():
        table[name] = {
            "version": several[0]["version"],
            "median s": statistics.median(s for f in several for s in f["seconds"]),
            "median processor s": statistics.median(s for f in several for s in f["processor seconds"]),
            "memory": max(f["peak memory, times the array as int16"] for f in several),
            "sum": several[0]["sum"],
        }
    return {"readers": table, "left out": left}


def main() -> None:
    """Measures, prints, and keeps the figures in ``benchmarks/results/dicom_pixels.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rivals", default=sys.executable, help="Python of the environment of the rivals")
    parser.add_argument("--runs", type=int, default=3, help="in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--coding", choices=CODINGS, action="append")
    arguments = parser.parse_args()
    kept = HERE / "results" / "dicom_pixels.json"
    results: dict[str, Any] = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    array = slices(arguments.slices)
    for coding in arguments.coding or CODINGS:
        with tempfile.TemporaryDirectory() as folder:
            written(Path(folder), array, CODINGS[coding])
            results[coding] = measured(Path(folder), arguments.rivals, arguments.runs, arguments.rounds)
        results[coding] |= {"slices": arguments.slices, "processors": os.cpu_count()}
        results[coding]["load"] = os.getloadavg()[0]
        ours = results[coding]["readers"].get("skiagraph", {}).get("median s", float("nan"))
        for name, row in results[coding]["readers"].items():
            ratio = row["median s"] / ours
            print(
                f"{coding:14}{name:12}{row['median s']:8.3f} s {row['median processor s']:8.3f} s of processor"
                f" {row['memory']:6.2f} x memory, {ratio:5.2f} times ours, sum {row['sum']}"
            )
    kept.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
