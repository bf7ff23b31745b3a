"""What comes in over DICOM is safe before it is answered, and stored as it came; what does not belong is refused."""

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, generate_uid
from pynetdicom import AE
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import Verification
from senders import (
    CT,
    EXPLICIT,
    IMPLICIT,
    Raw,
    admitted,
    audited,
    body_of,
    dcmtk,
    eventually,
    running,
    slice_of,
    written,
)

from skiagraph.errors import InvalidInput
from skiagraph.server.node.pdu import LONGEST

ECHO = str(Verification)
HERE = ("127.0.0.1",)


def title_of(**named):
    return {name: {"title": title, "host": host} for name, (title, host) in named.items()}


def test_echoscu_is_answered(open_node):
    assert dcmtk("echoscu", "-aec", "SKIAGRAPH", "127.0.0.1", open_node[1].port).returncode == 0


def test_what_storescu_sends_is_in_the_archive_as_it_was(open_node, tmp_path):
    site, node = open_node
    study = generate_uid()
    paths = written(tmp_path, study, 5, side=300)
    said = dcmtk("storescu", "-aet", "CT1", "-aec", "SKIAGRAPH", "127.0.0.1", node.port, *paths)
    assert said.returncode == 0, said.stderr
    here = admitted(site)
    for path in paths:
        ds = dcmread(path)
        assert here[ds.SOPInstanceUID] == ds
    assert eventually(lambda: ("CT1", study) in audited(site, "images received"))


@pytest.mark.parametrize("more", [["-xi"], ["-xe"], ["--max-pdu", "4096"], ["--propose-lossless"]])
def test_storescu_may_propose_what_it_likes(open_node, tmp_path, more):
    site, node = open_node
    study = generate_uid()
    (path,) = written(tmp_path, study, 1)
    assert dcmtk("storescu", *more, "-aec", "SKIAGRAPH", "127.0.0.1", node.port, path).returncode == 0
    assert slice_of(study, 0).SOPInstanceUID in admitted(site)


def test_compressed_objects_are_stored_as_they_came(open_node):
    site, node = open_node
    ds = slice_of(generate_uid())
    ds.file_meta.TransferSyntaxUID = JPEG2000Lossless
    ds.PixelData = encapsulate([b"\xff\x4f\xff\x51" * 20])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    entity = AE("MR1")
    peer = entity.associate(
        "127.0.0.1", node.port, [build_context(CT, JPEG2000Lossless)], ae_title="SKIAGRAPH"
    )
    assert peer.send_c_store(ds).Status == 0
    peer.release()
    found = admitted(site)[ds.SOPInstanceUID]
    assert found.file_meta.TransferSyntaxUID == JPEG2000Lossless
    assert found.PixelData == ds.PixelData


@pytest.mark.parametrize(
    ("abstract", "transfer"),
    [
        ("1.3.12.2.1107.5.9.1", EXPLICIT),
        ("1.2.840.10008.5.1.4.1.1.99999", EXPLICIT),
        (CT, "1.2.840.113619.5.2.999"),
    ],
    ids=["a private class", "a class of the future", "a private transfer syntax"],
)
def test_what_nobody_knows_is_safe_in_the_intake(tmp_path, abstract, transfer):
    with running(tmp_path / "home") as (site, node):
        one, ds = Raw(node.port), slice_of(generate_uid())
        ds.SOPClassUID = abstract
        assert one.associate((1, abstract, transfer)) == 2
        assert one.store(1, ds.SOPInstanceUID.encode(), body_of(ds), abstract.encode()) == 0
        one.close()
        (path,) = site.intake.pending()
        assert path.read_bytes().endswith(body_of(ds))
        assert abstract.encode() in path.read_bytes()[:400]


HOSTILE = [
    (b"../../../../etc/passwd", 0x0117),
    (b"/etc/passwd", 0x0117),
    (b"1.2\x00../x", 0x0117),
    (b"1" * 65, 0x0117),
    (b"1.2.3;rm -rf", 0x0117),
    (b"", 0x0117),
    (None, 0x0117),
    (b"9.9.9", 0xA900),
]


