"""DICOM files to series: slices sorted by their place in the patient, and refused where they leave a gap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from skiagraph.codecs import Decoded
from skiagraph.codecs.decoded import pixel_problems
from skiagraph.errors import FormatError, InvalidInput
from skiagraph.geometry import Grid, derived_frame
from skiagraph.image import Image
from skiagraph.io.dicom.file import Slice, decoded_pixels, header_of, place_of, quantity_of, read, uid_of
from skiagraph.values import array_digest

__all__ = ["read_files", "read_series"]

_EVEN_MM: Final = 0.01  # by how much a slice may lie off its even place, beside a hundredth of the step
_SAME: Final = 1e-4  # direction cosines that agree to this are the same


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """A file, its header, and its place in the patient where it states one."""

    path: Path
    header: Dataset
    place: Slice | None


def read_files(paths: Sequence[Path]) -> Iterator[tuple[Path | None, Decoded] | str]:
    """All images in some DICOM files: single images by themselves, the slices of a series together.

    Args:
        paths: In a stable order.

    Yields:
        The file (None for a series, whose uid is its SeriesInstanceUID) with its image, or a sentence about what could
        not be read.
    """
    series: dict[str, list[_Found]] = {}
    for path in paths:
        try:
            header = header_of(path)
            found = _Found(path=path, header=header, place=place_of(header))
        except FormatError as error:
            yield str(error)
            continue
        lies_alone = found.place is None or int(header.get("NumberOfFrames") or 1) > 1
        uid = uid_of(header, "SeriesInstanceUID")
        series.setdefault(str(path) if lies_alone or uid is None else uid, []).append(found)
    for uid, members in series.items():
        try:
            if len(members) == 1:
                yield members[0].path, read(members[0].path)
            else:
                yield from _whole(uid, members)
        except InvalidInput as error:
            yield str(error)


def _whole(uid: str, members: list[_Found]) -> Iterator[tuple[Path | None, Decoded] | str]:
    """A series; files of it whose pixels are broken are named, and the gap that they leave after them."""
    arrays: dict[Path, NDArray[Any]] = {}
    channels: tuple[str, ...] = ()
    for member in members:
        try:
            arrays[member.path], channels, _ = decoded_pixels(member.path, member.header)
        except FormatError as error:
            yield str(error)
    good = [m for m in members if m.path in arrays]
    if good:
        yield None, _volume(uid, good, arrays, channels)


def read_series(paths: Sequence[Path]) -> Decoded:
    """The volume of one regular series.

    Args:
        paths: Its files, in any order.

    Returns:
        A `Grid` with axes (slice, row, column), slices along the normal of the images. A shear (gantry tilt) is kept.

    Raises:
        FormatError: More than one image or series in the files, a gap, or slices that do not fit together; the message
            names where.
    """
    results = list(read_files(paths))
    said = [r for r in results if isinstance(r, str)]
    images = [r for r in results if not isinstance(r, str)]
    if said or len(images) != 1:
        raise FormatError("a series is one volume", got=" ".join(said) or f"{len(images)} images")
    return images[0][1]


def _volume(
    uid: str, members: list[_Found], arrays: dict[Path, NDArray[Any]], channels: tuple[str, ...]
) -> Decoded:
    first = members[0]
    _check_alike(uid, members, arrays)
    places = [(m, m.place) for m in members if m.place is not None]
    normal = places[0][1].normal
    places.sort(key=lambda item: float(item[1].position @ normal))
    step = _even_step(uid, [p for _, p in places], normal)
    data = np.stack([_same_type([arrays[m.path] for m, _ in places], n) for n in range(len(places))])
    where = places[0][1]
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1], affine[:3, 2] = where.down * where.spacing[0], where.right * where.spacing[1]
    affine[:3, 3] = where.position
    frame = uid_of(first.header, "FrameOfReferenceUID") or derived_frame(array_digest(data))
    rows, columns = data.shape[1:3]
    image = Image(
        data=data,
        space=Grid(shape=(len(data), rows, columns), affine=affine, frame=frame),
        quantity=quantity_of(first.header, channels),
        channels=channels,
        modality=str(first.header.get("Modality") or "") or None,
    )
    return Decoded(image=image, problems=pixel_problems(data), uid=uid)


def _same_type(arrays: list[NDArray[Any]], n: int) -> NDArray[Any]:
    """Slices of one series may be rescaled to different types; the widest holds them all."""
    return arrays[n].astype(np.result_type(*arrays), copy=False)


def _check_alike(uid: str, members: list[_Found], arrays: dict[Path, NDArray[Any]]) -> None:
    first = members[0]
    for other in members[1:]:
        a, b = first.place, other.place
        if a is None or b is None:
            raise FormatError("each slice of a series states its place", got=f"{other.path.name} without one")
        differs = [
            word
            for word, same in (
                ("shape", arrays[first.path].shape == arrays[other.path].shape),
                ("orientation", np.allclose([a.right, a.down], [b.right, b.down], atol=_SAME)),
                ("pixel spacing", np.allclose(a.spacing, b.spacing, rtol=_SAME)),
                ("frame of reference", _frame(first) == _frame(other)),
            )
            if not same
        ]
        if differs:
            raise FormatError(
                f"the slices of series {uid} have one {' and one '.join(differs)}",
                got=f"another in {other.path.name}",
                way_out="put its parts into folders of their own",
            )


def _frame(found: _Found) -> str | None:
    return uid_of(found.header, "FrameOfReferenceUID")


def _even_step(uid: str, places: list[Slice], normal: NDArray[np.float64]) -> NDArray[np.float64]:
    """The vector from one slice to the next, mm.

    Raises:
        FormatError: Two slices at one place, or a step that is not like the others; the message names it.
    """
    positions = np.array([p.position for p in places])
    gaps = np.diff(positions @ normal)
    usual = float(np.median(gaps))
    if usual <= _EVEN_MM or float(gaps.min()) <= _EVEN_MM:
        raise FormatError(
            f"series {uid} has one image at each place",
            got=f"several at {float(positions[int(gaps.argmin())] @ normal):.2f} mm along its normal",
            way_out="put each time, echo or kind of image into a folder of its own",
        )
    allowed = _EVEN_MM + 0.01 * usual
    odd = np.flatnonzero(np.abs(gaps - usual) > allowed)
    if len(odd):
        n = int(odd[np.abs(gaps[odd] - usual).argmax()])
        raise FormatError(
            f"the slices of series {uid} lie {usual:.3f} mm apart",
            got=f"{float(gaps[n]):.3f} mm between slices {n + 1} and {n + 2} of {len(places)}",
            way_out="export the missing slices",
        )
    step = (positions[-1] - positions[0]) / (len(places) - 1)
    line = positions[0] + np.arange(len(places))[:, None] * step
    off = np.linalg.norm(positions - line, axis=1)
    if float(off.max()) > max(10 * _EVEN_MM, 0.02 * usual):
        raise FormatError(
            f"the slices of series {uid} lie on one line",
            got=f"slice {int(off.argmax()) + 1} {off.max():.2f} mm beside it",
        )
    return np.asarray(step)
