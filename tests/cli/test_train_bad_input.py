"""Bad input of `skiagraph train`: each is refused in one sentence that names the row, or left out and named."""

import csv
import resource
import signal
import sys

import numpy as np
import pytest
from PIL import Image as Pillow

from skiagraph.cli import main

LISTED = """version = 1
table = "dataset.csv"
[[targets]]
name = "label"
kind = "multi-class"
column = "label"
labels = ["a", "b"]
"""
QUICK = ("--set", "epochs=1", "--set", "batch=2", "--set", "settle=null")


def picture(path, number, shape=(16, 16)):
    values = np.random.default_rng(number).integers(0, 255, shape, dtype=np.uint8)
    Pillow.fromarray(values).save(path)


def table(folder, n=12, *, changed=None, masks=False):
    """Small pictures of noise with a class each, or with a mask without a structure; two of them to test."""
    folder.mkdir(exist_ok=True)
    rows = []
    for k in range(n):
        picture(folder / f"{k}.png", k)
        row = {"image": f"{k}.png", "group": f"g{k}", "split": "test" if k >= n - 2 > 2 else "train"}
        if masks:
            Pillow.fromarray(np.zeros((16, 16), np.uint8)).save(folder / f"{k}-mask.png")
        rows.append({**row, **({"mask": f"{k}-mask.png"} if masks else {"label": "ab"[k % 2]})})
    if changed is not None:
        changed(folder, rows)
    with (folder / "dataset.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder / "dataset.csv"


def unreadable(folder, _rows):
    (folder / "3.png").write_bytes(b"no picture")


def missing(folder, _rows):
    (folder / "4.png").unlink()


def without_label(_folder, rows):
    rows[5]["label"] = ""


def outside_the_list(folder, rows):
    rows[6]["label"] = "c"
    (folder / "dataset.toml").write_text(LISTED, "utf-8")


def mixed(folder, _rows):
    picture(folder / "7.png", 7, (16, 16, 3))


def one_class(_folder, rows):
    for row in rows:
        row["label"] = "a"


@pytest.fixture
def said(monkeypatch, capsys):
    """Runs the command as a shell does; gives its exit code and what it says on standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["skiagraph", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0, capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("changed", "task", "sentence"),
    [
        (unreadable, "classification", "3.png is none of the formats that are read"),
        (missing, "classification", "a manifest names files that exist (dataset.csv, line 6); got 4.png"),
        (without_label, "classification", "each image has a reference (dataset.csv, line 7); got none"),
        (outside_the_list, "classification", "label is one of a, b (dataset.csv, line 8); got 'c'"),
        (one_class, "classification", "belong to at least two classes; got only a"),
        ("masks", "segmentation", "some sample to learn from shows a structure; got empty masks alone"),
        ("three", "classification", "a training has at least four samples to learn from; got 3"),
    ],
)
def test_a_strict_training_stops_with_one_sentence_and_writes_no_bundle(
    changed, task, sentence, said, tmp_path
):
    known = changed if callable(changed) else None
    data = table(tmp_path / "d", 3 if changed == "three" else 12, changed=known, masks=changed == "masks")
    if changed is outside_the_list:
        data = data.with_suffix(".toml")
    label = ("--label", "SCT|69536005|Head") if task == "segmentation" else ()
    code, errors = said("train", task, data, "--out", tmp_path / "b", "--strict", *QUICK, *label)
    assert code == 2
    assert sentence in errors
    (line,) = [line for line in errors.splitlines() if line]
    assert line.startswith("skiagraph: ")
    assert {path.name for path in tmp_path.iterdir()} <= {"d", ".b.training"}, (
        "samples that were prepared are kept"
    )


@pytest.mark.parametrize("changed", [one_class, "three"])
def test_what_cannot_be_learnt_from_is_refused_without_strict_too(changed, said, tmp_path):
    n, known = (3, None) if changed == "three" else (12, changed)
    code, errors = said(
        "train", "classification", table(tmp_path / "d", n, changed=known), "--out", tmp_path / "b"
    )
    assert code == 2
    assert len(errors.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def test_without_strict_a_training_goes_on_past_bad_rows_and_names_each(said, tmp_path):
    def all_of_them(folder, rows):
        for change in (unreadable, missing, without_label, outside_the_list, mixed):
            change(folder, rows)

    data = table(tmp_path / "d", 16, changed=all_of_them).with_suffix(".toml")
    code, errors = said("train", "classification", data, "--out", tmp_path / "b", *QUICK)
    assert code == 0
    lines = errors.splitlines()
    for sentence in (
        "3.png was left out: 3.png is none of the formats",
        "(dataset.csv, line 6); got 4.png",
        "(dataset.csv, line 7); got none",
        "label is one of a, b (dataset.csv, line 8); got 'c'",
        "some images are grey and some have colours (7.png is unlike most)",
    ):
        assert len([line for line in lines if sentence in line]) == 1, sentence
    assert (tmp_path / "b" / "card.json").is_file()
    assert "7.png is unlike most" in (tmp_path / "b-evaluation.html").read_text("utf-8")


def test_a_full_disk_ends_a_training_with_a_sentence_and_leaves_no_half_bundle(said, tmp_path):
    data, before = table(tmp_path / "d"), resource.getrlimit(resource.RLIMIT_FSIZE)
    quiet = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        code, errors = said(
            "train", "classification", data, "--out", tmp_path / "b", "--set", "options.base=8", *QUICK
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, quiet)
    assert code == 2
    (line,) = errors.splitlines()
    assert "is written whole" in line
    assert not (tmp_path / "b").exists()
    left = [path for path in tmp_path.rglob("*") if path.suffix == ".part"]
    assert left == []
