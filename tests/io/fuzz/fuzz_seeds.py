"""Small valid files of every format that is read: what the mutations begin with."""

import io
import tempfile
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
import PIL.Image
import SimpleITK as sitk  # noqa: N813
import tifffile
from fuzz_objects import COLOUR, GREY, VOLUME, disc, objects, slices

SIBLINGS = dict(zip(("IMAGES/IM1", "IMAGES/IM2"), slices(2), strict=True))  # what the disc names


def zipped(members, method=zipfile.ZIP_STORED):
    """A zip archive of these files, by name."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return stream.getvalue()


def _volumes(folder):
    nib.Nifti1Image(VOLUME, np.diag([2, 2, 3, 1])).to_filename(folder / "a.nii")
    four = nib.Nifti1Image(np.stack([VOLUME] * 2, -1).astype(np.float32), np.diag([2, 2, 3, 1]))
    four.header.set_xyzt_units("mm", "sec")
    four.to_filename(folder / "b.nii.gz")
    nib.Nifti2Image(GREY[:, :, None], np.eye(4)).to_filename(folder / "c.nii")
    image = sitk.GetImageFromArray(VOLUME)
    image.SetSpacing((0.5, 0.7, 2))
    for name in ("d.mha", "e.mhd", "f.nrrd"):
        sitk.WriteImage(image, folder / name)
    sitk.WriteImage(image, folder / "g.nrrd", useCompression=True)
    read = {p.name: p.read_bytes() for p in folder.iterdir()}
    return {
        "nifti": read["a.nii"],
        "nifti-packed": read["b.nii.gz"],
        "nifti-2": read["c.nii"],
        "metaimage": read["d.mha"],
        "metaimage-pair": zipped({name: read[name] for name in ("e.mhd", "e.raw")}),
        "nrrd": read["f.nrrd"],
        "nrrd-packed": read["g.nrrd"],
    }


def _pictures(folder):
    def saved(picture, kind, **options):
        stream = io.BytesIO()
        picture.save(stream, format=kind, **options)
        return stream.getvalue()

    grey, colour = PIL.Image.fromarray(GREY), PIL.Image.fromarray(COLOUR)
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    tifffile.imwrite(
        folder / "a.tif",
        np.tile(VOLUME, (1, 4, 4)),
        compression="zlib",
        tile=(16, 16),
        photometric="minisblack",
    )
    tifffile.imwrite(folder / "b.tif", COLOUR, resolution=(254, 254), resolutionunit=2, description="a")
    tifffile.imwrite(folder / "c.tif", VOLUME, bigtiff=True, ome=True, metadata={"axes": "ZYX"})
    pages = np.tile(VOLUME, (1, 4, 4)).astype(np.uint8)
    tifffile.imwrite(folder / "d.tif", pages, compression="jpeg", photometric="minisblack", byteorder=">")
    tifffile.imwrite(folder / "e.tif", pages, imagej=True)
    with tifffile.TiffWriter(folder / "f.tif") as file:
        file.write(pages[0], subifds=1, compression="lzw", photometric="minisblack")
        file.write(pages[0, ::2, ::2], subfiletype=1, compression="lzw", photometric="minisblack")
    return {
        "png": saved(grey, "PNG", dpi=(254, 254), exif=exif),
        "png-deep": saved(PIL.Image.fromarray(GREY.astype(np.uint16)), "PNG"),
        "png-palette": saved(colour.quantize(5), "PNG", transparency=1),
        "jpeg-picture": saved(colour, "JPEG", exif=exif),
        "gif": saved(grey, "GIF", save_all=True, append_images=[PIL.Image.fromarray(GREY[::-1])]),
        "bmp": saved(colour, "BMP"),
        "webp": saved(colour, "WEBP"),
        "tiff-tiled": (folder / "a.tif").read_bytes(),
        "tiff": (folder / "b.tif").read_bytes(),
        "tiff-big": (folder / "c.tif").read_bytes(),
        "tiff-jpeg": (folder / "d.tif").read_bytes(),
        "tiff-imagej": (folder / "e.tif").read_bytes(),
        "tiff-levels": (folder / "f.tif").read_bytes(),
    }


def _films(folder):
    try:
        import av
    except ImportError:
        return {}
    found = {}
    for name, codec in (
        ("film.mp4", "mpeg4"),
        ("film.avi", "mjpeg"),
        ("film.mkv", "mpeg4"),
        ("film.ts", "mpeg2video"),
    ):
        with av.open(str(folder / name), "w") as container:
            stream = container.add_stream(codec, rate=25)
            stream.width = stream.height = 32
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            for n in range(9 if name == "film.ts" else 3):
                frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 25 * n, np.uint8), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        found[name.replace(".", "-")] = (folder / name).read_bytes()
    return found


def seeds():
    """Files by what they are."""
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name, part) for part in "abc"]
        for folder in folders:
            folder.mkdir()
        series = {f"ct/{k}": data for k, data in enumerate(slices())}
        return {
            **objects(),
            "disc": disc(),
            "series": zipped(series),
            "series-packed": zipped(
                {**series, "DICOMDIR": disc(), "note.txt": b"hello"}, zipfile.ZIP_DEFLATED
            ),
            **_volumes(folders[0]),
            **_pictures(folders[1]),
            **_films(folders[2]),
        }
