"""`skiagraph phantom`: draws synthetic studies and writes the truth beside them."""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from skiagraph.phantoms.fetal_head import FetalHead

__all__ = ["phantom"]


class Kind(enum.StrEnum):
    """What can be drawn."""

    fetal_head = "fetal-head"


class Form(enum.StrEnum):
    """The formats in which a phantom is written."""

    dicom = "dicom"
    png = "png"
    nifti = "nifti"


_SUFFIX = {Form.dicom: ".dcm", Form.png: ".png", Form.nifti: ".nii.gz"}


def phantom(
    kind: Annotated[Kind, typer.Argument(help="What to draw.", show_default=False)],
    out: Annotated[Path, typer.Argument(help="Folder to write to; it is made.", show_default=False)],
    *,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same pictures.")] = 1,
    count: Annotated[int, typer.Option(min=1, help="How many pictures.")] = 1,
    form: Annotated[Form, typer.Option("--format", help="PNG does not keep the pixel size.")] = Form.dicom,
    as_json: Annotated[bool, typer.Option("--json", help="Say what was written as JSON.")] = False,
) -> None:
    """Draw synthetic studies of patients who do not exist, with the truth beside them.

    The truth goes to OUT/truth, so that reading OUT does not take it for an image.

    Example: skiagraph phantom fetal-head demo --seed 7 --count 3
    """
    import numpy as np

    from skiagraph.phantoms.fetal_head import sample_fetal_head

    _made(out / "truth")
    listed = []
    for number in range(1, count + 1):
        head = sample_fetal_head(np.random.default_rng([seed, number]))
        listed.append(_written(head, out, f"image-{number:04d}", form))
        if not as_json:
            typer.echo(_sentence(listed[-1], form))
    if as_json:
        typer.echo(json.dumps({"kind": kind.value, "seed": seed, "written": listed}, indent=1))


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


def _sentence(one: dict[str, Any], form: Form) -> str:
    size = f"; read it with --pixel-size {one['pixel_size_mm']:.6g}" if form is Form.png else ""
    return f"wrote {one['image']} (head circumference {one['head_circumference_mm']:.1f} mm){size}"
