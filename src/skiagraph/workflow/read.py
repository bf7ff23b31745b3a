"""The whole way of one study, on one page: files, cases, checks, gate, model, measurements, draft report, files."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, final

import numpy as np

from skiagraph.case import Case
from skiagraph.codecs import nifti, picture, written
from skiagraph.errors import FormatError, InvalidInput, MissingInput
from skiagraph.findings import (
    Classification,
    Findings,
    Measurement,
    NotApplicable,
    Provenance,
    Segmentation,
    Source,
)
from skiagraph.geometry import Plane
from skiagraph.image import Image, image_digest
from skiagraph.image.quantity import LABEL
from skiagraph.io import read_cases
from skiagraph.io.sources import holds_files
from skiagraph.report import (
    Entry,
    Language,
    Reading,
    drafted,
    entry_of,
    reading_of,
    reading_to_plain,
    render_index,
    render_report,
    sentences,
)
from skiagraph.task import Watch
from skiagraph.version import __version__
from skiagraph.workflow.exports import Exports, made_folder
from skiagraph.workflow.quality import with_remarks
from skiagraph.workflow.shelf import Reader

__all__ = ["Also", "Outcome", "Request", "read", "read_all", "read_case_with"]

Also = Callable[[Reading, Case, Path], Exports]
"""What writes further files of a reading into its folder, such as `skiagraph.workflow.export.written_beside`."""

_AT_ONCE: Final = 2  # cases in work: one is computed while another is decoded or written
_NOT_IN_NAMES: Final = re.compile(r"[^\w.\-]+")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be read, and where the readings go.

    Args:
        path: A file; or a folder that is searched with its folders, a zip archive, or a DICOMDIR.
        out: Folder of the readings; it is made. Where `path` holds many files, each case gets a folder there.
        mask: What is outlined in the one image; or a folder with a mask of the same name for each. None where the model
            judges whole images.
        outlined: Brings the mask to a case: `skiagraph.workflow.outlined.outlined`. It is handed in, because what reads
            masks of DICOM takes a second to load, and most readings have none.
        pixel_size: mm between (rows, columns) of every picture, as its user states it.
        pixel_sizes: The same by file name; goes before `pixel_size`.
        language: Of the page; ``reading.json`` has the words of all languages.
        fill_gaps: Resample a DICOM series across missing slices instead of refusing it.
    """

    path: Path
    out: Path
    mask: Path | None = None
    outlined: Callable[[Case, Path], Case] | None = None
    pixel_size: tuple[float, float] | None = None
    pixel_sizes: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    language: Language = "en"
    fill_gaps: bool = False


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What became of one case.

    Args:
        case: Its identifier.
        folder: Where its reading lies: ``reading.json``, ``report.html`` and the mask.
        facts: Classes, measurements and refusals; outlines stay in the files, so that thousands of outcomes fit in
            memory.
        confidence: Calibrated, of the outline; None where there is none.
        entry: Its line in the index page.
        sentences: What the facts say, in words; of answers about several things with the name of each.
        exports: What was written beside the reading, where that was asked for.
    """

    case: str
    folder: Path
    facts: tuple[Classification | Measurement | NotApplicable, ...]
    confidence: float | None
    entry: Entry
    sentences: tuple[str, ...]
    exports: Exports = field(default_factory=Exports)


def read(request: Request, reader: Reader, *, also: Also | None = None) -> Iterator[Outcome | str]:
    """Reads everything in a file or folder, one case after the other.

    Args:
        request: What and where.
        reader: The model, opened once.
        also: Writes further files of each reading.

    Yields:
        The outcome of a case, already written; or a sentence about what could not be read, and the rest goes on.

    Raises:
        MissingInput: No such path, or a folder without a file.
        NotPermitted: It may not be read, or the results may not be written.
        FormatError: One file that cannot be read.
        InvalidInput: A mask for a model that judges none, one mask for many images, or a model of numbers alone.
        WriteFailed: The disk does not take the results; nothing half written is left.
    """
    alone = not holds_files(request.path)
    _check_mask(request, reader, alone=alone)
    made_folder(request.out)

    def one(case: Case) -> Outcome | str:
        try:
            case = with_remarks(case, reader.card)
            if request.mask is not None and request.outlined is not None:
                case = request.outlined(case, request.mask)
            reading = read_case_with(reader, case)
        except (FormatError, InvalidInput) as error:
            if alone:
                raise
            return f"{case.identifier}: {error}"
        folder = request.out if alone else request.out / _NOT_IN_NAMES.sub("_", case.identifier)
        _write(reading, case, folder, request.language)
        outcome = _outcome(reading, case, folder, request.language)
        if also is None:
            return outcome
        try:
            return dataclasses.replace(outcome, exports=also(reading, case, folder))
        except (FormatError, InvalidInput) as error:
            if alone:
                raise
            return dataclasses.replace(outcome, exports=Exports(notes=(f"{case.identifier}: {error}",)))

    cases = read_cases(
        request.path,
        pixel_size=request.pixel_size,
        pixel_sizes=request.pixel_sizes,
        fill_gaps=request.fill_gaps,
    )
    yield from _side_by_side(one, cases)


def _check_mask(request: Request, reader: Reader, *, alone: bool) -> None:
    """Whether the model and the mask go together, said before anything is read."""
    mask, features = request.mask, reader.recipe.features
    if features is not None and not features.sets:
        raise InvalidInput(
            f"{reader.card.name} judges numbers of a table and does not know how images are described",
            way_out="teach a model with a table of `skiagraph features`",
        )
    if mask is None:
        return
    if not reader.outlined:
        raise InvalidInput(
            "a mask goes with a model that judges what is outlined",
            got=f"{reader.card.name}, which looks at whole images",
            way_out="leave --mask away",
        )
    if request.outlined is None:
        raise InvalidInput("a request with a mask says how masks are read", got="no `outlined`")
    if not mask.exists():
        raise MissingInput(f"{mask.name} is a mask or a folder of masks", way_out="check the path")
    if not alone and not mask.is_dir():
        raise InvalidInput(
            "one mask goes with one image",
            got="many images",
            way_out="name a folder that has a mask of the same name for each image",
        )


def read_case_with(reader: Reader, case: Case) -> Reading:
    """What a model says of one case, as a draft; nothing is written.

    Raises:
        FormatError: Its pixels cannot be decoded.
        InvalidInput: They are of a kind that the model cannot take.
    """
    begun, created = time.monotonic(), datetime.now(UTC).astimezone()  # people read it by their clock
    items, reasons = reader.explained(case)
    sources = tuple(
        Source(name=name, digest=image_digest(image), uid=case.uids.get(name))
        for name, image in case.images.items()
    )
    provenance = Provenance(
        sources=sources,
        model=reader.card.name,
        model_version=reader.card.version,
        model_digest=reader.digest,
        software=f"skiagraph {__version__}",
        engine=reader.engine.name,
        precision=reader.engine.precision,
        created=created,
        seconds=round(time.monotonic() - begun, 4),
    )
    report = drafted(case.identifier, Findings(items=items, provenance=provenance))
    return reading_of(report, case, reader.card, reasons)


def read_all(
    request: Request, reader: Reader, watch: Watch, *, also: Also | None = None
) -> tuple[list[Outcome], list[str]]:
    """As `read`, to the end, with an index page where there are several readings.

    Args:
        request: What and where.
        reader: The model, opened once.
        watch: Told after each case.
        also: As `read`.

    Returns:
        The outcomes, and what could not be read.

    Raises:
        MissingInput: As `read`.
        NotPermitted: As `read`.
        FormatError: As `read`.
        WriteFailed: As `read`.
    """
    outcomes: list[Outcome] = []
    problems: list[str] = []
    for done, item in enumerate(read(request, reader, also=also), 1):
        if isinstance(item, Outcome):
            outcomes.append(item)
        else:
            problems.append(item)
        watch(done, 0, {})
    if len(outcomes) > 1:
        with written(request.out / "index.html") as path:
            path.write_text(render_index(tuple(o.entry for o in outcomes), lang=request.language), "utf-8")
    return outcomes, problems


def _outcome(reading: Reading, case: Case, folder: Path, language: Language) -> Outcome:
    items = reading.report.findings
    outlines = [i for i in items if isinstance(i, Segmentation) and i.segments]
    facts = tuple(i for i in items if isinstance(i, Classification | Measurement | NotApplicable))
    return Outcome(
        case=reading.report.case,
        folder=folder,
        facts=facts,
        confidence=outlines[0].segments[0].confidence if outlines else None,
        entry=entry_of(reading.report, case, link=f"{folder.name}/report.html", lang=language),
        sentences=tuple(sentences(facts, reading.reasons, language)),
    )


def _side_by_side(
    one: Callable[[Case], Outcome | str], cases: Iterator[Case | str]
) -> Iterator[Outcome | str]:
    """In order, with at most a few cases in memory."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        waiting = []
        for item in cases:
            waiting.append(
                pool.submit(lambda said: said, item) if isinstance(item, str) else pool.submit(one, item)
            )
            if len(waiting) > _AT_ONCE:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()


