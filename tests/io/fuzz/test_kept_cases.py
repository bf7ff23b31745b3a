"""Files that once raised something else, hung, warned or took all memory: what each of them found."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "cases"
FOUND = {
    "dicom-htj2k-endless-tiles": "OpenJPH walked through tiles that began outside of the picture for ever",
    "dicom-jpeg-ls-without-end": "CharLS looked for the end of a picture for ever",
    "dicom-less-than-no-frame": "an object claimed minus one frame, and a unit without frames was asked for its first",
    "dicom-many-kinds": "a sentence held what a file said of its kind",
    "dicom-million-frames": "a million compressed frames were counted out",
    "dicom-million-views": "a million frames of nuclear medicine were counted out before their pixels were missed",
    "dicom-sequence-as-uid": "a sequence where a UID belongs was written out as text, whatever it held",
    "dicom-signalling-nan": "a NaN that signals was warned of when it was converted for a picture",
    "dicom-syntax-of-two-lines": "a sentence held a transfer syntax of two lines",
    "dicom-uid-as-double": "a UID whose type says number could not be converted",
    "dicom-unknown-type": "an element of a type that does not exist could not be converted",
    "dicom-unknown-type-of-nothing": "an empty element of a type that does not exist was converted",
    "dicomdir-endless-element": "a directory claimed 4 GiB for one element",
    "metaimage-axes": "ITK died of a number of axes",
    "metaimage-giant-matrix": "the product of direction and spacing overflowed with a warning",
    "metaimage-long-name": "a name longer than file systems take was looked for",
    "metaimage-null-name": "a name with a null byte was looked for",
    "metaimage-text": "ITK died of pixels as text",
    "nifti-far-offset": "pixels that begin behind all files overflowed",
    "nifti-giant-affine": "the length of an axis overflowed with a warning",
    "nifti-infinite-affine": "infinity times zero was warned of",
    "nifti-infinite-offset": "pixels that begin at infinity overflowed",
    "nifti-odd-extension": "nibabel warned of an extension on the terminal",
    "nifti-short-header": "nibabel raised an error of its own for half a header",
    "nrrd-endless-line": "ITK died of a line without a colon",
    "picture-empty-giant": "81 million empty pixels in 3 kB took several times their size while decoded",
    "png-endless-chunk": "Pillow asked for 4 GiB to skip a chunk",
    "slide-endless-frames": "two thousand million tiles of one pixel were counted out",
    "slide-endless-matrix": "four tiles claimed a slide of 2 thousand million rows, which were averaged for hours",
    "slide-no-bits": "a whole slide without bits had no such attribute",
    "slide-no-samples": "a whole slide without samples was no number",
    "slide-odd-uid": "pydicom warned of a UID while tiles were read",
    "tiff-directory-before-the-file": "a directory inside of another lay before the beginning of the file",
    "tiff-doubling-directories": "each directory named the next one twice, which doubled their number",
    "tiff-endless-jpeg": "a JPEG inside of a strip claimed fourteen million times the size of its picture",
    "tiff-endless-strip": "a strip claimed more bytes than its file has",
    "tiff-endless-tile": "one tile claimed the memory of the machine",
    "tiff-far-page": "a page that begins behind all files was looked for",
    "tiff-many-samples": "Pillow warned of its metadata on the terminal",
    "tiff-negative-length": "a page of minus 16 rows made tifffile count pages backward for ever",
    "tiff-no-rows-a-strip": "strips without rows were divided by",
    "tiff-no-tile-length": "a tile without length was divided by",
    "tiff-no-tile-width": "a tile without width was divided by while it was unpacked",
    "tiff-ome-of-endless-planes": "OME metadata counted a thousand million planes, and tifffile kept a place for each",
    "tiff-ome-of-endless-steps": "OME metadata counted a million million steps along an axis",
    "tiff-ome-of-nothing": "OME metadata of no planes were divided by",
    "tiff-ring-of-pages": "tifffile walked from page to page in a ring for ever",
    "tiff-short-directory": "Pillow warned of a directory that was cut off on the terminal",
    "tiff-strip-offsets": "tifffile fell over an assertion of its own",
    "tiff-strips-as-long-as-tiles": "strips took their lengths, beyond the file, from what tags said of tiles",
    "tiff-unlike-pages": "pages of one series that differ broke an assertion of tifffile",
    "zip-nameless-member": "a member without a name had no last letter",
}


def test_every_kept_file_says_what_it_found():
    assert {path.stem for path in FOLDER.iterdir()} == set(FOUND)
    assert all(path.stat().st_size < 4096 for path in FOLDER.iterdir())


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_once_is_read_or_refused(name, reader):
    outcome = reader.read((FOLDER / f"{name}.bin").read_bytes())
    assert not outcome.failed, f"{outcome.kind} {outcome.where}: {FOUND[name]}\n{outcome.told}"
