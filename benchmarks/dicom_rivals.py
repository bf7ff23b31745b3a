"""One reader of DICOM series in a process of its own: how long it takes, and how much memory beside the array it needs.

`python dicom_rivals.py READER FOLDER RUNS` prints JSON. Run by `dicom_pixels.py` with the environment of the reader.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def skiagraph() -> Callable[[Path], Any]:
    """This project, by its front door."""
    from skiagraph.image import pixels
    from skiagraph.io import read_case

    return lambda folder: pixels(read_case(folder).image)


def pydicom() -> Callable[[Path], Any]:
    """What most scripts do: read, sort, stack, rescale."""
    import pydicom as package

    def read(folder: Path) -> Any:
        slices = [package.dcmread(path) for path in folder.iterdir()]
        slices.sort(key=lambda s: float(s.ImagePositionPatient[2]))
        out = np.empty((len(slices), slices[0].Rows, slices[0].Columns), np.int16)
        for k, one in enumerate(slices):
            out[k] = one.pixel_array
            out[k] = out[k] * int(one.RescaleSlope) + int(one.RescaleIntercept)
        return out

    return read


def simpleitk() -> Callable[[Path], Any]:
    """SimpleITK's series reader (GDCM)."""
    import SimpleITK

    def read(folder: Path) -> Any:
        reader = SimpleITK.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
        return SimpleITK.GetArrayFromImage(reader.Execute())

    return read


def highdicom() -> Callable[[Path], Any]:
    """Volumes of highdicom."""
    import highdicom as package

    def read(folder: Path) -> Any:
        import pydicom as datasets

        series = [datasets.dcmread(path) for path in folder.iterdir()]
        return package.get_volume_from_series(series, dtype=np.float32).array

    return read


def dicom2nifti() -> Callable[[Path], Any]:
    """NIfTI by dicom2nifti, which is read back from its file."""
    from dicom2nifti import common, convert_dicom

    def read(folder: Path) -> Any:
        series = common.read_dicom_directory(str(folder))
        with tempfile.TemporaryDirectory() as out:
            found = convert_dicom.dicom_array_to_nifti(series, str(Path(out) / "image.nii"))
            return np.asarray(found["NII"].dataobj)

    return read


def monai() -> Callable[[Path], Any]:
    """MONAI's reader that is built on pydicom."""
    from monai.data import PydicomReader

    def read(folder: Path) -> Any:
        reader = PydicomReader()
        return reader.get_data(reader.read(str(folder)))[0]

    return read


def dcm2niix() -> Callable[[Path], Any]:
    """dcm2niix as a whole process that writes NIfTI, as it is used."""

    def read(folder: Path) -> Any:
        with tempfile.TemporaryDirectory() as out:
            subprocess.run(["dcm2niix", "-b", "n", "-o", out, folder], check=True, capture_output=True)
            written = max(Path(out).glob("*.nii"), key=lambda path: path.stat().st_size)
            scale = np.fromfile(written, np.float32, 2, offset=112)  # NIfTI-1: scl_slope, scl_inter
            return np.fromfile(written, np.int16, offset=352) * np.int16(scale[0]) + np.int16(scale[1])

    return read


READERS = {f.__name__: f for f in (skiagraph, pydicom, simpleitk, highdicom, dicom2nifti, monai, dcm2niix)}


def kibibytes(name: str) -> int:
    """A line of Linux's account of this process."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])


def main() -> None:
    """Measures one reader."""
    name, folder, runs = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    read = READERS[name]()
    with (
        tempfile.TemporaryDirectory() as few
    ):  # eight neighbours, so that libraries are loaded before it counts
        for path in sorted(folder.iterdir())[:50:7]:
            shutil.copy(path, few)
        read(Path(few))
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew: a child inherits that of its parent
    before = kibibytes("VmRSS")
    seconds, processor = [], []
    for _ in range(runs + 1):  # the first does not count
        begun, used = time.perf_counter(), sum(os.times()[:4])  # with programs that it starts
        array = read(folder)
        seconds.append(time.perf_counter() - begun)
        processor.append(sum(os.times()[:4]) - used)
        size = array.size * 2
        total = int(array.sum(dtype=np.float64))
        del array
    peak = (kibibytes("VmHWM") - before) * 1024
    package = {"dcm2niix": "", "simpleitk": "SimpleITK"}.get(name, name)
    version = importlib.metadata.version(package) if package else "Debian"
    result = {"seconds": seconds[1:], "processor seconds": processor[1:], "sum": total, "version": version}
    print(json.dumps(result | {"peak memory, times the array as int16": peak / size}))


if __name__ == "__main__":
    main()
