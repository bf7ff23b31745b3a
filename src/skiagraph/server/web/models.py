"""The models that rules may name: their cards, so that readers know what each is for and where it ends."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from skiagraph.plain import to_plain
from skiagraph.server.routing import models_named, routes_of
from skiagraph.server.web.guard import needs, site_of
from skiagraph.task import names
from skiagraph.workflow.shelf import model_bundle

__all__ = ["router"]

router = APIRouter(prefix="/api/models", tags=["models"])


class ModelRow(BaseModel):
    """A model: its name, whether a rule uses it, and its card."""

    name: str
    used: bool
    digest: str
    card: dict[str, Any]


@router.get("", dependencies=[needs("see")])
def models(request: Request) -> list[ModelRow]:
    """All models that are registered, and those that rules name besides."""
    used = set(models_named(routes_of(site_of(request).settings.routes_file)))
    return [_row(name, used=name in used) for name in sorted({*names("models"), *used})]


def _row(name: str, *, used: bool) -> ModelRow:
    bundle = model_bundle(name)
    return ModelRow(name=name, used=used, digest=bundle.digest(), card=to_plain(bundle.card))
