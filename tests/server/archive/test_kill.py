"""A server that is killed at any moment has lost nothing that it took, and holds nothing twice."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import func, select

from skiagraph.server.archive.admission import Admission
from skiagraph.server.settings import settings_of
from skiagraph.server.site import opened_site
from skiagraph.server.tables import Instance, Series, Study

CHILD = Path(__file__).with_name("kill_child.py")
KILLS = 5


def run_until_killed(home, objects, begin, seconds):
    """How far a child said that it had come, or None where it was killed before it said anything."""
    child = subprocess.Popen(
        [sys.executable, str(CHILD), str(home), str(objects), str(begin)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "ready\n"
    time.sleep(seconds)
    os.kill(child.pid, signal.SIGKILL)
    said = child.stdout.read().split("\n")[:-1]
    child.stdout.close()
    child.wait()
    return int(said[-1]) if said else None


def test_what_was_taken_is_there_once_after_kills_at_random_moments(tmp_path, made):
    chance, home, objects = random.Random(7), tmp_path / "home", tmp_path / "objects"
    objects.mkdir()
    for number in range(900):
        (objects / f"{number:04d}").write_bytes(made(number, study=f"1.2.{number // 90}"))
    opened_site(settings_of(home, dicom={"enabled": False})).close()
    promised = -1
    for _ in range(KILLS):
        last = run_until_killed(home, objects, promised + 1, chance.uniform(0.0, 0.4))
        promised = promised if last is None else last
    assert promised > KILLS

    site = opened_site(settings_of(home, dicom={"enabled": False}))
    for path in site.intake.folder.iterdir():
        os.utime(path, (0, 0))  # as if a minute had gone by
    admission = Admission(site)
    while admission.step():
        pass
    wanted = {hashlib.sha256((objects / f"{n:04d}").read_bytes()).hexdigest() for n in range(promised + 1)}
    with site.database.reading() as session:
        digests = session.scalars(select(Instance.digest)).all()
        by_study = session.scalar(select(func.sum(Study.instance_count)))
        by_series = session.scalar(select(func.sum(Series.instance_count)))
    assert len(digests) == len(set(digests)) == by_study == by_series
    assert wanted <= set(digests)
    assert len(digests) - len(wanted) <= KILLS  # taken, and killed before it could say so
    assert set(site.files.digests()) == set(digests)
    for digest in digests:
        site.files.verify(digest)
    assert {path.name for path in site.intake.folder.iterdir()} <= {".admission"}
    assert list(site.files.conflicts.iterdir()) == []
    site.close()
