"""Uploads by people, and the removal of studies."""

from __future__ import annotations

import shutil
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from skiagraph.errors import MissingInput
from skiagraph.server.archive.removal import remove_study
from skiagraph.server.archive.upload import Taken, take_upload
from skiagraph.server.people.access import Caller, visible
from skiagraph.server.site import Site
from skiagraph.server.tables import Study
from skiagraph.server.web.forms import receive_form
from skiagraph.server.web.guard import caller_of, needs, site_of

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["uploads"])
_FORM: Final = {
    "type": "object",
    "properties": {
        "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
        "patient": {"type": "string", "maxLength": 64},
    },
}
_Who = Annotated[Caller, Depends(caller_of)]
_Uid = Annotated[str, Path(pattern=r"^[0-9.]{1,64}$")]


class Upload(BaseModel):
    """What became of an upload; its objects stand in the worklist within a second."""

    objects: int
    made: int
    studies: tuple[str, ...]
    problems: tuple[str, ...]


@router.post(
    "/uploads",
    status_code=202,
    dependencies=[needs("upload")],
    openapi_extra={"requestBody": {"content": {"multipart/form-data": {"schema": _FORM}}, "required": True}},
)
async def upload(request: Request, caller: _Who) -> Upload:
    """Takes the files of a form: DICOM, zip and tar archives of it, pictures and volumes of other formats.

    The field ``patient`` names the patient of what is not DICOM.
    """
    site = site_of(request)
    limits = site.settings.limits
    folder = await run_in_threadpool(site.intake.upload_folder)
    try:
        fields = await receive_form(request, folder, most_files=limits.upload_files)
        patient = fields.get("patient", "")
        taken = await run_in_threadpool(take_upload, site.intake, folder, limits, patient=patient)
        await run_in_threadpool(_record, site, caller, taken)
    finally:
        await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)
    return Upload.model_validate(taken, from_attributes=True)


@router.delete("/studies/{uid}", status_code=204, dependencies=[needs("manage")])
def remove(request: Request, caller: _Who, uid: _Uid) -> None:
    """Takes a study out for good, with its images, results and reports."""
    site = site_of(request)
    with site.database.reading() as session:
        seen = session.scalar(select(Study.id).where(Study.uid == uid, visible(caller)))
    if seen is None:
        raise MissingInput("a study is in the archive", got="the UID of another")
    remove_study(site, uid, caller.name, caller.address)


def _record(site: Site, caller: Caller, taken: Taken) -> None:
    for study in taken.studies:
        site.audit.record("images imported", caller.name, study=study, address=caller.address)
