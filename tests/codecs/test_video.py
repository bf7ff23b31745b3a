"""Video: frames at their times, by range, in the colours and the position in which they are shown, or one sentence."""

import io
import zipfile
from fractions import Fraction

import numpy as np
import pytest

from skiagraph.codecs import Decoded
from skiagraph.errors import FormatError
from skiagraph.geometry import Plane
from skiagraph.image import pixels
from skiagraph.io import read_case, read_image, read_study
from skiagraph.io.formats import AVI, MATROSKA, MP4, MPEG, WMV, format_of

av = pytest.importorskip("av", reason="PyAV is not installed; it comes with skiagraph[video]")
video = pytest.importorskip("skiagraph.codecs.video")

ROWS, COLUMNS = 48, 64


def shade(n):
    """The grey level of frame n: far enough apart that no coding confuses two."""
    return 20 + 9 * n


def film(path, *, n=24, codec="libx264", pix="yuv420p", rate=25, stamps=None, **more):
    size = more.get("size", (COLUMNS, ROWS))
    with av.open(str(path), "w", format=more.get("form")) as container:
        stream = container.add_stream(codec, rate=rate, options=more.get("options", {"g": "6"}))
        stream.width, stream.height = size
        stream.pix_fmt = pix
        tick = Fraction(1, more.get("ticks", rate))
        stream.codec_context.time_base = tick
        if "space" in more:
            stream.codec_context.colorspace = more["space"]
        if "aspect" in more:
            stream.codec_context.sample_aspect_ratio = more["aspect"]
        if "turned" in more:
            stream.set_display_rotation(more["turned"])
        for k in range(n):
            array = np.full((size[1], size[0], 3), shade(k), np.uint8)
            array[: size[1] // 2, : size[0] // 4] = more.get("corner", (shade(k),) * 3)
            frame = av.VideoFrame.from_ndarray(array, format="rgb24")
            if "space" in more:
                frame = frame.reformat(format=pix, dst_colorspace=more["space"])
            frame.pts, frame.time_base = k if stamps is None else stamps[k], tick
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def levels(array):
    """The grey level of each frame, away from its corner."""
    return array[:, array.shape[1] - 8 :, array.shape[2] - 8 :].mean(axis=(1, 2, 3))


CONTAINERS = [
    ("a.mp4", "libx264", MP4),
    ("a.mov", "libx264", MP4),
    ("a.mp4", "libx265", MP4),
    ("a.mkv", "libx264", MATROSKA),
    ("a.webm", "libvpx-vp9", MATROSKA),
    ("a.avi", "mpeg4", AVI),
    ("a.avi", "mjpeg", AVI),
    ("a.mpg", "mpeg2video", MPEG),
    ("a.ts", "libx264", MPEG),
    ("a.wmv", "msmpeg4v3", WMV),
]


@pytest.mark.parametrize(("name", "codec", "expected"), CONTAINERS)
def test_each_container_is_known_by_its_content_and_gives_its_frames_in_order(
    tmp_path, name, codec, expected
):
    pix = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = film(tmp_path / name, codec=codec, pix=pix)
    plain = path.rename(tmp_path / "film")
    assert format_of(plain) is expected
    image = read_case(plain).image
    assert image.axes == ("time", "row", "column", "channel")
    assert image.channels == ("red", "green", "blue")
    assert isinstance(image.space, Plane)
    assert (image.space.unit, image.space.timeline.unit) == ("pixel", "s")
    assert image.data.shape == (24, ROWS, COLUMNS, 3)
    # A programme stream states a time for each packet of 2 kB, not for each frame.
    off = 1 / 25 if expected is MPEG and codec == "mpeg2video" else 0
    np.testing.assert_allclose(image.space.timeline.times, np.arange(24) / 25, atol=2e-3 + off)
    np.testing.assert_allclose(levels(pixels(image)), [shade(k) for k in range(24)], atol=4.4)


def test_times_are_those_of_presentation_and_not_of_a_rate(tmp_path):
    stamps = [0, 40, 80, 200, 210, 1000]
    path = film(tmp_path / "a.mkv", n=6, stamps=stamps, ticks=1000)
    np.testing.assert_allclose(read_image(path).image.space.timeline.times, np.array(stamps) / 1000)


@pytest.mark.parametrize("name", ["a.mp4", "a.ts", "a.mkv", "a.avi"])
@pytest.mark.parametrize(
    "frames", [slice(0, 3), slice(7, 9), slice(13, 14), slice(20, None), slice(2, 22, 5), slice(-2, None)]
)
def test_a_range_gives_the_same_frames_as_the_whole(tmp_path, name, frames):
    path = film(tmp_path / name, codec="mpeg4" if name == "a.avi" else "libx264")
    whole = read_image(path).image
    part = video.read(path, frames=frames).image
    np.testing.assert_array_equal(pixels(part), pixels(whole)[frames])
    np.testing.assert_array_equal(part.space.timeline.times, whole.space.timeline.times[frames])
    assert part.space.frame == whole.space.frame
    np.testing.assert_array_equal(video.read_frames(path, frames), pixels(part))


def test_nothing_is_decoded_until_the_pixels_are_asked_for_and_then_only_the_range(tmp_path, monkeypatch):
    path = film(tmp_path / "a.mp4")
    seen = []
    real = video._rgb
    monkeypatch.setattr(video, "_rgb", lambda frame: seen.append(frame.pts) or real(frame))
    image = video.read(path, frames=slice(14, 16)).image
    assert len(seen) == 1
    pixels(image)
    assert len(seen) == 3


def test_more_than_memory_allows_is_refused_before_it_is_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(video, "_MOST_BYTES", 10 * ROWS * COLUMNS * 3)
    path = film(tmp_path / "a.mp4")
    with pytest.raises(FormatError, match="read a range"):
        pixels(read_image(path).image)
    assert len(video.read_frames(path, slice(0, 10))) == 10


@pytest.mark.parametrize("frames", [slice(30, 40), slice(5, 5), slice(10, 2), slice(None, None, -1)])
def test_a_range_without_a_frame_or_backwards_is_refused(tmp_path, frames):
    with pytest.raises(FormatError, match="24"):
        video.read(film(tmp_path / "a.mp4"), frames=frames)


RED = (200, 60, 30)


@pytest.mark.parametrize(("space", "size"), [(1, (64, 48)), (5, (64, 48)), (1, (1280, 720))])
def test_colours_come_back_by_the_space_that_the_film_states(tmp_path, space, size):
    path = film(tmp_path / "a.mp4", n=2, space=space, size=size, corner=RED)
    np.testing.assert_allclose(pixels(read_image(path).image)[0, 5, 5], RED, atol=4)


def test_a_large_film_that_states_no_colour_space_follows_the_one_of_high_definition(tmp_path):
    stated = pixels(
        read_image(film(tmp_path / "a.avi", codec="ffv1", n=1, size=(1280, 720), corner=RED)).image
    )
    assert abs(int(stated[0, 5, 5, 0]) - 214) < 5  # written by BT.601, shown by BT.709


def test_a_film_is_turned_as_it_is_shown(tmp_path):
    path = film(tmp_path / "a.mp4", turned=90, corner=RED)
    array = pixels(read_image(path).image)
    assert array.shape[1:3] == (COLUMNS, ROWS)
    # The corner that was stored at the top left lies at the bottom left after a quarter turn against the clock.
    np.testing.assert_allclose(array[0, -5, 5], RED, atol=25)


def test_pixels_that_are_not_square_or_deep_are_named(tmp_path):
    wide = film(tmp_path / "a.mp4", n=2, aspect=Fraction(16, 15))
    assert "Its pixels are 1.067 times as wide as high." in read_image(wide).problems
    deep = film(tmp_path / "b.mkv", n=2, codec="ffv1", pix="yuv420p10le")
    assert (
        "Its pixels have more than 8 bits (yuv420p10le) and were rounded to 8." in read_image(deep).problems
    )


@pytest.mark.parametrize("keep", [0.02, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi", "a.mpg"])
def test_a_film_that_is_cut_off_gives_what_is_whole_or_one_sentence(tmp_path, name, keep):
    codec = {"a.avi": "mpeg4", "a.mpg": "mpeg2video"}.get(name, "libx264")
    path = film(tmp_path / name, codec=codec)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    try:
        image = read_image(path).image
        found = levels(pixels(image))
    except FormatError:
        return
    # A frame that is shown before the last one may have been cut away; the times tell which.
    expected = shade(np.rint(image.space.timeline.times * 25))
    np.testing.assert_allclose(found[:-1], expected[:-1], atol=4.4 if name != "a.mpg" else 12)


def test_damage_in_the_middle_names_the_frame_and_leaves_the_range_before_it(tmp_path):
    path = film(tmp_path / "a.mkv", codec="mjpeg", pix="yuvj420p")
    content = bytearray(path.read_bytes())
    starts = [n for n in range(len(content)) if content[n : n + 3] == b"\xff\xd8\xff"]
    content[starts[15] : starts[15] + 600] = b"\0" * 600
    path.write_bytes(content)
    with pytest.raises(FormatError, match="frame 16 of 24"):
        pixels(read_image(path).image)
    assert len(video.read_frames(path, slice(0, 15))) == 15


def test_a_film_without_video_and_one_that_is_a_playlist_are_refused(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(FormatError, match="holds video"):
        read_image(tmp_path / "a.mp4")
    film(tmp_path / "b.ts")
    playlist = f"#EXTM3U\n#EXTINF:1,\n{tmp_path}/b.ts\n#EXT-X-ENDLIST\n"
    with pytest.raises(FormatError, match="not read"):
        video.decoded_stream(io.BytesIO(playlist.encode()), name="list")


def test_a_bare_stream_as_it_lies_in_dicom_is_decoded_in_the_order_of_showing(tmp_path):
    path = film(tmp_path / "a.h264", form="h264", n=12)
    with path.open("rb") as stream:
        array = video.decoded_stream(stream, name="x.dcm")
    np.testing.assert_allclose(levels(array), [shade(k) for k in range(12)], atol=3)
    with path.open("rb") as stream:
        few = video.decoded_stream(stream, name="x.dcm", frames=[2, 9])
    np.testing.assert_array_equal(few, array[[2, 9]])
    with path.open("rb") as stream, pytest.raises(FormatError, match="has 12 frames"):
        video.decoded_stream(stream, name="x.dcm", frames=[12])


def test_a_film_in_a_folder_stands_beside_the_pictures(tmp_path):
    film(tmp_path / "a.mp4", n=3)
    assert [case.identifier for case in read_study(tmp_path).cases] == ["a"]


def test_a_film_in_an_archive_is_read_before_its_copy_is_gone(tmp_path):
    film(tmp_path / "a.mp4", n=3)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        out.write(tmp_path / "a.mp4", "x/a.mp4")
    image = read_case(tmp_path / "a.zip").image
    np.testing.assert_allclose(levels(pixels(image)), [shade(k) for k in range(3)], atol=3)


def test_without_pyav_the_film_is_named_with_what_to_install(tmp_path, monkeypatch):
    path = film(tmp_path / "a.mp4", n=3)
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    monkeypatch.delitem(__import__("sys").modules, "skiagraph.codecs.video")
    with pytest.raises(FormatError, match=r"skiagraph\[video\]"):
        read_image(path)


def test_what_is_read_is_a_decoded_image_without_a_size(tmp_path):
    decoded = read_image(film(tmp_path / "a.mp4", n=3))
    assert isinstance(decoded, Decoded)
    assert decoded.problems == ("It states no size in millimetres.",)
