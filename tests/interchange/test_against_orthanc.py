"""A real archive takes our objects by both of its doors, and gives them back as they were."""

import pydicom
import pytest
from pacs import differences


def files_of(source):
    return sorted(source.folder.rglob("*.dcm"))


@pytest.mark.parametrize("way_in", ["stow", "c_store"])
def test_the_archive_gives_each_source_back_as_it_was(dicom_source, archive, way_in):
    archive.forget()
    files = files_of(dicom_source)
    getattr(archive, way_in)(files)
    for path in {files[0], files[-1]}:
        ds = pydicom.dcmread(path, stop_before_pixels=True)
        for way_out in (archive.wado, archive.file):
            assert differences(path, way_out(ds)) == []
