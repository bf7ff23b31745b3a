"""`skiagraph phantom`: draws synthetic studies and writes the truth beside them."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from skiagraph.phantoms.drawn import Drawn
    from skiagraph.phantoms.fetal_head import FetalHead

__all__ = ["phantom"]

_KINDS = {
    "fetal-head": "ultrasound of a fetal head in the standard plane",
    "chest-ct": "chest CT with solid and ground-glass nodules",
    "chest-xray": "chest X-ray projected from that CT",
    "brain-mr": "head in T1, T2 and FLAIR, one file a slice",
    "brain-mr-enhanced": "the same as enhanced multi-frame objects",
    "cine-heart": "beating heart in short axis slices",
    "pet": "PET of hot balls of known SUV",
    "diffusion-mr": "diffusion with b-values and directions",
    "multi-echo-mr": "gradient echoes with known T2*",
    "tilted-ct": "CT with a tilted gantry",
    "colour-doppler": "ultrasound cine with calibrated flow",
    "angiography": "X-ray run with mask frames",
    "bone-scan": "whole-body bone scan with metastases",
    "mammogram": "breast with a mass and calcifications",
    "fundus": "photograph of the back of the eye",
    "oct": "optical coherence tomography of the macula",
    "whole-slide": "stained tissue in tiles and levels",
    "breast-tumours": "sonograms of benign and malignant tumours with their masks, as one data set",
}
Kind = enum.StrEnum("Kind", {name.replace("-", "_"): name for name in _KINDS})  # type: ignore[misc]
_HELP = "What to draw. " + " ".join(f"{name}: {what}." for name, what in _KINDS.items())


class Form(enum.StrEnum):
    """The formats in which a phantom is written."""

    dicom = "dicom"
    png = "png"
    nifti = "nifti"


_SUFFIX = {Form.dicom: ".dcm", Form.png: ".png", Form.nifti: ".nii.gz"}


def phantom(
    kind: Annotated[Kind, typer.Argument(help=_HELP, show_default=False, metavar="KIND")],
    out: Annotated[Path, typer.Argument(help="Folder to write to; it is made.", show_default=False)],
    *,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same pictures.")] = 1,
    count: Annotated[int, typer.Option(min=1, help="How many.")] = 1,
    form: Annotated[
        Form, typer.Option("--format", help="PNG does not keep the pixel size; fetal-head only.")
    ] = Form.dicom,
    difficulty: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="How much the kinds of breast-tumours overlap: 0 not at all, 1 wholly."
        ),
    ] = 0.5,
    as_json: Annotated[bool, typer.Option("--json", help="Say what was written as JSON.")] = False,
) -> None:
    """Draw synthetic studies of patients who do not exist, with the truth beside them.

    The truth goes to OUT/truth. A fetal head is one file in OUT; of all other kinds, the images go to OUT/images.
    Breast tumours are PNG with masks in OUT/masks and a table OUT/dataset.csv, which says class and pixel size.

    Example: skiagraph phantom chest-ct demo --seed 7
    """
    if kind == "breast-tumours":
        if form is Form.nifti:
            from skiagraph.errors import InvalidInput

            raise InvalidInput("this kind is written as PNG", got="nifti", way_out="leave --format away")
        _breast_tumours(out, (seed, count), difficulty, as_json=as_json)
        return
    draw = _fetal_head if kind == "fetal-head" else _study
    listed = draw(kind.value, out, (seed, count), form, _said(form, shown=not as_json))
    if as_json:
        typer.echo(json.dumps({"kind": kind.value, "seed": seed, "written": listed}, indent=1))


def _said(form: Form, *, shown: bool) -> Callable[[dict[str, Any]], None]:
    """Tells a person what was written, unless a program asked."""

    def say(one: dict[str, Any]) -> None:
        if shown:
            typer.echo(_sentence(one, form))

    return say


def _sentence(one: dict[str, Any], form: Form) -> str:
    if "images" in one:
        return f"wrote {one['files']} files to {one['images']}, and what is true of them to {one['truth']}"
    size = f"; read it with --pixel-size {one['pixel_size_mm']:.6g}" if form is Form.png else ""
    return f"wrote {one['image']} (head circumference {one['head_circumference_mm']:.1f} mm){size}"


def _study(
    kind: str, out: Path, which: tuple[int, int], form: Form, say: Callable[[dict[str, Any]], None]
) -> list[dict[str, Any]]:
    """Draws and writes `which[1]` studies; each has a folder of its own."""
    from skiagraph.cli.progress import progress
    from skiagraph.errors import InvalidInput
    from skiagraph.phantoms.catalogue import KINDS
    from skiagraph.phantoms.drawn import write_drawn

    if form is Form.png:
        raise InvalidInput("this kind is written as DICOM or NIfTI", got="png", way_out="leave --format away")
    listed = []
    for number in range(which[1]):
        name = f"{number + 1:04d}"
        images, truth = out / "images" / name, out / "truth" / name
        with progress(f"drawing {kind}") as advance:
            drawn = KINDS[kind](which[0] + number)
            paths = write_drawn(drawn, images, truth, watch=advance, volumes=form is Form.nifti)
        listed.append(_told(drawn, images, truth, len(paths)))
        say(listed[-1])
    return listed


def _breast_tumours(out: Path, which: tuple[int, int], difficulty: float, *, as_json: bool) -> None:
    """Draws and writes `which[1]` tumours, half of them malignant."""
    import numpy as np

    from skiagraph.cli.progress import progress
    from skiagraph.phantoms.breast_files import write_breast_tumours
    from skiagraph.phantoms.breast_sonogram import breast_tumours

    dataset = breast_tumours(which[1], difficulty, np.random.default_rng(which[0]))
    with progress("drawing breast-tumours", shown=not as_json) as advance:
        table = write_breast_tumours(dataset, out, watch=advance)
    if as_json:
        found = {"kind": "breast-tumours", "seed": which[0], "difficulty": difficulty, "table": str(table)}
        typer.echo(json.dumps(found, indent=1))
        return
    typer.echo(f"wrote {which[1]} sonograms with masks, and the table that names them: {table}")


def _told(drawn: Drawn, images: Path, truth: Path, files: int) -> dict[str, Any]:
    return {
        "images": str(images),
        "truth": str(truth / "truth.json"),
        "files": files,
        "study": str(drawn.datasets[0].StudyInstanceUID),
    }


def _fetal_head(
    _: str, out: Path, which: tuple[int, int], form: Form, say: Callable[[dict[str, Any]], None]
) -> list[dict[str, Any]]:
    """Draws and writes `which[1]` pictures, all in one folder."""
    import numpy as np

    from skiagraph.phantoms.fetal_head import sample_fetal_head

    _made(out / "truth")
    listed = []
    for number in range(1, which[1] + 1):
        head = sample_fetal_head(np.random.default_rng([which[0], number]))
        listed.append(_written(head, out, f"image-{number:04d}", form))
        say(listed[-1])
    return listed


def _made(folder: Path) -> None:
    from skiagraph.errors import WriteFailed

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteFailed(
            "phantoms are written to a folder", got=error.strerror or "an error", way_out="choose another OUT"
        ) from error


def _written(head: FetalHead, out: Path, name: str, form: Form) -> dict[str, Any]:
    """Draws and writes one picture and its truth."""
    from skiagraph.phantoms.fetal_head import draw_fetal_head
    from skiagraph.phantoms.study import ultrasound_dataset, write_dataset
    from skiagraph.phantoms.truth import fetal_head_image, fetal_head_truth, write_truth

    picture = draw_fetal_head(head)
    image = fetal_head_image(head, picture)
    path, truth = out / f"{name}{_SUFFIX[form]}", out / "truth" / f"{name}.json"
    if form is Form.dicom:
        write_dataset(ultrasound_dataset(head, picture), path)
    elif form is Form.png:
        from skiagraph.codecs import picture as png

        png.write(image, path)
    else:
        from skiagraph.codecs import nifti

        nifti.write(image, path)
    write_truth(truth, head, fetal_head_truth(head, image), image=path.name)
    return {
        "image": str(path),
        "truth": str(truth),
        "pixel_size_mm": head.pixel_size,
        "head_circumference_mm": head.head_circumference,
    }
