"""Video files of endoscopy and ultrasound: frames by their presentation times, decoded by range."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Final, final

import av
import numpy as np
from numpy.typing import NDArray

from skiagraph.codecs.decoded import Decoded
from skiagraph.codecs.picture import RGB
from skiagraph.errors import FormatError
from skiagraph.geometry import Plane, Timeline, derived_frame
from skiagraph.image import Image, Lazy
from skiagraph.image.quantity import COLOUR
from skiagraph.values import array_digest

__all__ = ["decoded_stream", "read", "read_frames"]

# Only these demuxers, and nothing that a file names elsewhere: a playlist must not open other files.
_ONLY: Final = {
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,avi,matroska,webm,mpeg,mpegts,mpegvideo,asf,h264,hevc,m4v",
    "protocol_whitelist": "none",
}
_MOST_BYTES: Final = 8 * 2**30  # of frames that are decoded at once
_HEAD: Final = 2**20  # bytes that the frame of reference is derived from
_BROKEN: Final = (av.FFmpegError, EOFError, OSError, RuntimeError, TypeError, ValueError)
_HD: Final = (576, 1024)  # (rows, columns) of the largest picture of standard definition
_BT709: Final = 1
_UNSAID: Final = (0, 2)  # colour spaces that tell nothing


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What the packets and the first frame of a video tell.

    Args:
        stamps: Presentation time of each frame in ticks, rising; None where the packets state none.
        count: Number of frames.
        tick: Seconds.
        rate: Frames a second, as the file states it on average.
        shape: (rows, columns), after turning.
        problems: What was noticed.
    """

    stamps: tuple[int, ...] | None
    count: int
    tick: Fraction
    rate: Fraction | None
    shape: tuple[int, int]
    problems: tuple[str, ...]


def read(path: Path, *, frames: slice | None = None) -> Decoded:
    """A video, of which only the packets are looked at until its pixels are asked for.

    Args:
        path: MP4, MOV, AVI, Matroska, MPEG or Windows Media, in any coding that FFmpeg decodes.
        frames: Which frames; None takes all. A range costs the memory of its frames and no more.

    Returns:
        A `Plane` in pixels with axes (time, row, column, channel), uint8 red, green, blue, lazy, turned as the file
        says that it is shown. Times are the presentation times from the first frame of the file, s; where the file
        states none they follow from its frame rate, and that is said. The frame of reference depends on the first
        and last bytes of the file.

    Raises:
        FormatError: No video in it, damaged, or no frame in the range. From the pixels: a frame that cannot be decoded,
            or more than 8 GiB at once; read a range of frames then.
    """
    with path.open("rb") as stream:
        facts = _facts(stream, path.name)
        mark = _mark(stream, path.stat().st_size)
    times, unit, said = _times(facts)
    chosen = range(facts.count)[frames or slice(None)]
    if not chosen or chosen.step < 0:
        raise FormatError(
            f"frames are chosen from the {facts.count} of {path.name}, in their order", got=str(frames)
        )
    timeline = Timeline(times=times[chosen.start : chosen.stop : chosen.step], unit=unit)
    space = Plane.upright(shape=facts.shape, spacing=None, frame=derived_frame(mark), timeline=timeline)

    def load() -> NDArray[np.uint8]:
        with path.open("rb") as again:
            return _decoded(again, path.name, facts, chosen)

    data = Lazy(load, shape=(len(chosen), *facts.shape, len(RGB)), dtype=np.uint8)
    image = Image(data=data, space=space, quantity=COLOUR, channels=RGB)
    return Decoded(image=image, problems=(*facts.problems, *said, "It states no size in millimetres."))


def read_frames(path: Path, frames: slice) -> NDArray[np.uint8]:
    """Some frames of a video, decoded from the key frame before them.

    Args:
        path: The file.
        frames: Which, counted from 0 in the order in which they are shown.

    Returns:
        Shape (frame, row, column, 3), red, green, blue.

    Raises:
        FormatError: As for `read`.
    """
    return np.asarray(read(path, frames=frames).image.data.read())  # type: ignore[union-attr]