@pytest.mark.parametrize(("uid", "status"), HOSTILE)
def test_hostile_uids_are_refused_with_a_status_and_the_association_goes_on(open_node, raw, uid, status):
    site, _ = open_node
    before = len(site.intake.pending())
    ds, one = slice_of(generate_uid()), raw()
    assert one.associate((1, CT, EXPLICIT)) == 2
    assert one.store(1, uid, body_of(ds)) == status
    assert len(site.intake.pending()) == before
    assert one.store(1, ds.SOPInstanceUID.encode(), body_of(ds)) == 0
    assert len(site.intake.pending()) == before + 1


@pytest.mark.parametrize("cut", [0, 5, 100, -1])
def test_a_data_set_that_ends_early_is_refused_with_a_status(open_node, raw, cut):
    site, _ = open_node
    before = len(site.intake.pending())
    ds, one = slice_of(generate_uid()), raw()
    one.associate((1, CT, EXPLICIT))
    assert one.store(1, ds.SOPInstanceUID.encode(), body_of(ds)[:cut]) == 0xC000
    assert len(site.intake.pending()) == before
    assert one.store(1, ds.SOPInstanceUID.encode(), body_of(ds)) == 0


def test_another_class_than_that_of_the_context_is_refused(raw):
    ds, one = slice_of(generate_uid()), raw()
    one.associate((1, CT, EXPLICIT))
    assert one.store(1, ds.SOPInstanceUID.encode(), body_of(ds), b"1.2.840.10008.5.1.4.1.1.4") == 0x0122


def test_other_operations_are_refused_with_a_status(raw):
    one = raw()
    one.associate((1, CT, EXPLICIT))
    one.command(1, {0x0002: CT.encode(), 0x0100: 0x0020, 0x0110: 3, 0x0800: 0x0101})
    assert one.status() == 0x0211


def test_queries_are_no_service_of_the_node(open_node):
    wanted = "1.2.840.10008.5.1.4.1.2.2.1"
    peer = AE("X").associate("127.0.0.1", open_node[1].port, [build_context(wanted)], ae_title="SKIAGRAPH")
    assert [one.result for one in peer.rejected_contexts] == [3]
    peer.abort()


GARBAGE = {
    "the web": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "zeros": bytes(100),
    "data before an association": b"\x04\0\0\0\0\x08" + b"\0\0\0\4\1\3\0\0",
    "a request that is too long": b"\x01\0\xff\xff\xff\xff",
    "a request that is empty": b"\x01\0\0\0\0\0",
    "TLS": bytes.fromhex("16030100a5010000a10303") + bytes(160),
}


