"""Segmentation objects as other programs read them: highdicom by the frames that they cite, SimpleITK by place."""

from pathlib import Path

import highdicom
import numpy as np
import SimpleITK
from numpy.typing import NDArray
from truth import Frame, ordered


def over_frames(path: Path, frames: list[Frame], segments: list[int]) -> dict[Frame, NDArray[np.bool_]]:
    """highdicom: for each frame of the source the masks that lie over it, (rows, columns, segments).

    Args:
        path: Of the segmentation.
        frames: Of the source.
        segments: Their numbers.
    """
    seg = highdicom.seg.segread(path)
    how = {"segment_numbers": segments, "assert_missing_frames_are_empty": True}
    uids = list(dict.fromkeys(uid for uid, _ in frames))
    if len(uids) == len(frames) and not cites_frames(seg):
        found = seg.get_pixels_by_source_instance(source_sop_instance_uids=uids, **how)
        return {frame: mask > 0 for frame, mask in zip(frames, found, strict=True)}
    result: dict[Frame, NDArray[np.bool_]] = {}
    for uid in uids:
        numbers = [number for other, number in frames if other == uid]
        found = seg.get_pixels_by_source_frame(
            source_sop_instance_uid=uid, source_frame_numbers=numbers, **how
        )
        result |= {(uid, number): mask > 0 for number, mask in zip(numbers, found, strict=True)}
    return result


def cites_frames(seg: highdicom.seg.Segmentation) -> bool:
    """Whether it says of which frames of an object of several frames it is made."""
    return any(
        "ReferencedFrameNumber" in source
        for frame in seg.PerFrameFunctionalGroupsSequence
        for derivation in frame.get("DerivationImageSequence", ())
        for source in derivation.SourceImageSequence
    )


def places_by_highdicom(path: Path, segment: int) -> NDArray[np.float64]:
    """highdicom: where a segment lies in the patient, points (x, y, z) mm."""
    volume = highdicom.seg.segread(path).get_volume(segment_numbers=[segment])
    lit = np.argwhere(volume.array[..., 0] > 0)
    return ordered(volume.map_indices_to_reference(lit))


def places_by_itk(path: Path) -> NDArray[np.float64]:
    """SimpleITK: where the one segment of an object lies in the patient, points (x, y, z) mm."""
    read = SimpleITK.ReadImage(str(path))
    lit = np.argwhere(trusted(SimpleITK.GetArrayFromImage(read)))
    return ordered(np.array([read.TransformIndexToPhysicalPoint([int(n) for n in at[::-1]]) for at in lit]))


def pictures_by_itk(path: Path) -> NDArray[np.bool_]:
    """SimpleITK: the frames of an object with one segment, (frames, rows, columns)."""
    return trusted(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path))))


def trusted(values: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where something is, but for pixels that GDCM leaves to chance: it unpacks whole bytes of bits only.

    The last of all pixels that do not fill a byte stay as the memory was.
    """
    mask = values > 0
    flat = mask.reshape(-1)
    flat[flat.size - flat.size % 8 :] = False
    return flat.reshape(mask.shape)
