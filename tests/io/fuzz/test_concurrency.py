"""Images that are decoded late, read by several threads at once and by other processes."""

import pickle
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from skiagraph.image import pixels
from skiagraph.io import read_case, read_study
from skiagraph.values import array_digest

FORMATS = ["ct", "enhanced", "jpeg", "ultrasound", "angiogram", "slide", "series", "film-mp4", "nifti-packed"]
_WORKER = """
import pickle, sys
from skiagraph.image import pixels
from skiagraph.values import array_digest
case = pickle.load(sys.stdin.buffer)
print(*(f"{name} {array_digest(pixels(image))}" for name, image in case.images.items()), sep="\\n")
"""


@pytest.fixture
def path(corpus, tmp_path):
    def write(name):
        target = tmp_path / name
        target.write_bytes(corpus[name])
        return target

    return write


@pytest.mark.parametrize("name", FORMATS)
def test_threads_that_read_one_image_get_one_array(name, path):
    image = next(iter(read_case(path(name)).images.values()))
    ready = threading.Barrier(4)

    def read():
        ready.wait()
        return pixels(image)

    with ThreadPoolExecutor(4) as threads:
        arrays = [f.result() for f in [threads.submit(read) for _ in range(4)]]
    assert all(array is arrays[0] for array in arrays)
    assert not arrays[0].flags.writeable


def test_threads_that_read_different_images_do_not_disturb_each_other(path):
    paths = [path(name) for name in FORMATS] * 4
    alone = [array_digest(pixels(image)) for p in paths for image in read_case(p).images.values()]
    before = list(warnings.filters)

    def read(one):
        return [array_digest(pixels(image)) for image in read_case(one).images.values()]

    with ThreadPoolExecutor(4) as threads:
        together = [digest for digests in threads.map(read, paths) for digest in digests]
    assert together == alone
    assert warnings.filters == before  # what one thread kept quiet is heard again when all are done


@pytest.mark.parametrize("name", ["ct", "angiogram", "slide"])
def test_another_process_reads_a_case_that_was_handed_over(name, path):
    case = read_study(path(name)).cases[0]
    done = subprocess.run(
        [sys.executable, "-c", _WORKER], input=pickle.dumps(case), capture_output=True, check=True
    )
    assert dict(line.split() for line in done.stdout.decode().splitlines()) == {
        image: array_digest(pixels(found)) for image, found in case.images.items()
    }
    again = pickle.loads(pickle.dumps(case))
    for image, found in case.images.items():
        np.testing.assert_array_equal(pixels(again.images[image]), pixels(found))
        assert again.images[image].space == found.space
