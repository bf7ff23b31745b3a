"""Archives of others over DICOMweb: Orthanc, and archives that are gone, refuse or answer nonsense."""

import http.server
import io
import json
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pydicom
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "interchange"))
sys.path.insert(0, str(Path(__file__).parent / "web" / "dicomweb"))

from dicom_objects import CT, OBJECTS, OTHER, STUDY
from pacs import running_archive

from skiagraph.errors import FormatError, InvalidInput, MissingInput
from skiagraph.server.archive.admission import Admission
from skiagraph.server.node.calls import PeerGone, PeerRefuses
from skiagraph.server.remote import Remote, remote_of, send_to
from skiagraph.server.settings import Destination, settings_of
from skiagraph.server.site import opened_site


def site_with(folder, url, **more):
    destinations = {"vault": {"url": url, **more}}
    return opened_site(settings_of(folder, destinations=destinations, dicom={"enabled": False}))


@contextmanager
def answering(status, content, kind="application/dicom+json"):
    """A server that always says the same; what it was told."""
    told = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            told.append((self.path, dict(self.headers), b""))
            self._say()

        def do_POST(self):
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            told.append((self.path, dict(self.headers), body))
            self._say()

        def _say(self):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/dicom-web", told
        finally:
            server.shutdown()
            thread.join()


def test_objects_go_to_orthanc_are_found_there_and_come_back_as_they_were(tmp_path):
    with running_archive(tmp_path) as archive:
        site = site_with(tmp_path / "ours", f"{archive.http}dicom-web/")
        for data in OBJECTS.values():
            site.intake.take([data])
        Admission(site).step()
        for _ in range(2):
            send_to(site, "vault", sorted(OBJECTS))
        with remote_of(site.settings.destination("vault")) as remote:
            (found,) = remote.find("studies", {"PatientID": "P1"})
            assert found["0020000D"]["Value"] == [STUDY]
            assert len(list(remote.find(f"studies/{STUDY}/instances", {}))) == len(OBJECTS)
            assert list(remote.find("studies", {"PatientID": "P2"})) == []
            theirs = opened_site(settings_of(tmp_path / "theirs", dicom={"enabled": False}))
            assert remote.fetch(f"studies/{STUDY}", theirs.intake) == len(OBJECTS)
            assert remote.fetch(f"studies/{STUDY}/series/{OTHER}", theirs.intake) == 5
            with pytest.raises(PeerRefuses, match="404"):
                remote.fetch("studies/1.2.9", theirs.intake)
        Admission(theirs).step()
        for path in (theirs.settings.home / "archive").rglob("*.dcm"):
            got = pydicom.dcmread(path)
            assert got == pydicom.dcmread(io.BytesIO(OBJECTS[str(got.SOPInstanceUID)]))
        assert sum(1 for _ in theirs.files.digests()) == len(OBJECTS)
        assert list((theirs.settings.home / "conflicts").iterdir()) == []
        for one in (site, theirs):
            one.close()


def test_a_token_is_shown_and_bytes_leave_as_they_lie(tmp_path):
    token = tmp_path / "token"
    token.write_text("secret\n")
    reference = {"00081155": {"vr": "UI", "Value": [f"{CT}.1"]}}
    said = json.dumps({"00081199": {"vr": "SQ", "Value": [reference]}}).encode()
    with answering(200, said) as (url, told):
        site = site_with(tmp_path / "ours", url, token_file=token)
        site.intake.take([OBJECTS[f"{CT}.1"]])
        Admission(site).step()
        send_to(site, "vault", [f"{CT}.1"])
        site.close()
    ((path, headers, body),) = told
    assert path == "/dicom-web/studies"
    assert headers["Authorization"] == "Bearer secret"
    assert OBJECTS[f"{CT}.1"] in body


_FAILED = {"00081198": {"Value": [{"00081155": {"Value": [f"{CT}.1"]}, "00081197": {"Value": [42752]}}]}}


@pytest.mark.parametrize(
    ("status", "content", "error", "said"),
    [
        (503, b"", PeerGone, "503"),
        (401, b"", PeerRefuses, "401"),
        (409, json.dumps(_FAILED).encode(), PeerRefuses, "A700H"),
        (202, json.dumps(_FAILED).encode(), PeerRefuses, "A700H"),
        (200, b"{}", PeerRefuses, "0110H"),
        (200, b"[]", PeerRefuses, "something else"),
        (200, b"<html>", PeerRefuses, "JSON"),
        (200, b'{"00081199": 7, "00081198": {"Value": "x"}}', PeerRefuses, "0110H"),
        (302, b"", PeerRefuses, "302"),
    ],
)
def test_an_archive_that_does_not_take_what_is_sent_says_so_in_our_errors(
    tmp_path, status, content, error, said
):
    with answering(status, content) as (url, _):
        site = site_with(tmp_path / "ours", url)
        site.intake.take([OBJECTS[f"{CT}.1"]])
        Admission(site).step()
        with pytest.raises(error, match=said):
            send_to(site, "vault", [f"{CT}.1"])
        site.close()


def test_an_archive_that_is_gone_can_be_asked_later(tmp_path):
    with answering(200, b"") as (url, _):
        pass
    with Remote(url) as remote:
        with pytest.raises(PeerGone, match="network"):
            list(remote.find("studies", {}))
        with pytest.raises(PeerGone):
            remote.fetch("studies/1", opened_site(settings_of(tmp_path, dicom={"enabled": False})).intake)


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"", "multipart/related; boundary=x"), (b"--x\r\n\r\ncut", "multipart/related; boundary=x"),
     (b"", "text/html"), (b"--x\r\n" + b"A: b\r\n" * 5000, "multipart/related; boundary=x")],
)  # fmt: skip
def test_an_answer_that_is_cut_off_is_none(site, content, kind):
    with answering(200, content, kind) as (url, _), Remote(url) as remote:
        with pytest.raises(PeerRefuses):
            remote.fetch("studies/1", site.intake)
        with pytest.raises(PeerRefuses):
            list(remote.find("studies", {}))
    assert site.intake.pending() == []


def test_what_an_archive_is_told_by_is_checked(tmp_path, site):
    for url in ("ftp://there", "file:///etc/passwd", "there"):
        with pytest.raises(InvalidInput):
            Remote(url)
    with pytest.raises(MissingInput):
        Remote("http://there", token_file=tmp_path / "none")
    with pytest.raises(MissingInput):
        Remote("https://there", authorities=tmp_path / "none")
    broken = tmp_path / "broken"
    broken.write_text("a\nb")
    with pytest.raises(FormatError):
        Remote("http://there", token_file=broken)
    with pytest.raises(FormatError):
        Remote("https://there", authorities=broken)
    with pytest.raises(InvalidInput):
        remote_of(Destination(peer="pacs"))
    with pytest.raises(MissingInput):
        send_to(site_with(tmp_path / "ours", "http://127.0.0.1:9"), "vault", ["1.2"])
