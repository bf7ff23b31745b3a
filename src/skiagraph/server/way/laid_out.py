"""The files of a study as plain files in a folder, as long as somebody reads them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select

from skiagraph.server.archive.disk import disk
from skiagraph.server.site import Site
from skiagraph.server.tables import Instance, Series, Study

__all__ = ["laid_out"]


@contextmanager
def laid_out(site: Site, uid: str, series: Sequence[str]) -> Iterator[Path]:
    """The files of some series in a folder of their own, as long as they are needed."""
    with site.database.reading() as session:
        rows = (
            select(Instance.digest)
            .join(Series)
            .join(Study)
            .where(Study.uid == uid, Series.uid.in_(series), Instance.ours.is_(False))
            .order_by(Instance.id)
        )
        digests = list(session.scalars(rows))
    place = site.settings.home / "work"
    with disk():
        place.mkdir(exist_ok=True, mode=0o700)
        folder = Path(tempfile.mkdtemp(prefix="study-", dir=place))
    try:
        site.files.lay_out(digests, folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