@pytest.mark.parametrize("said", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_ends_in_an_abort_and_the_receiver_lives(open_node, raw, said):
    _, node = open_node
    pids, one = node.pids, raw()
    one.socket.sendall(said)
    assert one.answer()[0] in (7, 0)
    assert node.pids == pids
    assert raw().associate((1, ECHO, IMPLICIT)) == 2


@pytest.mark.parametrize(
    "said",
    [
        lambda one: one.unit(4, b"\xff\xff\xff\xff\1\3"),
        lambda one: one.unit(4, b"\0\0\0\2\x09\3"),
        lambda one: one.unit(4, b"\0"),
        lambda one: one.value(1, 2, b"a data set without its command"),
        lambda one: one.value(1, 3, b"no command"),
        lambda one: [one.value(1, 1, bytes(60_000)) for _ in range(2)],
        lambda one: one.socket.sendall(b"\x04\0" + (LONGEST + 1).to_bytes(4, "big")),
    ],
    ids=[
        "too long",
        "no such context",
        "cut off",
        "out of order",
        "no command",
        "endless",
        "too long a unit",
    ],
)
def test_units_that_break_the_protocol_end_in_an_abort(open_node, raw, said):
    pids, one = open_node[1].pids, raw()
    one.associate((1, CT, EXPLICIT))
    said(one)
    assert one.answer()[0] in (7, 0)
    assert open_node[1].pids == pids


@pytest.mark.parametrize(
    ("calling", "called", "answer"),
    [
        ("CT1", "SKIAGRAPH", None),
        ("WHO", "SKIAGRAPH", (1, 1, 3)),
        ("CT1", "OTHER", (1, 1, 7)),
        ("CT2", "SKIAGRAPH", (1, 1, 3)),
    ],
    ids=["a peer", "unknown title", "another called title", "another address"],
)
def test_only_peers_that_call_us_by_our_title_from_their_address_may_enter(tmp_path, calling, called, answer):
    peers = title_of(ct=("CT1", "localhost"), far=("CT2", "192.0.2.1"))
    with running(tmp_path / "home", any_peer=False, peers=peers) as (site, node):
        one = Raw(node.port)
        kind = one.associate((1, ECHO, IMPLICIT), calling=calling, called=called)
        one.close()
        if answer is None:
            assert kind == 2
            return
        assert kind == 3
        assert dcmtk("echoscu", "-aet", calling, "-aec", called, "127.0.0.1", node.port).returncode != 0
        peer = AE(calling).associate("127.0.0.1", node.port, [build_context(ECHO)], ae_title=called)
        said = peer.acceptor.primitive
        assert (said.result, said.result_source, said.diagnostic) == answer
        assert eventually(lambda: audited(site, "caller refused") == [(calling, "")])


def test_one_who_knocks_all_the_time_is_written_down_once(tmp_path):
    with running(tmp_path / "home", any_peer=False) as (site, node):
        for _ in range(5):
            one = Raw(node.port)
            assert one.associate((1, ECHO, IMPLICIT)) == 3
            one.close()
        eventually(lambda: audited(site, "caller refused"))
        time.sleep(0.2)
        assert audited(site, "caller refused") == [("RAW", "")]


def test_too_many_at_once_are_told_to_come_back(tmp_path):
    with running(tmp_path / "home", associations=2) as (_, node):
        kept = [Raw(node.port) for _ in range(2)]
        assert [one.associate((1, ECHO, IMPLICIT)) for one in kept] == [2, 2]
        peer = AE("X").associate("127.0.0.1", node.port, [build_context(ECHO)], ae_title="SKIAGRAPH")
        said = peer.acceptor.primitive
        assert (said.result, said.result_source, said.diagnostic) == (2, 3, 2)
        peer.kill()
        kept[0].close()
        assert eventually(
            lambda: dcmtk("echoscu", "-aec", "SKIAGRAPH", "127.0.0.1", node.port).returncode == 0
        )
        kept[1].close()


def test_who_says_nothing_is_shown_out(tmp_path):
    with running(tmp_path / "home", idle_seconds=0.3) as (site, node):
        one, ds = Raw(node.port), slice_of(generate_uid())
        one.associate((1, CT, EXPLICIT))
        fields = {0x0002: CT.encode(), 0x0100: 1, 0x0110: 7, 0x0800: 1, 0x1000: ds.SOPInstanceUID.encode()}
        one.command(1, fields)
        one.value(1, 0, body_of(ds)[:200])
        one.socket.sendall(b"\x04\0\0\0")
        assert one.answer()[0] == 0
        one.close()
        assert not any(site.intake.folder.iterdir())


def test_a_full_disk_is_said_and_nothing_is_kept_until_there_is_room(tmp_path):
    with running(tmp_path / "home") as (site, node):
        one, ds = Raw(node.port), slice_of(generate_uid(), side=200)
        one.associate((1, CT, EXPLICIT))
        whole = resource.prlimit(node.pids[0], resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
        assert one.store(1, ds.SOPInstanceUID.encode(), body_of(ds)) == 0xA700
        assert not any(site.intake.folder.iterdir())
        resource.prlimit(node.pids[0], resource.RLIMIT_FSIZE, whole)
        assert one.store(1, ds.SOPInstanceUID.encode(), body_of(ds)) == 0
        one.close()
        assert list(admitted(site)) == [ds.SOPInstanceUID]


def test_a_receiver_killed_while_it_receives_leaves_nothing_half_and_is_started_again(tmp_path):
    with running(tmp_path / "home") as (site, node):
        one, first, second = Raw(node.port), slice_of(generate_uid()), slice_of(generate_uid(), side=300)
        one.associate((1, CT, EXPLICIT))
        assert one.store(1, first.SOPInstanceUID.encode(), body_of(first)) == 0
        fields = {
            0x0002: CT.encode(),
            0x0100: 1,
            0x0110: 7,
            0x0800: 1,
            0x1000: second.SOPInstanceUID.encode(),
        }
        one.command(1, fields)
        one.value(1, 0, body_of(second)[:100_000])
        eventually(lambda: any(path.name.endswith(".part") for path in site.intake.folder.iterdir()))
        (old,) = node.pids
        os.kill(old, signal.SIGKILL)
        assert one.answer()[0] == 0
        one.close()
        (new,) = eventually(lambda: [pid for pid in node.pids if pid != old])
        assert new != old
        again = Raw(node.port)
        assert again.associate((1, CT, EXPLICIT)) == 2
        assert again.store(1, second.SOPInstanceUID.encode(), body_of(second)) == 0
        again.close()
        here = admitted(site)
        assert {first.SOPInstanceUID, second.SOPInstanceUID} == set(here)
        assert here[second.SOPInstanceUID].PixelData == second.PixelData


def test_a_crowd_that_is_shot_at_loses_nothing_that_was_answered(tmp_path):
    with running(tmp_path / "home", receivers=2) as (site, node):
        promised = []
        for number in range(30):
            ds = slice_of(generate_uid(), side=100)
            try:
                one = Raw(node.port)
                if one.associate((1, CT, EXPLICIT)) == 2:
                    if number % 10 == 5 and node.pids:
                        os.kill(node.pids[0], signal.SIGKILL)
                    if one.store(1, ds.SOPInstanceUID.encode(), body_of(ds)) == 0:
                        promised.append(ds.SOPInstanceUID)
            except (OSError, AssertionError):
                pass
            finally:
                one.close()
        assert len(promised) >= 20
        assert set(promised) <= set(admitted(site))


MAIN = """
import sys, time
from pathlib import Path
from skiagraph.server.logs import configure_logs
from skiagraph.server.node.node import Node
from skiagraph.server.settings import settings_of
from skiagraph.server.site import opened_site
configure_logs()
node = Node(opened_site(settings_of(Path(sys.argv[1]), dicom={"port": int(sys.argv[2]), "receivers": 2})))
node.start()
print(node.port, *node.pids, flush=True)
time.sleep(60)
"""


def test_receivers_end_with_the_main_process_and_leave_the_port_to_the_next(tmp_path):
    def begun(port):
        process = subprocess.Popen(
            [sys.executable, "-c", MAIN, str(tmp_path / "home"), str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        return process, [int(one) for one in process.stdout.readline().split()]

    def dead(pid):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False

    process, (port, *pids) = begun(0)
    one = Raw(port)
    one.associate((1, CT, EXPLICIT))
    process.kill()
    process.wait()
    process.stdout.close()
    again, (same, *_) = begun(port)
    assert same == port
    assert eventually(lambda: all(dead(pid) for pid in pids))
    one.close()
    again.kill()
    again.wait()
    again.stdout.close()


def test_a_port_that_is_taken_is_refused_in_one_sentence(tmp_path):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        with (
            pytest.raises(InvalidInput, match="free port"),
            running(tmp_path / "home", port=one.getsockname()[1]),
        ):
            pass


def test_a_node_that_is_switched_off_does_not_listen(tmp_path):
    with running(tmp_path / "home", enabled=False) as (_, node):
        assert node.port == 0
        assert node.pids == []


def test_files_of_an_encrypted_archive_are_sealed_in_the_intake_too(tmp_path):
    key = tmp_path / "key"
    key.write_text("ab" * 32)
    key.chmod(0o600)
    with running(tmp_path / "home", more={"encryption_key": key}) as (site, node):
        one, ds = Raw(node.port), slice_of(generate_uid())
        one.associate((1, CT, EXPLICIT))
        assert one.store(1, ds.SOPInstanceUID.encode(), body_of(ds)) == 0
        one.close()
        (path,) = site.intake.pending()
        assert b"Doe^Jane" not in path.read_bytes()
        assert body_of(admitted(site)[ds.SOPInstanceUID]) == body_of(ds)


def test_a_receiver_is_light(open_node):
    pid = open_node[1].pids[0]
    process = Path("/proc") / str(pid)
    assert "numpy" not in (process / "maps").read_text("utf-8")
    status = (process / "status").read_text("utf-8").splitlines()
    (most,) = (int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    assert most < 60_000  # kB