def decoded_stream(stream: BinaryIO, *, name: str, frames: Sequence[int] | None = None) -> NDArray[np.uint8]:
    """Frames of a coded stream that lies in another file, as MPEG-4 lies in DICOM.

    Args:
        stream: An elementary stream or any container that `read` takes; it can seek.
        name: Of the file, for messages.
        frames: Numbers from 0 in the order in which they are shown, rising; None takes all.

    Returns:
        Shape (frame, row, column, 3), red, green, blue.

    Raises:
        FormatError: As for `read`.
    """
    facts = _facts(stream, name)
    stream.seek(0)
    chosen = range(facts.count) if frames is None else frames
    if any(not 0 <= n < facts.count for n in chosen):
        raise FormatError(f"{name} has {facts.count} frames", got=f"frame {max(chosen) + 1}")
    return _decoded(stream, name, facts, chosen)


@contextmanager
def _opened(stream: BinaryIO, name: str) -> Iterator[tuple[Any, Any]]:
    """The container and its first stream of video; every failure inside is told as damage to the file."""
    try:
        with av.open(stream, container_options=_ONLY) as container:
            video = _first_video(container, name)
            video.thread_type = "AUTO"
            yield container, video
    except FormatError:
        raise
    except av.DecoderNotFoundError as error:
        raise FormatError(f"{name} holds video in a coding that FFmpeg has no decoder for") from error
    except _BROKEN as error:
        raise FormatError(
            f"{name} begins like a video and is damaged, cut off or of a kind not read"
        ) from error


def _first_video(container: Any, name: str) -> Any:
    if not container.streams.video:
        raise FormatError(f"{name} holds video", got="a container without any")
    return container.streams.video[0]


def _facts(stream: BinaryIO, name: str) -> _Facts:
    with _opened(stream, name) as (container, video):
        several = len(container.streams.video)
        rate, tick, aspect = video.average_rate or video.guessed_rate, video.time_base, _aspect(video)
        stamps: list[int | None] = []
        for packet in container.demux(video):
            # What comes before the first key frame, or is cut away by the edit list, is never shown.
            if packet.size and not packet.is_discard and (stamps or packet.is_keyframe):
                stamps.append(packet.pts)
    stream.seek(0)
    with _opened(stream, name) as (container, video):
        first = next(_good_frames(container, video), None)
        if first is None or not stamps:
            raise FormatError(f"{name} holds a frame that can be decoded", got="none")
        shape, said = _turned(_rgb(first), first).shape[:2], tuple(_said(first, several, aspect))
    known = sorted(s for s in stamps if s is not None)
    whole = len(known) == len(stamps) == len(set(known)) and tick is not None
    return _Facts(
        stamps=tuple(known) if whole else None,
        count=len(stamps),
        tick=tick or Fraction(1),
        rate=rate,
        shape=(shape[0], shape[1]),
        problems=said,
    )


def _aspect(video: Any) -> float:
    aspect = video.sample_aspect_ratio
    return float(aspect) if aspect else 1.0


def _said(frame: Any, several: int, aspect: float) -> Iterator[str]:
    if several > 1:
        yield f"It holds {several} streams of video, and only the first was read."
    if not math.isclose(aspect, 1.0, rel_tol=1e-3):
        yield f"Its pixels are {aspect:.4g} times as wide as high."
    if frame.interlaced_frame:
        yield "Its frames are interlaced: odd and even rows were taken at different instants."
    if any(component.bits > 8 for component in frame.format.components):
        yield f"Its pixels have more than 8 bits ({frame.format.name}) and were rounded to 8."


