"""A real archive as peer: it is asked, gives studies and takes results; whatever it refuses is one sentence."""

import json

import pytest
from pacs import running_archive
from pydicom.uid import generate_uid
from senders import admitted, audited, dcmtk, free_port, running, slice_of, written
from typer.testing import CliRunner

from skiagraph.cli import app
from skiagraph.errors import InvalidInput, MissingInput, UnknownName
from skiagraph.server.node.calls import PeerGone, PeerRefuses
from skiagraph.server.node.peers import echo, fetch, series_at, studies_at
from skiagraph.server.node.priors import fetch_priors, priors_of
from skiagraph.server.node.send import send
from skiagraph.server.routing import Priors

# pynetdicom leaves the socket to the garbage collector where nobody listens.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    """An archive that knows us, and a node that knows it: as one that is asked to send, and one that gives."""
    port, folder = free_port(), tmp_path_factory.mktemp("orthanc")
    us = {"us": {"AET": "SKIAGRAPH", "Host": "127.0.0.1", "Port": port}}
    with running_archive(folder, DicomModalities=us) as archive:
        where = {"title": "ORTHANC", "host": "127.0.0.1", "port": archive.port}
        peers = {
            "pacs": where,
            "giving": {**where, "fetch": "get"},
            "silent": {"title": "NOBODY", "host": "127.0.0.1", "port": free_port()},
            "calling": {"title": "CT1", "host": "127.0.0.1"},
            "us": {"title": "OTHERS", "host": "127.0.0.1", "port": port},
        }
        home = tmp_path_factory.mktemp("hospital") / "home"
        with running(home, port=port, peers=peers, any_peer=False) as (site, _):
            yield archive, site


def stored(archive, folder, study, count=2, **more):
    archive.c_store(written(folder, study, count, **more))
    return study


def test_an_archive_answers_to_echo(hospital):
    echo(hospital[1].settings, "pacs")


def test_studies_and_series_are_found(hospital, tmp_path):
    archive, site = hospital
    study = stored(archive, tmp_path, generate_uid(), 3, patient="FIND-1")
    stored(archive, tmp_path / "other", generate_uid(), 1, patient="OTHER-1")
    (found,) = studies_at(site.settings, "pacs", PatientID="FIND-1")
    assert (found.uid, found.patient_id, found.patient_name) == (study, "FIND-1", "Doe^Jane")
    assert (found.date, found.birth_date, found.modalities) == ("20260101", "19700101", ("CT",))
    assert found.instances == 3
    (series,) = series_at(site.settings, "pacs", study)
    assert (series.modality, series.body_part, series.instances) == ("CT", "CHEST", 3)
    assert studies_at(site.settings, "pacs", PatientID="NOBODY") == []
    assert {one.uid for one in studies_at(site.settings, "pacs", PatientID="FIND*")} == {study}
    assert [one.uid for one in studies_at(site.settings, "pacs", StudyInstanceUID=study)] == [study]


@pytest.mark.parametrize("name", ["pacs", "giving"])
def test_a_study_is_fetched_sent_back_and_found_again(hospital, tmp_path, name):
    archive, site = hospital
    study = stored(archive, tmp_path, generate_uid(), 4, patient=f"FETCH-{name}", side=300)
    assert fetch(site, name, study) == 4
    here = admitted(site)
    uids = [str(slice_of(study, number).SOPInstanceUID) for number in range(4)]
    for number, uid in enumerate(uids):
        assert here[uid].PixelData == slice_of(study, number, side=300).PixelData
    assert ("ORTHANC", study) in audited(site, "images received")
    archive.forget()
    assert studies_at(site.settings, "pacs", StudyInstanceUID=study) == []
    send(site, name, uids)
    send(site, name, uids)
    (found,) = studies_at(site.settings, "pacs", StudyInstanceUID=study)
    assert found.instances == 4
    assert ("ORTHANC", study) in audited(site, "images sent")


def test_a_series_is_fetched_alone(hospital, tmp_path):
    archive, site = hospital
    study = stored(archive, tmp_path, generate_uid(), 2, patient="SERIES-1")
    assert fetch(site, "giving", study, series_at(site.settings, "pacs", study)[0].uid) == 2


def test_objects_that_came_two_ways_are_one_object(hospital, tmp_path):
    archive, site = hospital
    study = stored(archive, tmp_path, generate_uid(), 2, patient="TWICE")
    assert fetch(site, "pacs", study) == 2
    assert fetch(site, "giving", study) == 2
    admitted(site)
    assert not any((site.settings.home / "conflicts").iterdir())


def priors(archive, folder, **now):
    """A patient with studies of several years, of which the last is here; their UIDs by date."""
    patient = now["patient"]
    dates = ("20200101", "20210101", "20220101", "20230101")
    uids = {date: generate_uid() for date in dates}
    for date, uid in uids.items():
        stored(archive, folder / date, uid, 1, patient=patient, date=date)
    stored(archive, folder / "other", generate_uid(), 1, patient=f"{patient}0", date="20210501")
    return uids


