"""`skiagraph train --devices`: what cannot be is refused in one sentence, before any process is started."""

import sys

import pytest

from skiagraph.cli import main


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--machines", "2"], "several machines meet at HOST:PORT of one of them"),
        (["--devices", "2", "--meet", "somewhere"], "several machines meet at HOST:PORT of one of them"),
        (["--split-network"], "a network is split over at least two devices"),
    ],
)
def test_a_spread_that_cannot_be_is_refused(given, said, tmp_path, monkeypatch, capsys):
    command = ["skiagraph", "train", "classification", "data.csv", "--out", str(tmp_path / "b"), *given]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"skiagraph: {said}; got ")
