"""Texture by pyradiomics, run by its own Python: reads regions, prints processor seconds and values as JSON."""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path

import numpy as np
import radiomics
import SimpleITK
from radiomics.featureextractor import RadiomicsFeatureExtractor

CLASSES = ("firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")


def measured(
    numbers: np.ndarray, mask: np.ndarray, classes: tuple[str, ...], bins: int
) -> tuple[float, dict[str, float]]:
    """Processor seconds and values of some classes."""
    images = [SimpleITK.GetImageFromArray(a) for a in (numbers, mask.astype(np.uint8))]
    extractor = RadiomicsFeatureExtractor(binCount=bins, additionalInfo=False)
    extractor.disableAllFeatures()
    for name in classes:
        extractor.enableFeatureClassByName(name)
    begun = time.process_time()
    found = extractor.execute(*images)
    return time.process_time() - begun, {k.removeprefix("original_"): float(v) for k, v in found.items()}


def main() -> None:
    """Reads the files that it is given, with the number of bins first."""
    radiomics.logger.setLevel(logging.ERROR)
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    bins, *files = sys.argv[1:]
    told = {}
    for file in files:
        with np.load(file) as kept:
            numbers, mask = (np.atleast_3d(kept[k].T).T for k in ("numbers", "mask"))
        seconds = {name: measured(numbers, mask, (name,), int(bins))[0] for name in CLASSES}
        seconds["all"], values = measured(numbers, mask, CLASSES, int(bins))
        told[Path(file).stem] = {"seconds": seconds, "values": values}
    print(json.dumps({"version": radiomics.__version__, "regions": told}))


if __name__ == "__main__":
    main()
