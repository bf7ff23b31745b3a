"""`skiagraph dataset check` from the shell: sentences, JSON, pictures, and an exit code of 0 whatever is found."""

import json

import numpy as np
import PIL.Image
import pytest
from typer.testing import CliRunner

from skiagraph.cli import app
from skiagraph.errors import FormatError, InvalidInput


@pytest.fixture
def run():
    def call(*words):
        done = CliRunner().invoke(app, ["dataset", "check", *map(str, words)], env={"COLUMNS": "200"})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return call


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    root = tmp_path / "pictures"
    for split in ("train", "test"):
        for word in ("cat", "dog"):
            (root / split / word).mkdir(parents=True)
            for n in range(4):
                array = np.kron(rng.integers(0, 255, (8, 9)), np.ones((4, 4))).astype(np.uint8)
                PIL.Image.fromarray(array).save(root / split / word / f"{n}.png")
    PIL.Image.open(root / "train/cat/1.png").save(root / "test/dog/copy.bmp")
    return root


def test_it_says_what_it_found_and_ends_well(run, folder):
    done = run(folder)
    assert done.exit_code == 0
    assert "Recognised as a folder a class" in done.output
    assert "spoils identical images" in done.output
    assert "train/cat/1.png (train)" in done.output
    assert "spoils contradicting labels" in done.output


def test_json_has_the_same_for_programs(run, folder):
    said = json.loads(run(folder, "--json").stdout)
    assert said["samples"] == 17
    remark = next(r for r in said["remarks"] if r["topic"] == "identical images")
    assert (remark["count"], remark["pairs"][0]["score"]) == (1, 1.0)


@pytest.mark.parametrize("suffix", [".png", ".html"])
def test_suspect_pairs_are_shown(run, folder, tmp_path, suffix):
    sheet = tmp_path / f"pairs{suffix}"
    assert f"wrote {sheet}" in run(folder, "--pictures", sheet).output.replace("\n", "")
    assert sheet.stat().st_size > 1000


def test_no_sheet_is_written_where_nothing_is_suspect(run, folder, tmp_path):
    (folder / "test/dog/copy.bmp").unlink()
    assert "no suspect pairs" in run(folder, "--pictures", tmp_path / "pairs.png").output
    assert not (tmp_path / "pairs.png").exists()


def test_a_layout_may_be_forced_and_what_is_unreadable_is_refused(run, folder, tmp_path):
    assert run(folder, "--layout", "class-folders").exit_code == 0
    with pytest.raises(FormatError, match="nothing of the kind"):
        run(folder, "--layout", "nnunet")
    with pytest.raises(InvalidInput, match=r"\.png or \.html"):
        run(folder, "--pictures", tmp_path / "pairs.doc")