def test_priors_are_the_newest_earlier_studies_of_the_same_patient(hospital, tmp_path):
    archive, site = hospital
    uids = priors(archive, tmp_path, patient="PRIOR")
    fetch(site, "giving", uids["20230101"])
    admitted(site)
    rule = Priors(peer="giving", most=2)
    assert [one.date for one in priors_of(site, uids["20230101"], rule)] == ["20220101", "20210101"]
    part = Priors(peer="giving", most=3, same_body_part=True)
    assert [one.date for one in priors_of(site, uids["20230101"], part)] == [
        "20220101",
        "20210101",
        "20200101",
    ]
    assert fetch_priors(site, uids["20230101"], rule) == [uids["20220101"], uids["20210101"]]
    here = admitted(site)
    assert {str(one.StudyInstanceUID) for one in here.values() if one.PatientID == "PRIOR"} == {
        uids["20230101"], uids["20220101"], uids["20210101"],
    }  # fmt: skip
    assert priors_of(site, uids["20210101"], Priors(peer="giving"))[0].date == "20200101"


@pytest.mark.parametrize("patient", ["", "PRI*", "PRIO?"])
def test_an_identifier_that_would_ask_for_others_asks_for_nobody(hospital, tmp_path, patient):
    _, site = hospital
    study = generate_uid()
    path = tmp_path / "one.dcm"
    slice_of(study, patient=patient, date="20250101").save_as(path, enforce_file_format=True)
    site.intake.take([path.read_bytes()])
    admitted(site)
    assert priors_of(site, study, Priors(peer="pacs")) == []


def test_what_an_archive_cannot_do_is_said_in_one_sentence(hospital):
    _, site = hospital
    refusals = [
        (UnknownName, "stands in the settings", lambda: echo(site.settings, "other")),
        (InvalidInput, "has a port", lambda: echo(site.settings, "calling")),
        (PeerGone, "answers at its address", lambda: echo(site.settings, "silent")),
        (PeerRefuses, "called ae title not recognised", lambda: echo(site.settings, "us")),
        (InvalidInput, "what is looked for", lambda: studies_at(site.settings, "pacs")),
        (PeerRefuses, "sends a study", lambda: fetch(site, "giving", "1.2.3.4")),
        (MissingInput, "in the archive", lambda: send(site, "pacs", ["1.2.3.4"])),
    ]
    for kind, words, deed in refusals:
        with pytest.raises(kind, match=words) as refusal:
            deed()
        assert str(refusal.value).count("\n") == 0


def test_what_a_peer_does_not_take_is_tried_again_only_where_that_helps(hospital, tmp_path):
    _, site = hospital
    study = generate_uid()
    path = tmp_path / "one.dcm"
    slice_of(study).save_as(path, enforce_file_format=True)
    site.intake.take([path.read_bytes()])
    admitted(site)
    with pytest.raises(PeerGone):
        send(site, "silent", [str(slice_of(study).SOPInstanceUID)], pauses=(0.1, 0.1))


@pytest.fixture
def desk(hospital):
    """The commands of an administrator of that server."""
    _, site = hospital
    home = site.settings.home
    plain = site.settings.dicom.model_dump(mode="json", exclude_none=True)
    lines = ["[dicom]", f"port = {plain['port']}"]
    for name, peer in plain["peers"].items():
        lines += [f"[dicom.peers.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in peer.items())]
    (home / "settings.toml").write_text("\n".join(lines))

    def ask(*arguments):
        return CliRunner().invoke(app, ["dicom", *arguments, "--home", str(home)])

    return ask


def test_the_administrator_asks_from_the_shell(hospital, desk, tmp_path):
    archive, _ = hospital
    study = stored(archive, tmp_path, generate_uid(), 2, patient="SHELL")
    assert desk("echo", "pacs").output == "pacs answers.\n"
    said = desk("find", "pacs", "--patient", "SHELL")
    assert said.output.split("\t")[:5] == [study, "20260101", "CT", "2", "SHELL"]
    assert desk("fetch", "pacs", study).output.splitlines()[-1] == "2 objects came."
    refused = desk("echo", "other")
    assert isinstance(refused.exception, UnknownName)


def test_what_was_sent_is_found_by_findscu_too(hospital, tmp_path):
    archive, _ = hospital
    study = stored(archive, tmp_path, generate_uid(), 1, patient="FINDSCU")
    key = ("-k", "QueryRetrieveLevel=STUDY", "-k", "PatientID=FINDSCU", "-k", "StudyInstanceUID")
    said = dcmtk(
        "findscu", "-v", "-S", "-aet", "SKIAGRAPH", "-aec", "ORTHANC", *key, "127.0.0.1", archive.port
    )
    assert study in said.stdout + said.stderr
