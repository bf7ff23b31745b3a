"""Prepared samples on the disk, memory-mapped: what was decoded and resampled once is never waited for again."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.case import Sample
from skiagraph.codecs import written
from skiagraph.errors import InvalidInput, MissingInput, NotPermitted, SkiagraphError, WriteFailed
from skiagraph.task import Watch
from skiagraph.values import frozen

__all__ = ["Arrays", "Cache", "Filled"]

Arrays = Mapping[str, NDArray[Any]]

_BEGINNING: Final = b"skiagraph arrays 1\n"
_DIGEST: Final = 32  # bytes at the end of an entry
_ALIGNED: Final = 64  # bytes to which an array is aligned
_BLOCK: Final = 2**20
_SPARE: Final = 0.02  # share of the disk that is left free
_SUFFIX: Final = ".arrays"
_AT_ONCE: Final = 32
_AROUND: Final = 160  # bytes that an entry and each of its arrays take beside the numbers
_NO_ROOM: Final = (WriteFailed, NotPermitted, MissingInput)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Filled:
    """What came of preparing all samples.

    Args:
        samples: Those that can be used, in their order.
        problems: One sentence for each that cannot, and one where the disk had no room.
        made: How many were prepared now; the others were there.
    """

    samples: tuple[Sample, ...]
    problems: tuple[str, ...]
    made: int


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cache:
    """A folder with the prepared arrays of samples.

    An entry is found by the digest of the recipe, of the name of the sample, of the content of its files and of what
    else the data set says of it, so that any change of these gives another entry. Entries appear whole or not at all,
    and several processes may use one folder at once. A damaged entry is made anew. Samples without files are prepared
    each time.

    Args:
        folder: Is made where it is not there; may be deleted at any time.
        recipe: All that `prepare` depends on beside the sample, as text, e.g. the JSON of a plan.
        prepare: From a sample to arrays of numbers by name.
        most_bytes: What the folder may take. Beyond it, and where the disk has no room, samples are prepared each time.

    Source: own.
    """

    folder: Path
    recipe: str
    prepare: Callable[[Sample], Arrays]
    most_bytes: int = 64 * 2**30
    _whole: set[tuple[str, int, int]] = field(default_factory=set, init=False, repr=False)
    _digests: dict[tuple[str, int, int], str] = field(default_factory=dict, init=False, repr=False)

    def arrays(self, sample: Sample) -> Arrays:
        """The prepared arrays of a sample, read-only; from the disk where they are there, else prepared and kept.

        Raises:
            SkiagraphError: The sample cannot be read or prepared.
        """
        found, _, _ = self._of(sample)
        return found

    def fill(self, samples: Sequence[Sample], *, watch: Watch, strict: bool = False) -> Filled:
        """Prepares every sample that is not there yet.

        Args:
            samples: In any order; entries of other samples are removed, the oldest first, where room is needed.
            watch: Told after each sample.
            strict: Stop at the first sample that cannot be used. Else it is left out and named.

        Raises:
            SkiagraphError: A sample that cannot be used (strict).
            InvalidInput: Not one can be used.
        """
        good: list[Sample] = []
        problems: dict[str, None] = {}
        made = 0
        for sample, outcome in self._outcomes(samples):
            if isinstance(outcome, SkiagraphError):
                if strict:
                    raise outcome
                problems[f"{sample.identifier} was left out: {outcome}"] = None
            else:
                good.append(sample)
                made += outcome[0]
                if outcome[1]:
                    problems[outcome[1]] = None
            watch(len(good) + len(problems), max(len(samples), len(good) + len(problems)), {})
        if not good:
            why = next(iter(problems), None)
            raise InvalidInput(
                "there is a sample that can be used", got=f"none of {len(samples)}", way_out=why
            )
        return Filled(samples=tuple(good), problems=tuple(problems), made=made)

    def _outcomes(
        self, samples: Sequence[Sample]
    ) -> Iterator[tuple[Sample, tuple[bool, str] | SkiagraphError]]:
        """What came of each sample: whether it was made now, and why it was not kept."""
        room = _Room(self.most_bytes - self._taken())
        wanted: set[Path] = set()

        def one(sample: Sample) -> tuple[bool, str] | SkiagraphError:
            try:
                return self._of(sample, room)[1:]
            except SkiagraphError as error:
                return error

        with ThreadPoolExecutor(2) as pool:
            for start in range(0, len(samples), _AT_ONCE):
                if room.left < _SPARE * self.most_bytes:
                    wanted = wanted or {
                        path for sample in samples if (path := self._path(sample)) is not None
                    }
                    room = _Room(self.most_bytes - self._make_room(wanted))
                part = samples[start : start + _AT_ONCE]
                yield from zip(part, pool.map(one, part), strict=True)

    def _of(self, sample: Sample, room: _Room | None = None) -> tuple[Arrays, bool, str]:
        """Arrays, whether they were made now, and why they were not kept; `room` None looks how much there is."""
        path = self._path(sample)
        there = None if path is None else self._read(path)
        if there is not None:
            return there, False, ""
        arrays = {name: _checked(name, array) for name, array in self.prepare(sample).items()}
        if path is None:
            return arrays, True, ""
        why = self._kept(path, arrays, room or _Room(self.most_bytes - self._taken()))
        return (arrays if why else self._read(path) or arrays), True, why

    def _path(self, sample: Sample) -> Path | None:
        """Where the entry of a sample is or will be; None where the sample has no files, or they cannot be read."""
        total = hashlib.sha256(_BEGINNING)
        parts = [self.recipe, sample.identifier, sample.told]
        try:
            parts += [self._digest(file) for file in sample.files]
        except OSError:
            return None
        if not sample.files:
            return None
        for part in parts:
            text = part.encode()
            total.update(len(text).to_bytes(8, "little") + text)
        key = total.hexdigest()
        return self.folder / key[:2] / f"{key}{_SUFFIX}"

    def _digest(self, file: Path) -> str:
        """SHA-256 of a file, or of all files of a folder; remembered while size and time of change stay."""
        if file.is_dir():
            inner = sorted(p for p in file.rglob("*") if p.is_file())
            return hashlib.sha256("".join(f"{p.name} {self._digest(p)}" for p in inner).encode()).hexdigest()
        state = file.stat()
        stamp = (str(file), state.st_size, state.st_mtime_ns)
        if stamp not in self._digests:
            with file.open("rb") as stream:
                self._digests[stamp] = hashlib.file_digest(stream, "sha256").hexdigest()
        return self._digests[stamp]

    def _read(self, path: Path) -> Arrays | None:
        """An entry, memory-mapped; None where there is none, or it is damaged."""
        try:
            state = path.stat()
            stamp = (str(path), state.st_size, state.st_mtime_ns)
            if stamp not in self._whole:
                if not _is_whole(path, state.st_size):
                    return None
                self._whole.add(stamp)
            return _mapped(path)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _kept(self, path: Path, arrays: Arrays, room: _Room) -> str:
        """Writes an entry; why not, where it could not be written."""
        size = sum(array.nbytes for array in arrays.values()) + _AROUND * (1 + len(arrays))
        if not room.take(size):
            return (
                f"The cache {self.folder.name} may take {self.most_bytes / 2**30:.3g} GiB and is full; what does not "
                "fit is prepared each time, which is slower."
            )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            disk = shutil.disk_usage(path.parent)
            if size > disk.free - _SPARE * disk.total:
                return _no_room(self.folder, f"{disk.free / 2**30:.2g} GiB are free")
            with written(path) as temporary:
                _write(temporary, arrays)
        except _NO_ROOM as error:
            return _no_room(self.folder, str(error).rstrip("."))
        except OSError as error:
            return _no_room(self.folder, type(error).__name__)
        return ""

    def _entries(self) -> list[tuple[float, int, Path]]:
        """Time, size and path of all entries, the oldest first."""
        found = []
        for path in self.folder.glob(f"??/*{_SUFFIX}"):
            with suppress(OSError):
                state = path.stat()
                found.append((state.st_mtime, state.st_size, path))
        return sorted(found)

    def _taken(self) -> int:
        return sum(size for _, size, _ in self._entries())

    def _make_room(self, wanted: set[Path]) -> int:
        """Removes what is not wanted until a tenth is free; what the rest takes."""
        entries = self._entries()
        total = sum(size for _, size, _ in entries)
        for _, size, path in entries:
            if total <= 0.9 * self.most_bytes:
                break
            if path not in wanted:
                with suppress(OSError):
                    path.unlink()
                    total -= size
        return total


@final
class _Room:
    """How many bytes may still be written, for several threads."""

    def __init__(self, left: int) -> None:
        self.left, self._lock = left, threading.Lock()

    def take(self, size: int) -> bool:
        """Whether there was room for so much; it is then taken."""
        with self._lock:
            if size > self.left:
                return False
            self.left -= size
            return True


def _no_room(folder: Path, why: str) -> str:
    return f"The cache {folder.name} has no room ({why}); what is not in it is prepared each time, which is slower."


def _checked(name: str, array: NDArray[Any]) -> NDArray[Any]:
    numbers = np.asarray(array)
    if numbers.dtype.kind not in "biuf":
        raise InvalidInput("prepared samples are arrays of numbers", got=f"{numbers.dtype} in {name}")
    return frozen(numbers)


def _write(path: Path, arrays: Arrays) -> None:
    """The beginning, the length of the header, the header, the arrays, and the digest of all that."""
    places, at = [], 0
    for name, array in arrays.items():
        at = -(-at // _ALIGNED) * _ALIGNED
        places.append({"name": name, "type": array.dtype.str, "shape": list(array.shape), "at": at})
        at += array.nbytes
    header = json.dumps(places).encode()
    start = len(_BEGINNING) + 8 + len(header)
    total = hashlib.blake2b(digest_size=_DIGEST)
    with path.open("wb") as stream:

        def put(part: bytes | memoryview) -> None:
            total.update(part)
            stream.write(part)

        put(_BEGINNING + len(header).to_bytes(8, "little") + header + bytes(-start % _ALIGNED))
        end = 0
        for place, array in zip(places, arrays.values(), strict=True):
            put(bytes(int(str(place["at"])) - end))
            put(np.ascontiguousarray(array).tobytes())
            end = int(str(place["at"])) + array.nbytes
        stream.write(total.digest())


def _is_whole(path: Path, size: int) -> bool:
    """Whether the digest at the end of an entry is that of the rest."""
    total = hashlib.blake2b(digest_size=_DIGEST)
    left = size - _DIGEST
    with path.open("rb") as stream:
        while left > 0:
            part = stream.read(min(_BLOCK, left))
            if not part:
                return False
            total.update(part)
            left -= len(part)
        return left == 0 and stream.read() == total.digest()


def _mapped(path: Path) -> Arrays:
    with path.open("rb") as stream:
        if stream.read(len(_BEGINNING)) != _BEGINNING:
            raise ValueError(path.name)
        length = int.from_bytes(stream.read(8), "little")
        places = json.loads(stream.read(length))
    start = len(_BEGINNING) + 8 + length
    start += -start % _ALIGNED
    found: dict[str, NDArray[Any]] = {}
    for place in places:
        shape, dtype = tuple(place["shape"]), np.dtype(place["type"])
        empty = 0 in shape
        found[place["name"]] = (
            np.zeros(shape, dtype)
            if empty
            else np.memmap(path, dtype=dtype, mode="r", offset=start + place["at"], shape=shape)
        )
        found[place["name"]].flags.writeable = False
    return found
