"""TLS: certificates made here; what is not encrypted, or shows none that is trusted, is not heard."""

import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydicom.uid import generate_uid
from senders import Raw, admitted, audited, dcmtk, eventually, free_port, running, slice_of, written

from skiagraph.errors import InvalidInput
from skiagraph.server.node.calls import PeerGone
from skiagraph.server.node.peers import echo
from skiagraph.server.node.send import send


def certificate(folder, name, signed_by=None):
    """A key and its certificate, signed by itself or by another; their files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signing = (subject, key) if signed_by is None else (signed_by[2], signed_by[3])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=signed_by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(signing, hashes.SHA256())
    )
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.TraditionalOpenSSL
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return *paths, subject, key


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    """Authority, node, peer, and a stranger that vouches for itself."""
    folder = tmp_path_factory.mktemp("papers")
    authority = certificate(folder, "authority")
    others = {name: certificate(folder, name, authority) for name in ("node", "peer")}
    return {"authority": authority, **others, "stranger": certificate(folder, "stranger")}


@pytest.fixture
def safe(papers, tmp_path):
    """A node that speaks TLS with those whom the authority knows, and is its own peer."""
    port = free_port()
    peers = {"us": {"title": "SKIAGRAPH", "host": "localhost", "port": port, "tls": True}}
    files = {
        "certificate": papers["node"][0], "key": papers["node"][1], "authorities": papers["authority"][0],
    }  # fmt: skip
    with running(tmp_path / "home", port=port, peers=peers, **files) as pair:
        yield pair


def test_storescu_over_tls_with_a_certificate_of_the_authority(safe, papers, tmp_path):
    site, node = safe
    study = generate_uid()
    paths = written(tmp_path / "files", study, 2, side=300)
    own = ("+tls", papers["peer"][1], papers["peer"][0], "+cf", papers["authority"][0])
    said = dcmtk("storescu", *own, "-aec", "SKIAGRAPH", "localhost", node.port, *paths)
    assert said.returncode == 0, said.stderr
    assert {slice_of(study, n).SOPInstanceUID for n in range(2)} == set(admitted(site))


def test_without_tls_nobody_is_heard(safe, tmp_path):
    site, node = safe
    assert dcmtk("echoscu", "-aec", "SKIAGRAPH", "localhost", node.port).returncode != 0
    assert eventually(lambda: audited(site, "caller refused"))


def test_a_certificate_that_nobody_vouches_for_is_refused(safe, papers):
    site, node = safe
    own = ("+tls", papers["stranger"][1], papers["stranger"][0], "-ic")
    assert dcmtk("echoscu", *own, "-aec", "SKIAGRAPH", "localhost", node.port).returncode != 0
    assert eventually(lambda: audited(site, "caller refused"))


def test_old_versions_of_tls_are_refused(safe, papers):
    one = Raw(safe[1].port)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(papers["authority"][0])
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError, match=r"(?i)ssl|reset|eof|version"):
        context.wrap_socket(one.socket, server_hostname="localhost")
    one.close()


def test_we_call_over_tls_too(safe, tmp_path):
    site, _ = safe
    echo(site.settings, "us")
    ds = slice_of(generate_uid())
    path = tmp_path / "one.dcm"
    ds.save_as(path, enforce_file_format=True)
    site.intake.take([path.read_bytes()])
    admitted(site)
    send(site, "us", [ds.SOPInstanceUID], pauses=())


def test_a_peer_with_the_certificate_of_a_stranger_is_not_believed(papers, tmp_path):
    port = free_port()
    files = {"certificate": papers["stranger"][0], "key": papers["stranger"][1]}
    with running(tmp_path / "a", port=port, **files):
        peers = {"them": {"title": "SKIAGRAPH", "host": "localhost", "port": port, "tls": True}}
        ours = {
            "certificate": papers["node"][0],
            "key": papers["node"][1],
            "authorities": papers["authority"][0],
        }
        with (
            running(tmp_path / "b", peers=peers, **ours) as (site, _),
            pytest.raises(PeerGone, match="answers at its address"),
        ):
            echo(site.settings, "them")


def test_a_certificate_that_is_none_is_refused_in_one_sentence(tmp_path):
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("nothing")
    with (
        pytest.raises(InvalidInput, match="PEM"),
        running(tmp_path / "home", certificate=nothing, key=nothing),
    ):
        pass
