"""`skiagraph read`: the main job, from a path to readings."""

from __future__ import annotations

import dataclasses
import enum
import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skiagraph.cli.export import plain_file
from skiagraph.cli.language import Lang

if TYPE_CHECKING:
    from skiagraph.workflow import Also, Outcome, Request

__all__ = ["read"]


class Numbers(enum.StrEnum):
    """Precisions of the engine."""

    fp32 = "fp32"
    bf16 = "bf16"


class Engine(enum.StrEnum):
    """Engines that run the network."""

    auto = "auto"
    openvino = "openvino"
    onnxruntime = "onnxruntime"


In = Annotated[
    Path, typer.Argument(help="An image, or a folder, zip archive or DICOMDIR of images.", show_default=False)
]
Out = Annotated[Path | None, typer.Option(help="Folder of the readings. [default: PATH's name + -reading]")]
Named = Annotated[str, typer.Option(help="A registered model, or the folder of a bundle.")]
Mask = Annotated[
    Path | None,
    typer.Option(
        help="What is outlined, for models of features: a label map, DICOM segmentation or structure set; for many "
        "images, a folder with a mask of the same name for each.",
        show_default=False,
    ),
]
Size = Annotated[float | None, typer.Option(help="mm a pixel, where the file does not state it.")]
Sizes = Annotated[
    Path | None, typer.Option(help="CSV with the columns file and pixel_size_mm, for many files.")
]
Tongue = Annotated[Lang, typer.Option(help="Language of the report.")]
Runs = Annotated[Engine, typer.Option(help="What runs the network.")]
Exact = Annotated[Numbers, typer.Option(help="fp32 is strict, bf16 faster where the processor has it.")]
Gaps = Annotated[
    bool,
    typer.Option("--fill-gaps", help="Resample a series across missing slices instead of refusing it."),
]
Dicom = Annotated[
    bool,
    typer.Option("--dicom", help="Write also the DICOM objects, in a folder dicom, and report.pdf."),
]
Pdf = Annotated[bool, typer.Option("--pdf", help="Write also report.pdf.")]
Json = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")]


def read(
    path: In,
    *,
    out: Out = None,
    model: Named = "fetal-head-ultrasound",
    mask: Mask = None,
    pixel_size: Size = None,
    pixel_sizes: Sizes = None,
    lang: Tongue = Lang.en,
    engine: Runs = Engine.auto,
    precision: Exact = Numbers.fp32,
    fill_gaps: Gaps = False,
    dicom: Dicom = False,
    pdf: Pdf = False,
    as_json: Json = False,
) -> None:
    """Read an image, or a folder of them: outline, measurements with intervals, and a draft report.

    Without a pixel size no millimetre is reported. What is not a fetal head in the standard plane is refused with the
    reason. A file that cannot be read is named, and the others are read. Models of features judge what --mask outlines.

    Example: skiagraph read image.png --pixel-size 0.12 --lang zh
    """
    from skiagraph.cli.progress import progress
    from skiagraph.errors import FormatError
    from skiagraph.workflow import opened_model, read_all

    request = _request(path, out, pixel_size, pixel_sizes, lang, fill_gaps=fill_gaps)
    if mask is not None:
        from skiagraph.workflow.outlined import outlined

        request = dataclasses.replace(request, mask=mask, outlined=outlined)
    reader = opened_model(model, engine=engine.value, precision=precision.value)
    with progress("reading", shown=not as_json) as watch:
        outcomes, problems = read_all(request, reader, watch, also=_also(lang, dicom=dicom, pdf=pdf))
    if as_json:
        rows = [_plain(outcome) for outcome in outcomes]
        typer.echo(json.dumps({"readings": rows, "problems": problems}, indent=1, ensure_ascii=False))
    else:
        _say(outcomes, request.out)
    for problem in (*problems, *(note for outcome in outcomes for note in outcome.exports.notes)):
        sys.stderr.write(f"skiagraph: {problem}\n")
    if not outcomes:
        raise FormatError(f"{path.name} holds an image that can be read", got="none")


def _request(
    path: Path, out: Path | None, one: float | None, table: Path | None, lang: Lang, *, fill_gaps: bool
) -> Request:
    from skiagraph.errors import InvalidInput
    from skiagraph.io import read_pixel_sizes
    from skiagraph.workflow import Request

    if one is not None and not 0 < one < 100:
        raise InvalidInput("a pixel size is a number of millimetres above 0 and below 100", got=str(one))
    return Request(
        path=path,
        out=out or Path(f"{path.resolve().name.split('.')[0]}-reading"),
        pixel_size=None if one is None else (one, one),
        pixel_sizes={} if table is None else read_pixel_sizes(table),
        language=lang.value,
        fill_gaps=fill_gaps,
    )


def _also(lang: Lang, *, dicom: bool, pdf: bool) -> Also | None:
    """What writes further files; its packages are loaded only where they are asked for."""
    if not (dicom or pdf):
        return None
    from skiagraph.workflow.export import written_beside

    return partial(written_beside, dicom=dicom, language=lang.value)


def _say(outcomes: list[Outcome], out: Path) -> None:
    for outcome in outcomes:
        typer.echo("\n  ".join([outcome.case, *outcome.sentences, str(outcome.folder / "report.html")]))
        for one in outcome.exports.written:
            typer.echo(f"  {one.path} ({one.holds})")
    if len(outcomes) > 1:
        typer.echo(f"all readings: {out / 'index.html'}")


def _plain(outcome: Outcome) -> dict[str, Any]:
    from skiagraph.findings import Classification, Measurement, NotApplicable
    from skiagraph.plain import to_plain

    return {
        "case": outcome.case,
        "report": str(outcome.folder / "report.html"),
        "reading": str(outcome.folder / "reading.json"),
        "exports": [plain_file(one) for one in outcome.exports.written],
        "confidence": outcome.confidence,
        "classifications": [to_plain(i) for i in outcome.facts if isinstance(i, Classification)],
        "measurements": [to_plain(i) for i in outcome.facts if isinstance(i, Measurement)],
        "refused": [to_plain(i) for i in outcome.facts if isinstance(i, NotApplicable)],
    }