def _write(reading: Reading, case: Case, folder: Path, language: Language) -> None:
    """The files of one reading; the page comes last, so that where it is all of them are."""
    made_folder(folder)
    text = json.dumps(reading_to_plain(reading), ensure_ascii=False, indent=1, allow_nan=False)
    with written(folder / "reading.json") as path:
        path.write_text(text + "\n", "utf-8")
    for item in reading.report.findings:
        if isinstance(item, Segmentation):
            _write_mask(item, folder)
    with written(folder / "report.html") as path:
        path.write_text(
            render_report(reading.report, case, reading.card, lang=language, reasons=reading.reasons), "utf-8"
        )


def _write_mask(segmentation: Segmentation, folder: Path) -> None:
    """In the geometry of the input: NIfTI where it has a size, PNG for what is shown pixel by pixel.

    Structures that may overlap have a file each, called by their number.
    """
    parts = {"mask": segmentation.labels}
    if segmentation.kind == "overlapping":
        parts = {f"mask-{s.number}": segmentation.mask(s.number) for s in segmentation.segments}
    for name, labels in parts.items():
        if isinstance(segmentation.space, Plane) and segmentation.space.unit == "pixel":
            shown = (labels > 0).astype(np.uint8) * 255
            picture.write(Image(data=shown, space=segmentation.space, quantity=LABEL), folder / f"{name}.png")
        else:
            image = Image(data=labels.astype(np.uint8), space=segmentation.space, quantity=LABEL)
            nifti.write(image, folder / f"{name}.nii.gz")
