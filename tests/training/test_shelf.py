"""Samples that are kept on the disk are those that would be in memory, and learn the same network, bit by bit."""

import dataclasses

import numpy as np
import pytest
import torch

from skiagraph.errors import SkiagraphError
from skiagraph.image import Image
from skiagraph.io import read_dataset, write_image
from skiagraph.training import planned, prepared, teach
from skiagraph.training.samples import batches
from skiagraph.training.shelf import Shelf, has_own_files, shelved


def silent(*_):
    pass


@pytest.fixture
def dataset(tmp_path):
    """Six volumes of 12 x 14 x 16 voxels with a bright box, in files of their own."""
    from skiagraph.geometry import Grid, derived_frame

    rng, lines = np.random.default_rng(3), ["image,label,split"]
    for n in range(6):
        data = rng.normal(0, 10, (12, 14, 16)).astype(np.float32)
        mask = np.zeros(data.shape, np.uint8)
        mask[3:8, 4 : 8 + n % 3, 5:11] = 1
        affine = np.diag([1.5, 1.0, 1.0, 1.0])[[2, 1, 0, 3]]
        space = Grid(shape=data.shape, affine=affine, frame=derived_frame(f"box {n}"))
        write_image(Image(data=data + 100 * mask, space=space), tmp_path / f"{n}.nii.gz")
        write_image(Image(data=mask, space=space), tmp_path / f"{n}-mask.nii.gz")
        lines.append(f"{n}.nii.gz,{n}-mask.nii.gz,train")
    (tmp_path / "dataset.csv").write_text("\n".join(lines), "utf-8")
    return read_dataset(tmp_path / "dataset.csv")


@pytest.fixture
def plan(dataset, machine):
    whole = planned(dataset, "segmentation", machine)
    level = {"width": 4, "blocks": 1, "stride": [1, 1, 1], "kernel": [3, 3, 3]}
    levels = [level, {**level, "stride": [2, 2, 2]}]
    recipe = dataclasses.replace(whole.recipe, shape=(8, 8, 8))
    options = {"levels": levels, "supervision": False}
    return dataclasses.replace(whole, recipe=recipe, options=options, epochs=1, precision="32-true")


def test_what_is_mapped_from_the_disk_is_what_would_be_in_memory(dataset, plan, tmp_path):
    folder = tmp_path / "cache"
    shelf, problems = shelved(dataset, plan.recipe, folder, strict=False, held=0)
    assert isinstance(shelf, Shelf)
    assert not problems
    in_memory = prepared(dataset, plan.recipe)
    read, _ = shelved(dataset, plan.recipe, folder, strict=False)
    for one, two, three in zip(in_memory, shelf, read, strict=True):
        assert isinstance(two.picture, np.memmap)
        assert not isinstance(three.picture, np.memmap)
        for name in ("picture", "target", "places", "stratum", "weight"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
            np.testing.assert_array_equal(getattr(one, name), getattr(three, name))
    assert len(shelf[1:3]) == 2
    drawn = [list(batches(s, plan, np.random.default_rng(0))) for s in (in_memory, shelf)]
    for (x, y), (same_x, same_y) in zip(*drawn, strict=True):
        np.testing.assert_array_equal(x, same_x)
        np.testing.assert_array_equal(y, same_y)


def test_a_second_training_prepares_nothing_and_learns_the_same(dataset, plan, tmp_path, monkeypatch):
    from skiagraph.training import shelf

    def weights(cache):
        taught = teach(dataset, plan, rng=np.random.default_rng(0), watch=silent, cache=cache)
        return taught.network.state_dict()

    without, first = weights(None), weights(tmp_path / "cache")

    def never(*_):
        raise AssertionError("a sample was prepared again")

    monkeypatch.setattr(shelf, "arrays_of", never)
    again = weights(tmp_path / "cache")
    for name, tensor in without.items():
        assert torch.equal(tensor, first[name])
        assert torch.equal(tensor, again[name])


def test_what_the_table_says_of_a_sample_is_part_of_its_entry(dataset, plan, tmp_path):
    folder = tmp_path / "cache"
    shelved(dataset, plan.recipe, folder, strict=False)
    before = set(folder.glob("*/*"))
    told = [dataclasses.replace(s, told=s.told.replace("binary", "whole")) for s in dataset]
    assert all(a.told != b.told for a, b in zip(told, dataset, strict=True))
    shelved(dataclasses.replace(dataset, samples=tuple(told)), plan.recipe, folder, strict=False)
    assert len(set(folder.glob("*/*"))) == 2 * len(before) == 12
    other = dataclasses.replace(plan.recipe, shape=(4, 8, 8), mirror=(0,))
    shelved(dataset, other, folder, strict=False)  # neither the window nor mirroring changes what is prepared
    assert len(set(folder.glob("*/*"))) == 12


def test_a_file_that_cannot_be_read_is_named_or_stops(dataset, plan, tmp_path):
    dataset.samples[2].files[0].write_bytes(b"no image")
    found, problems = shelved(dataset, plan.recipe, tmp_path / "cache", strict=False)
    assert len(found) == 5
    assert problems[0].startswith("2.nii.gz was left out")
    with pytest.raises(SkiagraphError):
        shelved(dataset, plan.recipe, tmp_path / "cache", strict=True)


def test_samples_of_one_large_file_are_not_kept_apart(dataset):
    assert has_own_files(dataset)
    shared = [dataclasses.replace(s, files=dataset.samples[0].files) for s in dataset]
    assert not has_own_files(dataclasses.replace(dataset, samples=tuple(shared)))
    bare = [dataclasses.replace(s, files=()) for s in dataset]
    assert not has_own_files(dataclasses.replace(dataset, samples=tuple(bare)))
