"""What the tests of interchange share: sources of every kind, drawn once; a validator; a real archive."""

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from pacs import Archive, running_archive
from sources import DICOM_SOURCES, SOURCES, letter, marks
from validator import complaints


@pytest.fixture(scope="session")
def drawn_source(tmp_path_factory):
    """Gives ``(name, folder, case, letter, marks)`` of a source by its name; written and read once."""
    known = {}

    def drawn(name):
        if name not in known:
            folder = tmp_path_factory.mktemp("source") / "study"
            case = SOURCES[name](folder)
            known[name] = SimpleNamespace(
                name=name, folder=folder, case=case, letter=letter(case), marks=marks(case)
            )
        return known[name]

    return drawn


@pytest.fixture(scope="session", params=SOURCES)
def any_source(request, drawn_source):
    """Every source, one after the other: ``(name, folder, case, letter, marks)``."""
    return drawn_source(request.param)


@pytest.fixture(scope="session", params=DICOM_SOURCES)
def dicom_source(request, drawn_source):
    """Every source that is DICOM: ``(name, folder, case, letter, marks)``."""
    return drawn_source(request.param)


@pytest.fixture(scope="session")
def source(any_source):
    """The case of every source."""
    return any_source.case


@pytest.fixture(scope="session")
def written_files(drawn_source, tmp_path_factory):
    """Gives the files of all objects that are written for a source, by what they carry; written once."""
    from written import written_objects

    from skiagraph.interchange.object import save

    known = {}

    def write(name):
        if name not in known:
            folder = tmp_path_factory.mktemp("written")
            known[name] = {}
            for n, (what, thing) in enumerate(written_objects(drawn_source(name).case)):
                known[name][what] = folder / f"{n}.dcm"
                save(thing, known[name][what])
        return known[name]

    return write


@pytest.fixture(scope="session")
def validator():
    """Gives the errors that dciodvfy finds in a file, one line each."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (Debian package dicom3tools) is not here")
    return complaints


@pytest.fixture(scope="session")
def archive(tmp_path_factory) -> Archive:
    """A real Orthanc with DICOMweb, empty at first, on this machine alone."""
    with running_archive(tmp_path_factory.mktemp("orthanc")) as found:
        yield found
