"""Takes and admits in a loop until it is killed; each number that it says was promised before."""

import sys
from pathlib import Path

from skiagraph.server.archive.admission import Admission
from skiagraph.server.settings import settings_of
from skiagraph.server.site import opened_site


def say(word: str) -> None:
    """At once, so that a kill finds nothing that was not said."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


home, objects, begin = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
site = opened_site(settings_of(home, dicom={"enabled": False}))
admission = Admission(site)
admission.start()
paths = sorted(objects.iterdir())
say("ready")
for number in range(begin, len(paths)):
    site.intake.take([paths[number].read_bytes()])
    say(str(number))
