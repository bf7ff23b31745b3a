"""Backups of a server at work, and the way back: whole or refused, on both databases."""

import json
import threading

import pytest
from sqlalchemy import select

from skiagraph.errors import FormatError, InvalidInput, MissingInput
from skiagraph.server.archive.admission import Admission
from skiagraph.server.backup import backed_up, chosen, restored
from skiagraph.server.settings import settings_of
from skiagraph.server.site import opened_site
from skiagraph.server.tables import Instance

KEY = "0f" * 32


def quiet(*_):
    """Nobody watches."""


def put(site, head, *seeds):
    for seed in seeds:
        site.intake.take([head(seed)[1]])
    Admission(site).step()


def contents(site):
    """The bytes of every object of a server, by its UID."""
    with site.database.reading() as session:
        rows = session.execute(select(Instance.uid, Instance.digest)).all()
    found = {}
    for uid, digest in rows:
        with site.files.open(digest) as stream:
            found[uid] = stream.read()
    return found


@pytest.fixture
def back(tmp_path, request):
    """Restores the newest backup of a place as another server, on an empty database of the same kind."""
    opened = []

    def restore(place, like, **said):
        database = "" if like.database.sqlite else request.getfixturevalue("postgres").new()
        home = tmp_path / f"restored{len(opened)}"
        settings = settings_of(home, database=database, dicom={"enabled": False}, **said)
        restored(chosen(place), settings, quiet)
        opened.append(opened_site(settings))
        return opened[-1]

    yield restore
    for one in opened:
        one.close()


@pytest.mark.both_databases
def test_what_was_there_is_there_again(site, head, back, tmp_path):
    put(site, head, 1, 2)
    (site.settings.home / "routes.toml").write_text("# ours\n")
    site.people.invitations.first()
    site.intake.take([head(3)[1]])
    made = backed_up(site.settings, tmp_path / "backups", quiet)
    assert (made.instances, made.copied, made.missing) == (2, 2, 0)
    other = back(tmp_path / "backups", site)
    assert contents(other) == contents(site)
    assert other.audit.verify() == site.audit.verify()
    assert (other.settings.home / "routes.toml").read_text() == "# ours\n"
    assert other.database.revision() == site.database.revision()
    Admission(other).step()
    assert len(contents(other)) == 3, "what was promised is admitted"


@pytest.mark.both_databases
def test_a_backup_beside_a_writer_is_whole(site, head, back, tmp_path):
    end = threading.Event()

    def write():
        n = 0
        while not end.is_set():
            site.intake.take([named(head, n)])
            n += 1

    admission = Admission(site)
    admission.start()
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for n in range(3):
            backed_up(site.settings, tmp_path / f"backups{n}", quiet)
    finally:
        end.set()
        writer.join()
        admission.stop()
    Admission(site).step()
    for n in range(3):
        other = back(tmp_path / f"backups{n}", site)
        there, here = contents(site), contents(other)
        assert all(there[uid] == data for uid, data in here.items())
        assert other.audit.verify().broken is None


def named(head, number):
    """The same picture as another object."""
    uid, data = head(9)
    return data.replace(uid.encode(), f"{uid[:-6]}{number:06d}".encode())


def test_what_a_backup_has_is_not_copied_again(site, head, back, tmp_path):
    put(site, head, 1)
    backed_up(site.settings, tmp_path / "backups", quiet)
    put(site, head, 2)
    second = backed_up(site.settings, tmp_path / "backups", quiet)
    assert (second.instances, second.copied) == (2, 1)
    assert chosen(tmp_path / "backups") == second.folder
    assert contents(back(tmp_path / "backups", site)) == contents(site)


def test_an_encrypted_archive_comes_back_with_its_key_alone(tmp_path, head, back):
    key = tmp_path / "key"
    key.write_text(KEY)
    key.chmod(0o600)
    settings = settings_of(tmp_path / "sealed", encryption_key=key, dicom={"enabled": False})
    site = opened_site(settings)
    try:
        put(site, head, 1)
        backed_up(settings, tmp_path / "backups", quiet)
        every = b"".join(
            one.read_bytes() for one in (tmp_path / "backups" / "archive").rglob("*") if one.is_file()
        )
        assert b"DICM" not in every
        assert KEY.encode() not in every
        assert contents(back(tmp_path / "backups", site, encryption_key=key)) == contents(site)
        other = tmp_path / "other-key"
        other.write_text("ab" * 32)
        other.chmod(0o600)
        with pytest.raises(InvalidInput):
            back(tmp_path / "backups", site, encryption_key=other)
    finally:
        site.close()


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def some_file(place):
    return next(
        one for one in (place / "archive").rglob("*") if one.is_file() and one.parent.name != "archive"
    )


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (lambda place, _: flip(some_file(place)), FormatError),
        (lambda place, _: some_file(place).unlink(), MissingInput),
        (lambda _, one: flip(one / "database.sqlite"), FormatError),
        (lambda _, one: (one / "database.sqlite").unlink(), FormatError),
        (lambda _, one: (one / "manifest.json").unlink(), MissingInput),
        (lambda _, one: (one / "manifest.json").write_text("{"), FormatError),
        (lambda _, one: (one / "manifest.json").write_text(json.dumps({"format": "other"})), FormatError),
    ],
    ids=["file", "no file", "database", "no database", "no manifest", "cut manifest", "another manifest"],
)
def test_a_damaged_backup_is_refused(site, head, back, tmp_path, damage, kind):
    put(site, head, 1)
    made = backed_up(site.settings, tmp_path / "backups", quiet)
    damage(tmp_path / "backups", made.folder)
    with pytest.raises(kind):
        back(tmp_path / "backups", site)


def test_a_backup_goes_into_a_new_home_alone(site, head, tmp_path):
    put(site, head, 1)
    made = backed_up(site.settings, tmp_path / "backups", quiet)
    with pytest.raises(InvalidInput, match="new home"):
        restored(made.folder, site.settings, quiet)


def test_a_backup_is_made_of_a_home(tmp_path):
    with pytest.raises(MissingInput):
        backed_up(settings_of(tmp_path / "none"), tmp_path / "backups", quiet)
    assert not (tmp_path / "backups").exists()


def test_a_database_goes_back_to_its_kind(site, head, postgres, tmp_path):
    put(site, head, 1)
    made = backed_up(site.settings, tmp_path / "backups", quiet)
    with pytest.raises(InvalidInput, match="kind"):
        restored(made.folder, settings_of(tmp_path / "other", database=postgres.new()), quiet)
