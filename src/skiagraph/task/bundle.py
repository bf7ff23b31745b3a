"""A saved model: a folder with card, recipe, plan, weights and graph. Data only, never code, never pickle."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, final

from skiagraph.errors import BundleError, InvalidInput, MissingInput, WriteFailed
from skiagraph.plain import from_plain, to_plain
from skiagraph.task.card import Card
from skiagraph.task.recipe import Recipe

__all__ = ["Bundle", "load_bundle", "save_bundle"]

FORMAT: Final = 3
_MIGRATIONS: Final[Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]] = MappingProxyType(
    {
        1: lambda data: (
            data
        ),  # recipes of format 1 are segmentations, which is what the new fields say by default
        2: lambda data: (
            data
        ),  # recipes of format 2 have no members, which is what the new field says by default
        FORMAT: lambda data: data,
    }
)
_TEXTS: Final = ("card.json", "recipe.json", "plan.json")
_GRAPH: Final = "graph.onnx"
_BINARIES: Final = ("weights.safetensors", _GRAPH)
_MEMBERS: Final = "members"
_SECOND: Final = ("refine.safetensors", "refine.onnx")  # where the recipe looks at outlines again


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A model on disk.

    Args:
        card: What it is.
        recipe: How it reads.
        plan: How it was learnt (plain data; `skiagraph.training` knows its type).
        folder: Where ``weights.safetensors`` and ``graph.onnx`` lie. The initialisers of the graph point into the
            weights, so that there is one copy of them. ``refine.safetensors`` and ``refine.onnx`` lie beside them
            where the recipe looks at outlines again. A classical model is its graph alone; a fusion has no graph.
        members: Of a fusion, the bundles whose answers it joins, in the order of the recipe's members.

    Raises:
        InvalidInput: Not one bundle for each member of the recipe, or a member that is a fusion itself.
    """

    card: Card
    recipe: Recipe
    plan: Mapping[str, Any] = field(default_factory=dict)
    folder: Path
    members: tuple[Bundle, ...] = ()

    def __post_init__(self) -> None:
        if len(self.members) != len(self.recipe.members):
            raise InvalidInput(
                "a fusion has a bundle for each member of its recipe",
                got=f"{len(self.members)} for {len(self.recipe.members)}",
            )
        for member in self.members:
            if member.members:
                raise InvalidInput(
                    "the members of a fusion are models of their own",
                    got=f"{member.card.name}, which is a fusion",
                    way_out="name its members instead",
                )

    @property
    def weights(self) -> Path:
        """The weights, by their names in the network."""
        return self.folder / "weights.safetensors"

    @property
    def graph(self) -> Path:
        """The network as an ONNX graph."""
        return self.folder / "graph.onnx"

    @property
    def second_graph(self) -> Path | None:
        """The network that looks at outlines again, as an ONNX graph; None where the recipe asks for none."""
        return None if self.recipe.refine is None else self.folder / "refine.onnx"

    @property
    def binaries(self) -> tuple[str, ...]:
        """The files of weights and graphs, by name."""
        if self.recipe.members:
            return ()
        if self.recipe.features is not None:
            return (_GRAPH,)
        return _BINARIES if self.recipe.refine is None else (*_BINARIES, *_SECOND)

    def digest(self) -> str:
        """SHA-256 of all weights and graphs, of a fusion of the digests of its members; hexadecimal."""
        total = hashlib.sha256()
        for member in self.members:
            total.update(bytes.fromhex(member.digest()))
        for name in self.binaries:
            total.update((self.folder / name).read_bytes())
        return total.hexdigest()


def load_bundle(folder: Path) -> Bundle:
    """Reads a bundle; weights are checked for presence, not loaded.

    Raises:
        MissingInput: No such folder, or a file of it is missing.
        BundleError: A file is damaged or of a version that this release does not know.
    """
    _check_there(folder, _TEXTS)
    card, recipe, plan = (_read(folder / name) for name in _TEXTS)
    try:
        followed: Recipe = from_plain(Recipe, recipe)
        bundle = Bundle(
            card=from_plain(Card, card),
            recipe=followed,
            plan=plan,
            folder=folder,
            members=tuple(_member(folder / _MEMBERS / name) for name in followed.members),
        )
    except BundleError:
        raise
    except InvalidInput as error:
        raise BundleError(f"the bundle {folder.name} describes a model", got=str(error)) from error
    _check_there(folder, bundle.binaries)
    return bundle


def _member(folder: Path) -> Bundle:
    """A fusion is refused before its own members are looked at, so that no folder is deep without end."""
    _check_there(folder, _TEXTS)
    if _read(folder / "recipe.json").get("members"):
        raise BundleError("the members of a fusion are models of their own", got=f"{folder.name}, a fusion")
    return load_bundle(folder)


def _check_there(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        if not (folder / name).is_file():
            raise MissingInput("a bundle holds " + ", ".join(names), got=f"{folder.name} without {name}")


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text("utf-8"))
        version = data.pop("format")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"{path.name} is JSON with a format version", got="something else") from error
    if version not in _MIGRATIONS:
        raise BundleError(
            f"this release reads bundles up to format {FORMAT}",
            got=f"format {version}",
            way_out="update skiagraph",
        )
    return _MIGRATIONS[version](dict(data))


def save_bundle(bundle: Bundle, to: Path) -> Bundle:
    """Writes a bundle; the folder appears whole or not at all.

    Args:
        bundle: What to write; its weights and graph are copied.
        to: The folder, which must not exist yet.

    Returns:
        The bundle where it now lies.

    Raises:
        WriteFailed: The folder exists, or the disk does not take it.
    """
    if to.exists():
        raise WriteFailed("a bundle is written to a new folder", got=str(to), way_out="choose another name")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{to.name}-", dir=to.parent))
        try:
            _write(bundle, work)
            work.chmod(0o755)
            work.replace(to)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise WriteFailed(
            f"the bundle {to.name} is written whole", got=error.strerror or "an error"
        ) from error
    return _lying(bundle, to)


def _write(bundle: Bundle, folder: Path) -> None:
    plain = (to_plain(bundle.card), to_plain(bundle.recipe), dict(bundle.plan))
    for name, data in zip(_TEXTS, plain, strict=True):
        text = json.dumps({"format": FORMAT, **data}, indent=1, ensure_ascii=False, allow_nan=False)
        (folder / name).write_text(text + "\n", "utf-8")
    for name in bundle.binaries:
        shutil.copyfile(bundle.folder / name, folder / name)
    for name, member in zip(bundle.recipe.members, bundle.members, strict=True):
        below = folder / _MEMBERS / name
        below.mkdir(parents=True)
        _write(member, below)


def _lying(bundle: Bundle, folder: Path) -> Bundle:
    """The bundle where it was written, and its members within."""
    members = tuple(
        _lying(member, folder / _MEMBERS / name)
        for name, member in zip(bundle.recipe.members, bundle.members, strict=True)
    )
    return dataclasses.replace(bundle, folder=folder, members=members)
