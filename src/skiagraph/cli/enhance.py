"""`skiagraph enhance`: filters an image, keeps its geometry, and shows before and after side by side."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skiagraph.case import Case
    from skiagraph.cli.parameters import Asked
    from skiagraph.findings import Segmentation
    from skiagraph.image import Image

__all__ = ["enhance"]


def enhance(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="IMAGE", help="A file, or the folder or zip archive of one series.", show_default=False
        ),
    ] = None,
    *,
    filters: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            metavar="NAME[:PARAM=VALUE,...]",
            help="A filter and its parameters, such as k-nearest:window=3,k=4; may be given several times, in order.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The enhanced image: .nii .nii.gz .mha .mhd .nrrd .png .tif .tiff. Replaced if it is there."
        ),
    ] = None,
    mask: Annotated[Path | None, typer.Option(help="What is 0 in it stays as it was.")] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Write before, after and their difference side by side: a .png file.")
    ] = None,
    roi: Annotated[
        str | None,
        typer.Option(
            metavar="METHOD[:PARAM=VALUE,...]",
            help="Outline a region of interest in the enhanced image, such as otsu, or grown:seeds=120x200.",
        ),
    ] = None,
    roi_out: Annotated[
        Path | None, typer.Option(help="The region as a mask; several objects are numbered from 1.")
    ] = None,
    pixel_size: Annotated[
        str | None,
        typer.Option(
            metavar="MM", help="Pixel size that IMAGE does not state: 0.1, or 0.1x0.12 (rows x columns)."
        ),
    ] = None,
    image: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Which one, where IMAGE holds several that belong together."),
    ] = None,
    fill_gaps: Annotated[
        bool,
        typer.Option("--fill-gaps", help="Resample a series across missing slices instead of refusing it."),
    ] = False,
    listed: Annotated[
        bool, typer.Option("--list", help="List the filters and methods with their parameters and defaults.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Filter an image, outline a region of interest, or both; every pixel stays where it is in the patient.

    Example: skiagraph enhance scan.nii.gz --filter non-local-means --out smooth.nii.gz --picture smooth.png
    """
    if listed:
        _list(as_json=as_json)
        return
    files = {"--out": out, "--roi-out": roi_out, "--picture": picture}
    path = _checked(source, filters, roi, files, mask)
    chain, method = _asked(filters or [], roi)
    case, taken = _read(path, image, pixel_size, fill_gaps=fill_gaps)
    lost = _enhanced(taken, chain, method, mask, files, shown=not as_json)
    _say(path, (chain, method), files, (case.problems, lost), as_json=as_json)


def _list(*, as_json: bool) -> None:
    from skiagraph.cli.parameters import parameters_of
    from skiagraph.preprocess.filters import FILTERS
    from skiagraph.preprocess.regions import REGIONS

    def told(call: Any) -> dict[str, Any]:
        empty = inspect.Parameter.empty
        defaults = {n: None if p.default is empty else p.default for n, p in parameters_of(call).items()}
        needed = [n for n, p in parameters_of(call).items() if p.default is empty]
        said = (inspect.getdoc(call) or "").split("\n\n")[0].replace("\n", " ").replace("`", "")
        return {"what": said, "parameters": defaults, "needs": needed}

    groups = {"filters": FILTERS, "regions": REGIONS}
    content = {group: {name: told(call) for name, call in calls.items()} for group, calls in groups.items()}
    if as_json:
        typer.echo(json.dumps(content, indent=1))
        return
    for group, option in (("filters", "--filter"), ("regions", "--roi")):
        typer.echo(f"{group} ({option})")
        for name, one in content[group].items():
            typer.echo(f"  {name}: {one['what']}")
            said = [
                f"{key}={'(needed)' if key in one['needs'] else _default(value)}"
                for key, value in one["parameters"].items()
            ]
            typer.echo(f"      {', '.join(said)}")


def _default(value: Any) -> str:
    """As one would write it."""
    if value is None:
        return "auto"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _checked(
    source: Path | None,
    filters: list[str] | None,
    roi: str | None,
    files: dict[str, Path | None],
    mask: Path | None,
) -> Path:
    """The image; what cannot come to a result is refused before anything is read."""
    from skiagraph.errors import InvalidInput

    if source is None:
        raise InvalidInput("enhance needs an IMAGE", way_out="name one, or see the filters with --list")
    if not filters and roi is None:
        raise InvalidInput("enhance needs a --filter or a --roi", way_out="see what there is with --list")
    if not any(files.values()):
        raise InvalidInput("enhance writes to --out, --roi-out or --picture", got="none of them")
    if files["--out"] is not None and not filters:
        raise InvalidInput("an image without a --filter stays as it is", way_out="leave --out away")
    if (roi is None) != (files["--roi-out"] is None) and (files["--picture"] is None or roi is None):
        raise InvalidInput(
            "a region is sought by --roi and written to --roi-out", got="one without the other"
        )
    if not filters and mask is not None:
        raise InvalidInput("a --mask is for filters", got="no --filter")
    named = [path.resolve() for path in (source, mask, *files.values()) if path is not None]
    if len(set(named)) < len(named):
        raise InvalidInput("each file that is read or written has a name of its own", got="one name twice")
    _check_targets(files)
    return source


