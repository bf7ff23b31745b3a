"""Mutated files of every format: each is read or refused with a sentence, in time, without memory beyond measure."""

import base64
import random

import pytest
from fuzz_elements import keywords
from fuzz_moves import mutated
from fuzz_worker import MEBIBYTES, SECONDS
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from skiagraph.io.formats import FORMATS, format_of


def test_every_seed_is_read(corpus, reader):
    kinds = {name: reader.read(data).kind for name, data in corpus.items()}
    assert kinds == dict.fromkeys(corpus, "read")


def test_every_format_that_is_read_has_a_seed(corpus, tmp_path):
    path = tmp_path / "a"
    found = set()
    for data in corpus.values():
        path.write_bytes(data)
        if not data.startswith(b"PK"):
            found.add(format_of(path).name)
    assert found >= {f.name for f in FORMATS} - {"Windows Media"}  # FFmpeg of PyAV writes none


def test_mutations_know_what_the_code_of_reading_asks_for():
    assert {"ImagePositionPatient", "RescaleSlope", "SequenceOfUltrasoundRegions"} <= set(keywords())


def test_a_failure_is_told_from_a_refusal(reader, monkeypatch):
    assert reader.read(b"no image at all").kind == "refused"
    assert (SECONDS, MEBIBYTES) == (5.0, 1024)


# Each example is whole by itself, so nothing is gained by making the number that it grew from smaller.
@settings(
    max_examples=500,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(number=st.integers(0, 2**32))
def test_a_mutated_file_is_read_or_refused(number, corpus, reader):
    chance = random.Random(number)
    name = chance.choice(sorted(corpus))
    data = mutated(corpus[name], chance, list(corpus.values()))
    outcome = reader.read(data)
    if outcome.failed:
        pytest.fail(
            f"{name}: {outcome.kind} {outcome.where}\n{outcome.told}\n{base64.b64encode(data[:6000]).decode()}"
        )
