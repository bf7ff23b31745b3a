"""Storage commitment both ways: what others ask is answered from the archive, what they report is written down."""

import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, build_role, evt
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import StorageCommitmentPushModel
from senders import CT, admitted, eventually, free_port, running, slice_of
from sqlalchemy import select

from skiagraph.server.node import commitment
from skiagraph.server.node.asked import ONE
from skiagraph.server.node.calls import PeerRefuses
from skiagraph.server.node.send import commitment_of
from skiagraph.server.tables import Delivery, Study

# pynetdicom leaves the socket to the garbage collector where nobody listens.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
)

MODEL = StorageCommitmentPushModel


@contextmanager
def listening(port, *handlers):
    """A peer that takes what belongs to storage commitment."""
    entity = AE("CT1")
    entity.add_supported_context(MODEL, scu_role=True, scp_role=True)
    server = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=list(handlers))
    try:
        yield
    finally:
        server.shutdown()


def referenced(*objects):
    found = []
    for uid in objects:
        one = Dataset()
        one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = CT, uid
        found.append(one)
    return found


def asks(node, *uids, calling="CT1"):
    """A modality asks us to keep objects; the status of the answer."""
    question = Dataset()
    question.TransactionUID = generate_uid()
    question.ReferencedSOPSequence = referenced(*uids)
    peer = AE(calling).associate("127.0.0.1", node.port, [build_context(MODEL)], ae_title="SKIAGRAPH")
    answer, _ = peer.send_n_action(question, 1, MODEL, ONE)
    peer.release()
    return answer.Status, question.TransactionUID


@pytest.fixture
def here(tmp_path):
    """A node that knows a modality by the port on which it listens, and one object in its archive."""
    port = free_port()
    peers = {
        "ct": {"title": "CT1", "host": "127.0.0.1", "port": port},
        "mute": {"title": "CT2", "host": "127.0.0.1"},
    }
    with running(tmp_path / "home", peers=peers, more={"destinations": {"back": {"peer": "ct"}}}) as (
        site,
        node,
    ):
        ds = slice_of(generate_uid())
        path = tmp_path / "one.dcm"
        ds.save_as(path, enforce_file_format=True)
        site.intake.take([path.read_bytes()])
        admitted(site)
        yield site, node, port, str(ds.SOPInstanceUID)


@pytest.mark.parametrize("missing", [False, True])
def test_a_modality_is_told_what_we_keep_and_what_not(here, monkeypatch, missing):
    monkeypatch.setattr(commitment, "_SETTLED", 0.5)
    _, node, port, uid = here
    told = []

    def reported(event):
        told.append((event.event_type, event.event_information))
        return 0, None

    with listening(port, (evt.EVT_N_EVENT_REPORT, reported)):
        status, transaction = asks(node, uid, *(["1.2.3.4"] if missing else []))
        assert status == 0
        assert eventually(lambda: told)
    ((kind, report),) = told
    assert kind == (2 if missing else 1)
    assert report.TransactionUID == transaction
    assert [one.ReferencedSOPInstanceUID for one in report.ReferencedSOPSequence] == [uid]
    failed = [
        (one.ReferencedSOPInstanceUID, one.FailureReason) for one in report.get("FailedSOPSequence") or ()
    ]
    assert failed == ([("1.2.3.4", 0x0112)] if missing else [])


def test_a_modality_that_does_not_listen_yet_is_called_again(here, monkeypatch):
    monkeypatch.setattr(commitment, "_PAUSES", (0.2,))
    site, node, port, uid = here
    told = []

    def reported(event):
        told.append(event.event_type)
        return 0, None

    assert asks(node, uid)[0] == 0
    time.sleep(0.8)
    assert len(list((site.settings.home / "commitments").iterdir())) == 1
    with listening(port, (evt.EVT_N_EVENT_REPORT, reported)):
        assert eventually(lambda: told)
    assert eventually(lambda: not list((site.settings.home / "commitments").iterdir()))


@pytest.mark.parametrize("calling", ["CT2", "WHO"])
def test_who_cannot_be_called_back_is_refused(here, calling):
    site, node, _, uid = here
    assert asks(node, uid, calling=calling)[0] == 0x0124
    assert not (site.settings.home / "commitments").exists()


@pytest.mark.parametrize("later", [False, True], ids=["on the same association", "on one of its own"])
def test_what_a_peer_commits_to_is_known(here, later):
    site, node, port, uid = here
    with site.database.writing() as session:
        study = session.scalars(select(Study)).one()
        now = datetime.now(UTC)
        session.add(Delivery(study_id=study.id, destination="back", instance_uid=uid, state="sent", at=now))

    def answered(event):
        report = Dataset()
        report.TransactionUID = event.action_information.TransactionUID
        report.ReferencedSOPSequence = event.action_information.ReferencedSOPSequence

        def tell():
            time.sleep(0.2)
            if not later:
                event.assoc.send_n_event_report(report, 1, MODEL, ONE)
                return
            own = [build_role(MODEL, scp_role=True)]
            peer = AE("CT1").associate(
                "127.0.0.1", node.port, [build_context(MODEL)], ae_title="SKIAGRAPH", ext_neg=own
            )
            peer.send_n_event_report(report, 1, MODEL, ONE)
            peer.release()

        threading.Thread(target=tell).start()
        return 0, None

    with listening(port, (evt.EVT_N_ACTION, answered)):
        said = commitment_of(site, "ct", [uid], patience=0.1 if later else 10.0)
        if not later:
            assert said is not None
            assert said.kept == {uid}
            return
        assert said is None

        def state():
            with site.database.reading() as session:
                return session.scalars(select(Delivery.state)).one() == "committed"

        assert eventually(state)


def test_a_peer_that_does_not_want_to_is_one_sentence(here):
    site, _, port, uid = here
    with (
        listening(port, (evt.EVT_N_ACTION, lambda _: (0x0110, None))),
        pytest.raises(PeerRefuses, match="storage commitment; got status 0110"),
    ):
        commitment_of(site, "ct", [uid])


def test_a_request_that_nobody_can_read_is_put_away(here):
    site, _, _, _ = here
    folder = site.settings.home / "commitments"
    folder.mkdir()
    first = b'{"title": "CT1", "host": "127.0.0.1", "transfer": "1.2.840.10008.1.2"}\n'
    (folder / "a.request").write_bytes(first + b"\x08\x00\x99\x11\xff\xff\xff")
    (folder / "b.report").write_bytes(first + b"\xff")
    assert eventually(lambda: not list(folder.iterdir()))