def _check_targets(files: dict[str, Path | None]) -> None:
    from skiagraph.errors import InvalidInput, MissingInput
    from skiagraph.io.formats import FORMATS

    written = tuple(suffix for one in FORMATS for suffix in one.written)
    for option, path in files.items():
        if path is None:
            continue
        endings = (".png",) if option == "--picture" else written
        if not path.name.lower().endswith(endings):
            raise InvalidInput(f"{option} has a name that ends in {', '.join(endings)}", got=path.name)
        if not path.resolve().parent.is_dir():
            raise MissingInput(f"{path.name} is written to a folder that exists", way_out="make it first")


def _asked(filters: Sequence[str], roi: str | None) -> tuple[list[Asked], Asked | None]:
    from skiagraph.cli.parameters import asked
    from skiagraph.preprocess.filters import FILTERS
    from skiagraph.preprocess.regions import REGIONS

    chain = [asked(text, FILTERS, what="a filter") for text in filters]
    return chain, None if roi is None else asked(roi, REGIONS, what="a method for regions")


def _read(path: Path, name: str | None, pixel_size: str | None, *, fill_gaps: bool) -> tuple[Case, Image]:
    from skiagraph.cli.chosen import chosen
    from skiagraph.cli.pixel_size import parsed_pixel_size
    from skiagraph.io import read_case

    case = read_case(path, pixel_size=parsed_pixel_size(pixel_size), fill_gaps=fill_gaps)
    return case, chosen(case, name, "enhanced")


def _enhanced(
    before: Image,
    chain: Sequence[Asked],
    method: Asked | None,
    mask: Path | None,
    files: dict[str, Path | None],
    *,
    shown: bool,
) -> tuple[str, ...]:
    """Filters, seeks and writes; what the formats could not keep."""
    from skiagraph.cli.parameters import mask_in
    from skiagraph.errors import InvalidInput

    _check_flat(before, files)
    inside = None if mask is None else mask_in(mask, before)
    if inside is not None and not inside.any():
        raise InvalidInput("a mask says where filters act", got="0 everywhere", way_out="leave --mask away")
    after = _filtered(before, chain, inside, shown=shown)
    region = None if method is None else method.call(after, **method.given)
    said = (" + ".join(one.said for one in chain), "" if method is None else method.said)
    return _written((before, after), region, files, said)


def _say(
    path: Path,
    asked: tuple[Sequence[Asked], Asked | None],
    files: dict[str, Path | None],
    notes: tuple[Sequence[str], Sequence[str]],
    *,
    as_json: bool,
) -> None:
    """What was done, as JSON or as the names of the files; `notes` are problems of the image, and what was lost."""
    (chain, method), (problems, lost) = asked, notes
    there = {option.removeprefix("--"): str(file) for option, file in files.items() if file is not None}
    if as_json:
        done = {
            "from": str(path),
            "to": there,
            "filters": [one.said for one in chain],
            "region": None if method is None else method.said,
            "problems": list(problems),
            "lost": list(lost),
        }
        typer.echo(json.dumps(done, indent=1, ensure_ascii=False))
        return
    for name in there.values():
        typer.echo(name)
    for sentence in (*problems, *lost):
        typer.echo(f"note: {sentence}", err=True)


def _check_flat(image: Image, files: dict[str, Path | None]) -> None:
    """PNG is refused before the work: a volume is found out only when it was read."""
    from skiagraph.errors import InvalidInput

    for option in ("--out", "--roi-out"):
        path = files[option]
        moves = image.space.timeline is not None
        if path is not None and path.suffix.lower() == ".png" and (image.space.ndim == 3 or moves):
            raise InvalidInput(
                "PNG holds one still picture", got=f"axes {', '.join(image.axes)}", way_out="write NIfTI"
            )


def _filtered(image: Image, chain: Sequence[Asked], mask: NDArray[Any] | None, *, shown: bool) -> Image:
    from skiagraph.cli.progress import progress

    with progress("filtering", shown=shown) as advance:
        for number, one in enumerate(chain):
            image = one.call(**one.given)(image, mask)
            advance(number + 1, len(chain), {})
    return image


def _written(
    images: tuple[Image, Image],
    region: Segmentation | None,
    files: dict[str, Path | None],
    said: tuple[str, str],
) -> tuple[str, ...]:
    """Writes each file whole; what its format could not keep. `said` names the filters and the method."""
    from skiagraph.cli.before_after import before_after
    from skiagraph.io import write_image

    before, after = images
    lost: tuple[str, ...] = ()
    out, roi_out, picture = files["--out"], files["--roi-out"], files["--picture"]
    if out is not None:
        lost += write_image(after, out)
    if roi_out is not None and region is not None:
        lost += write_image(_mask_of(region, after), roi_out)
    if picture is not None:
        before_after(before, after, picture, said=said, region=region)
    return tuple(dict.fromkeys(lost))


def _mask_of(region: Segmentation, image: Image) -> Image:
    """One region as truth values, many objects as numbers; written as PNG, true becomes 255."""
    import numpy as np

    from skiagraph.image import Image as Picture
    from skiagraph.image.quantity import LABEL

    labels = region.labels
    wide = np.uint16 if labels.max(initial=0) < 2**16 else np.int32
    data = labels.astype(wide) if region.kind == "instances" else labels > 0
    return Picture(data=data, space=region.space, quantity=LABEL, modality=image.modality)
