"""The client against a real server: from a file to the page of a report."""

import threading

import httpx
import pytest
from served import PASSWORD, shell

from skiagraph.errors import InvalidInput, MissingInput, NotPermitted, StateError
from skiagraph.server.client import Client


@pytest.fixture(scope="module")
def client(server):
    token = shell(
        "token", "tests", "--may", "see", "--may", "upload", "--may", "report", "--home", server.home
    )
    with Client(server.address, token=token.strip()) as one:
        yield one


def test_a_study_goes_from_a_file_to_the_page_of_its_report(client, head, tmp_path):
    uid, data = head(21)
    (tmp_path / "head.dcm").write_bytes(data)
    sent = client.upload(tmp_path)
    assert (sent.objects, sent.made, sent.studies, sent.problems) == (1, 0, (uid,), ())
    study = client.wait(uid, seconds=60)
    assert study.state == "drafted"
    assert [one.modality for one in study.series if one.modality == "US"] == ["US"]
    (run,) = study.runs
    assert (run.model, run.outcome) == ("fetal-head-ultrasound", "read")
    (report,) = client.reports(uid)
    assert (report.version, report.state) == (1, "draft")
    assert report.content["readings"]
    assert client.pdf(report, uid).startswith(b"%PDF")
    assert uid in [one.uid for one in client.worklist(modality="US").studies]


def test_events_come_as_they_happen_and_go_on_where_they_were(client, head, tmp_path):
    uid, data = head(22)
    (tmp_path / "head.dcm").write_bytes(data)
    kinds, numbers = [], []

    def listen():
        for event in client.events(uid, after=0):
            kinds.append(event.kind)
            numbers.append(event.number)
            if event.kind == "drafted":
                return

    thread = threading.Thread(target=listen)
    thread.start()
    client.upload(tmp_path / "head.dcm")
    thread.join(60)
    assert kinds == ["received", "complete", "prepared", "read", "drafted"]
    assert numbers == sorted(set(numbers))
    again = client.events(uid, after=numbers[2])
    assert [next(again).kind, next(again).kind] == ["read", "drafted"]
    again.close()


def test_what_is_no_image_is_said_and_not_taken(client, tmp_path):
    (tmp_path / "letter.txt").write_text("no image")
    sent = client.upload(tmp_path)
    assert (sent.objects, sent.studies) == (0, ())
    assert "letter.txt" in sent.problems[0]


def test_refusals_of_the_server_are_our_errors_with_its_sentence(client, server):
    with pytest.raises(MissingInput, match="study"):
        client.study("1.2.3.4")
    with pytest.raises(InvalidInput, match="as described"):
        client.worklist(most=0)
    with pytest.raises(MissingInput):
        client.upload("not-there.dcm")
    with Client(server.address, token="none") as other, pytest.raises(NotPermitted, match="who asks"):
        other.me()
    with Client("http://127.0.0.1:9") as other, pytest.raises(StateError, match="answers"):
        other.me()


def test_a_study_that_does_not_come_is_not_waited_for_without_an_end(client):
    with pytest.raises(StateError, match="within"):
        client.wait("1.2.3.4", seconds=0.3)


def test_people_sign_in_and_out(server):
    with server.admin(), Client(server.address) as one:
        assert one.sign_in("root", PASSWORD).role == "admin"
        assert "manage" in one.me().permissions
        one.sign_out()
        with pytest.raises(NotPermitted):
            one.me()


def test_another_server_at_the_address_is_named(monkeypatch):
    def elsewhere(_request):
        return httpx.Response(502, text="<html>Bad gateway</html>")

    with Client("http://127.0.0.1") as one:
        one.close()
        one._web = httpx.Client(transport=httpx.MockTransport(elsewhere), base_url="http://127.0.0.1")
        with pytest.raises(StateError, match="status 502"):
            one.me()
