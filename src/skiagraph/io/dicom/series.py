"""DICOM objects to cases: headers first, frames to stacks, stacks to images that decode their pixels when asked."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, final

from pydicom.dataset import Dataset

from skiagraph.case import Case, Origin
from skiagraph.codecs.foreign import quiet
from skiagraph.errors import InvalidInput, SkiagraphError
from skiagraph.findings import Finding, Known
from skiagraph.image import Image
from skiagraph.io.dicom.decode import SamePixels
from skiagraph.io.dicom.frame import Frame, uid_of
from skiagraph.io.dicom.lesions import lesions
from skiagraph.io.dicom.moments import Moments, cine_of, moments_of
from skiagraph.io.dicom.nuclear import nuclear_views
from skiagraph.io.dicom.objects import frames_of, guarded
from skiagraph.io.dicom.ophthalmic import OPHTHALMIC, OnFundus, fundus_finding, places_on_fundus
from skiagraph.io.dicom.picture import Pictured, pictured
from skiagraph.io.dicom.quick import text_at
from skiagraph.io.dicom.scan import scan_many
from skiagraph.io.dicom.source import Source
from skiagraph.io.dicom.stacks import Stack, stacks_of
from skiagraph.io.dicom.whole_slide import WHOLE_SLIDE, slide_case, slide_of

__all__ = ["Advance", "read_files"]

Advance = Callable[[int, int], None]
Heard = Callable[[Dataset], None]
LOCALIZER: Final = "It is a localizer, made to plan other images."


@final
@dataclass(slots=True, kw_only=True)
class _Unit:
    """Frames that may become one image: those of a series that lie in the patient, or those of one object."""

    uid: str | None
    frames: list[Frame] = field(default_factory=list)
    sources: dict[Source, None] = field(default_factory=dict)

    @property
    def whole(self) -> str:
        alone = len(self.sources) == 1 or self.uid is None
        return next(iter(self.sources)).name if alone else f"series {self.uid}"


def read_files(
    sources: Sequence[Source],
    *,
    fill_gaps: bool = False,
    watch: Advance | None = None,
    headers: Heard | None = None,
) -> Iterator[tuple[Source | None, Case] | str]:
    """All images in some DICOM objects: pictures by themselves, the slices of a series together.

    Headers are read first, all of them; no pixel is decoded but to tell copies from moments where headers do not.

    Args:
        sources: In a stable order.
        fill_gaps: Resample across missing slices instead of refusing them.
        watch: Told after each header how many were read, and of how many.
        headers: Told each header that could be read; all of them before the first case.

    Yields:
        The source of a case that is one object (None for a series) and the case, or a sentence about what could not be
        read. A case of one object is named by its file, that of a series by its SeriesInstanceUID.
    """
    heard = headers or _unheard
    units: dict[object, _Unit] = {}
    slides: dict[str, list[tuple[Source, Dataset]]] = {}
    for done, (source, header) in enumerate(zip(sources, scan_many(sources), strict=True), 1):
        if watch is not None:
            watch(done, len(sources))
        try:
            if isinstance(header, SkiagraphError):
                raise header
            heard(header)
            uid = uid_of(header, "SeriesInstanceUID")
            if text_at(header, "SOPClassUID") == WHOLE_SLIDE:
                slides.setdefault(uid or source.name, []).append((source, header))
                continue
            frames = frames_of(source, header)
        except SkiagraphError as error:
            yield str(error)
            continue
        lies = all(frame.place is not None for frame in frames)
        unit = units.setdefault(uid if lies and uid else source, _Unit(uid=uid if lies else None))
        unit.frames += frames
        unit.sources[source] = None
    pairs, followers = _lesions(list(units.values()))
    lines = _slices_of_the_eye(units.values())
    while units:
        unit = units.pop(next(iter(units)))
        if id(unit) in pairs:
            yield from _together(unit, *pairs[id(unit)], fill_gaps=fill_gaps)
        elif id(unit) not in followers:
            yield from (_with_lines(item, lines) for item in _cases(unit, fill_gaps=fill_gaps))
    for name, files in slides.items():
        yield from _slide(name, files)


def _unheard(header: Dataset) -> None:
    pass


def _slide(name: str, files: list[tuple[Source, Dataset]]) -> Iterator[tuple[Source | None, Case] | str]:
    alone = files[0][0] if len(files) == 1 else None
    try:
        with guarded(name):
            case = slide_case(slide_of(files), name if alone is None else alone.name)
    except InvalidInput as error:
        yield str(error)
        return
    yield alone, case


def _cases(unit: _Unit, *, fill_gaps: bool) -> Iterator[tuple[Source | None, Case] | str]:
    made: list[tuple[str, Pictured]] = []
    problems: list[str] = []
    try:
        with guarded(unit.whole):
            stacks, said = _viewed(*stacks_of(unit.frames))
    except InvalidInput as error:
        yield str(error)
        return
    for stack in stacks:
        try:
            with guarded(unit.whole):
                made += _images(unit, stack, fill_gaps=fill_gaps)
        except InvalidInput as error:
            problems.append(str(error))
    yield from problems
    if len(unit.sources) > 1:
        yield from said
        for name, picture in made:
            identifier = f"{unit.uid}/{name}" if name else str(unit.uid)
            yield None, _case(identifier, {"image": picture}, unit.uid)
        return
    source = next(iter(unit.sources))
    if made:
        images = {name or "image": picture for name, picture in made}
        if len(images) == 1:
            images = {"image": made[0][1]}
        yield source, _case(source.name, images, unit.frames[0].uid, said if len(stacks) > 1 else ())


def _lesions(units: list[_Unit]) -> tuple[dict[int, tuple[list[_Unit], str]], set[int]]:
    """Grey sonograms with the Doppler pictures of the same lesion and why, by identity; and those that so go along."""
    alone = [u for u in units if len(u.frames) == 1 and u.frames[0].parts.get("modality") == "US"]
    pairs, followers = {}, set()
    if len(alone) < 2:
        return {}, set()
    with guarded("a sonogram"):
        found = lesions([unit.frames[0].header for unit in alone])
    for lesion in found:
        doppler = [alone[n] for n in lesion.doppler]
        pairs[id(alone[lesion.grey])] = doppler, lesion.reason
        followers |= {id(unit) for unit in doppler}
    return pairs, followers


def _together(
    grey: _Unit, doppler: list[_Unit], reason: str, *, fill_gaps: bool
) -> Iterator[tuple[Source | None, Case] | str]:
    """One case of a grey sonogram and the Doppler pictures of the same lesion, as named images."""
    cases: list[tuple[str, Case]] = []
    sources: list[Source | None] = []
    for n, unit in enumerate([grey, *doppler]):
        name = "grey" if n == 0 else "doppler" if len(doppler) == 1 else f"doppler-{n}"
        for item in _cases(unit, fill_gaps=fill_gaps):
            if isinstance(item, str):
                yield item
            else:
                sources.append(item[0])
                cases.append((name, item[1]))
    if cases:
        yield sources[0], _merged(cases, reason)


def _merged(cases: list[tuple[str, Case]], reason: str) -> Case:
    def named(name: str, inner: str) -> str:
        return name if inner == "image" else f"{name}-{inner}"

    said = dict.fromkeys(problem for _, case in cases for problem in case.problems)
    return Case(
        identifier=cases[0][1].identifier,
        images={named(n, inner): image for n, case in cases for inner, image in case.images.items()},
        known=_all_known(Known(case.known).renamed(f"{n}_{{}}".format) for n, case in cases),
        uids={named(n, inner): uid for n, case in cases for inner, uid in case.uids.items()},
        problems=(reason, *said) if len(cases) > 1 else tuple(said),
        origins={named(n, inner): origin for n, case in cases for inner, origin in case.origins.items()},
    )


def _slices_of_the_eye(units: Iterable[_Unit]) -> dict[str, list[OnFundus]]:
    """Where slices of tomographies lie on pictures of the fundus, by the SOPInstanceUID of these, in their order."""
    found: dict[str, list[OnFundus]] = {}
    for unit in units:
        if unit.frames[0].parts.get("modality") not in OPHTHALMIC:
            continue
        with quiet():
            places = [place for frame in unit.frames for place in places_on_fundus(frame.groups)]
        for place in places:
            found.setdefault(place.uid, []).append(place)
    return found


def _with_lines(
    item: tuple[Source | None, Case] | str, lines: Mapping[str, Sequence[OnFundus]]
) -> tuple[Source | None, Case] | str:
    """The case of a fundus with the slices that lie on it; others as they are."""
    if isinstance(item, str):
        return item
    source, case = item
    places = lines.get(case.uids.get("image", ""))
    if source is None or places is None or case.images["image"].space.ndim != 2:
        return item
    found = fundus_finding(places, places[0].uid, case.images["image"].space)
    return source, dataclasses.replace(case, known=Known(case.known).with_others(found))


def _viewed(stacks: tuple[Stack, ...], said: tuple[str, ...]) -> tuple[tuple[Stack, ...], tuple[str, ...]]:
    """Front and back of a nuclear scan are called so, where that tells its stacks apart."""
    header = stacks[0].frames[0].header
    if header.get("Modality") != "NM" or len(stacks) == 1:
        return stacks, said
    views = nuclear_views(header)
    names = [
        next(
            (
                name
                for name, chosen in views.frames.items()
                if {f.number for f in stack.frames} <= set(chosen)
            ),
            "",
        )
        for stack in stacks
    ]
    if "" in names or len(set(names)) < len(names):
        return stacks, said
    named = tuple(Stack(frames=stack.frames, name=name) for stack, name in zip(stacks, names, strict=True))
    return named, views.problems


def _images(unit: _Unit, stack: Stack, *, fill_gaps: bool) -> list[tuple[str, Pictured]]:
    """The images of one stack with their names, which are empty where there is one."""
    place = stack.frames[0].place
    moments: tuple[Moments, ...] = (
        (cine_of(stack.frames),)
        if place is None
        else moments_of(stack.frames, whole=unit.whole, same=SamePixels())
    )
    found = []
    for n, moment in enumerate(moments, 1):
        number = str(n) if len(moments) > 1 else ""
        name = "-".join(part for part in (stack.name, number) if part)
        picture = pictured(moment, whole=unit.whole, fill_gaps=fill_gaps, projected=stack.projected)
        found.append((name, picture.noticing(LOCALIZER) if stack.localizer else picture))
    return found


def _case(
    identifier: str, images: dict[str, Pictured], uid: str | None, problems: tuple[str, ...] = ()
) -> Case:
    said = dict.fromkeys(problems)
    for picture in images.values():
        said |= dict.fromkeys(picture.problems)
    return Case(
        identifier=identifier,
        images=_all_images(images),
        known=_all_known(picture.known for picture in images.values()),
        uids={} if uid is None else dict.fromkeys(_all_images(images), uid),
        problems=tuple(said),
        origins=_all_origins(images),
    )


def _all_known(several: Iterable[Mapping[str, Finding]]) -> Known:
    return functools.reduce(Known.with_others, several, Known())


def _all_origins(pictures: dict[str, Pictured]) -> dict[str, Origin]:
    """Of the images, and of further pictures that show the same moments."""
    found = {}
    for name, picture in pictures.items():
        if picture.origin is None:
            continue
        found[name] = picture.origin
        for further, image in picture.further.items():
            if _moments(image) == _moments(picture.image):
                found[further if len(pictures) == 1 else f"{name}-{further}"] = picture.origin
    return found


def _moments(image: Image) -> int | None:
    return None if image.space.timeline is None else len(image.space.timeline)


def _all_images(pictures: dict[str, Pictured]) -> dict[str, Image]:
    """With further pictures under their own names, behind that of theirs where an object has several."""
    found = {name: picture.image for name, picture in pictures.items()}
    for name, picture in pictures.items():
        for further, image in picture.further.items():
            found[further if len(pictures) == 1 else f"{name}-{further}"] = image
    return found
