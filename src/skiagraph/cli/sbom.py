"""`skiagraph sbom`: what is installed with Skiagraph, as a software bill of materials (CycloneDX 1.6)."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Annotated, Any, Final

import typer

__all__ = ["bill", "sbom"]

_ROOT: Final = "skiagraph"
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_LICENCE: Final = "License :: OSI Approved :: "
_LONGEST: Final = 100  # characters; a longer "licence" is its whole text

Out = Annotated[
    Path | None, typer.Option(help="File to write; without it, standard output.", show_default=False)
]


def sbom(*, out: Out = None) -> None:
    """List what is installed with Skiagraph, with versions and licences, as CycloneDX JSON.

    Example: skiagraph sbom --out skiagraph.cdx.json
    """
    text = json.dumps(bill(), indent=1, ensure_ascii=False) + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, "utf-8")


def bill() -> dict[str, Any]:
    """The bill of materials of what is installed: Skiagraph, and all that it needs, directly or by others.

    Source: CycloneDX specification 1.6 (ECMA-424).
    """
    found = {_normal(one.name): one for one in _installed()}
    needs = {name: sorted(set(_needed(one)) & found.keys()) for name, one in found.items()}
    root = found.pop(_ROOT)
    said = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {**_component(root), "type": "application"}},
        "components": [_component(found[name]) for name in sorted(found)],
        "dependencies": [
            {"ref": _purl(one), "dependsOn": [_purl(found[need]) for need in needs[name] if need in found]}
            for name, one in sorted({_ROOT: root, **found}.items())
        ],
    }
    number = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(said, sort_keys=True))
    return {**said, "serialNumber": f"urn:uuid:{number}"}


def _installed() -> Iterator[Distribution]:
    """Skiagraph and all that it needs and that is here, extras included; each once."""
    left, seen = [_ROOT], {_ROOT}
    while left:
        try:
            one = distribution(left.pop())
        except PackageNotFoundError:
            continue  # of an extra that is not installed, or of another system
        yield one
        new = set(_needed(one)) - seen
        seen |= new
        left += sorted(new)


def _needed(one: Distribution) -> Iterator[str]:
    for line in one.requires or ():
        match = _NAME.match(line)
        if match:
            yield _normal(match[0])


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _purl(one: Distribution) -> str:
    return f"pkg:pypi/{_normal(one.name)}@{one.version}"


def _component(one: Distribution) -> dict[str, Any]:
    licences = _licences(one)
    return {
        "type": "library",
        "bom-ref": _purl(one),
        "name": one.name,
        "version": one.version,
        "purl": _purl(one),
        **({"licenses": licences} if licences else {}),
    }


def _licences(one: Distribution) -> list[dict[str, Any]]:
    """As the package states it: an SPDX expression, else its classifiers, else its own words."""
    said = one.metadata
    for expression in said.get_all("License-Expression") or ():
        return [{"expression": expression}]
    names = [
        line.removeprefix(_LICENCE) for line in said.get_all("Classifier") or () if line.startswith(_LICENCE)
    ]
    words = "\n".join(said.get_all("License") or ()).strip()
    if not names and words:
        names = [words.splitlines()[0][:_LONGEST]]
    return [{"license": {"name": name}} for name in names]