def _times(facts: _Facts) -> tuple[NDArray[np.float64], Any, tuple[str, ...]]:
    """Time of each frame from the first, its unit, and what had to be supposed."""
    if facts.stamps is not None:
        return np.array([float((s - facts.stamps[0]) * facts.tick) for s in facts.stamps]), "s", ()
    order = np.arange(facts.count, dtype=np.float64)
    if facts.rate:
        said = f"It states no times of its frames; they follow from its rate of {float(facts.rate):.5g} a second."
        return order / float(facts.rate), "s", (said,)
    return order, "frame", ("It states neither times of its frames nor a rate: only their order is known.",)


def _decoded(stream: BinaryIO, name: str, facts: _Facts, chosen: Sequence[int]) -> NDArray[np.uint8]:
    size = len(chosen) * math.prod(facts.shape) * len(RGB)
    if size > _MOST_BYTES:
        raise FormatError(
            f"at most 8 GiB of frames are decoded at once, and {name} holds more",
            got=f"{size / 2**30:.0f} GiB",
            way_out="read a range of frames",
        )
    out = np.empty((len(chosen), *facts.shape, len(RGB)), dtype=np.uint8)
    slots = {n: slot for slot, n in enumerate(chosen)}
    for seek in (True, False):
        stream.seek(0)
        waiting = _filled(stream, name, facts, out, dict(slots) if seek else slots, seek=seek)
        if not waiting:
            return out
    lost = sorted(waiting)
    raise FormatError(
        f"every frame of {name} that is asked for can be decoded",
        got=f"{len(lost)} damaged, the first of them frame {lost[0] + 1} of {facts.count}",
        way_out="read the range before it",
    )


def _filled(
    stream: BinaryIO, name: str, facts: _Facts, out: NDArray[np.uint8], waiting: dict[int, int], *, seek: bool
) -> dict[int, int]:
    """Writes the frames that are waited for into their slots; those that never came remain."""
    numbers = None if facts.stamps is None else {stamp: n for n, stamp in enumerate(facts.stamps)}
    with _opened(stream, name) as (container, video):
        if seek and facts.stamps is not None and waiting and min(waiting) > 0:
            container.seek(facts.stamps[min(waiting)], stream=video)
        for count, frame in enumerate(_good_frames(container, video)):
            slot = waiting.pop(count if numbers is None else numbers.get(frame.pts, -1), None)
            if slot is None:
                continue
            picture = _turned(_rgb(frame), frame)
            if picture.shape != out.shape[1:]:
                raise FormatError(
                    f"the frames of {name} have one size, {facts.shape[0]} x {facts.shape[1]}",
                    got=f"{picture.shape[0]} x {picture.shape[1]}",
                    way_out="cut the film where its size changes",
                )
            out[slot] = picture
            if not waiting:
                break
    return waiting


def _good_frames(container: Any, video: Any) -> Iterator[Any]:
    """Frames in the order in which they are shown; packets that are damaged are left out."""
    for packet in container.demux(video):
        try:
            frames = packet.decode()
        except av.DecoderNotFoundError:
            raise
        except (av.FFmpegError, EOFError):
            continue
        yield from (frame for frame in frames if not frame.is_corrupt)


def _rgb(frame: Any) -> NDArray[np.uint8]:
    """Colours as players show them: where none are stated, large pictures follow BT.709 and small ones BT.601."""
    large = frame.height > _HD[0] or frame.width > _HD[1]
    if frame.colorspace in _UNSAID and large and frame.format.name.startswith("yuv"):
        frame = frame.reformat(format="rgb24", src_colorspace=_BT709)
    return np.asarray(frame.to_ndarray(format="rgb24"))


def _turned(picture: NDArray[np.uint8], frame: Any) -> NDArray[np.uint8]:
    quarters, rest = divmod(round(frame.rotation), 90)
    return picture if rest or not quarters % 4 else np.rot90(picture, quarters)


def _mark(stream: BinaryIO, size: int) -> str:
    stream.seek(0)
    head = stream.read(_HEAD)
    stream.seek(max(0, size - _HEAD))
    return array_digest(head, stream.read(_HEAD), str(size))
