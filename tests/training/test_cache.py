"""The cache of prepared samples: once made, mapped from the disk; never a reason for a training to die."""

import multiprocessing
import pickle

import numpy as np
import pytest

from skiagraph.case import Sample
from skiagraph.errors import FormatError, InvalidInput, WriteFailed
from skiagraph.training import cache as room
from skiagraph.training.cache import Cache


def never():
    raise AssertionError("a sample was loaded that nobody asked for")


def watch(done, total, figures):
    assert 0 < done <= total


@pytest.fixture
def samples(tmp_path):
    found = []
    for n in range(5):
        file = tmp_path / f"{n}.bin"
        file.write_bytes(bytes([n] * 50))
        found.append(
            Sample(
                identifier=f"s{n}", group=f"s{n}", split="train", case=never, reference=never, files=(file,)
            )
        )
    return tuple(found)


class Prepare:
    """Counts how often it is asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, sample):
        self.asked.append(sample.identifier)
        first = sample.files[0].read_bytes()[0]
        if first == 99:
            raise FormatError(f"{sample.files[0].name} is damaged")
        picture = np.full((3, 4), first, np.float32)
        return {
            "picture": picture,
            "mask": picture > 2,
            "weight": np.array(0.5),
            "empty": np.zeros((0, 2), np.int16),
        }


@pytest.fixture
def prepare():
    return Prepare()


def cache(tmp_path, prepare, **more):
    return Cache(folder=tmp_path / "cache", recipe="r1", prepare=prepare, **more)


def test_what_was_prepared_once_is_mapped_from_the_disk_ever_after(tmp_path, samples, prepare):
    first = cache(tmp_path, prepare)
    assert first.fill(samples, watch=watch).made == 5
    again = cache(tmp_path, prepare)
    filled = again.fill(samples, watch=watch)
    assert (filled.made, filled.problems, filled.samples) == (0, (), samples)
    assert len(prepare.asked) == 5
    arrays = again.arrays(samples[3])
    assert isinstance(arrays["picture"], np.memmap)
    assert not arrays["picture"].flags.writeable
    assert {name: (a.dtype.name, a.shape) for name, a in arrays.items()} == {
        "picture": ("float32", (3, 4)),
        "mask": ("bool", (3, 4)),
        "weight": ("float64", ()),
        "empty": ("int16", (0, 2)),
    }
    np.testing.assert_array_equal(arrays["picture"], 3)
    np.testing.assert_array_equal(arrays["mask"], np.ones((3, 4), bool))


def test_another_recipe_or_a_changed_file_is_another_entry(tmp_path, samples, prepare):
    cache(tmp_path, prepare).fill(samples, watch=watch)
    other = Cache(folder=tmp_path / "cache", recipe="r2", prepare=prepare)
    assert other.fill(samples, watch=watch).made == 5
    samples[1].files[0].write_bytes(b"\x07" * 51)
    np.testing.assert_array_equal(cache(tmp_path, prepare).arrays(samples[1])["picture"], 7)
    assert cache(tmp_path, prepare).fill(samples, watch=watch).made == 0


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "header", "other"])
def test_a_damaged_entry_is_made_anew(tmp_path, samples, prepare, damage):
    cache(tmp_path, prepare).fill(samples[:1], watch=watch)
    (entry,) = (tmp_path / "cache").glob("*/*")
    data = bytearray(entry.read_bytes())
    match damage:
        case "cut":
            data = data[:-5]
        case "flipped":
            data[-60] ^= 1
        case "emptied":
            data = bytearray()
        case "header":
            data[25] ^= 255
        case "other":
            data = bytearray(b"something else" * 30)
    entry.write_bytes(data)
    again = cache(tmp_path, prepare)
    np.testing.assert_array_equal(again.arrays(samples[0])["picture"], 0)
    assert prepare.asked == ["s0", "s0"]
    assert cache(tmp_path, prepare).fill(samples[:1], watch=watch).made == 0


def test_a_bad_sample_is_named_and_left_out_and_stops_a_strict_run(tmp_path, samples, prepare):
    samples[2].files[0].write_bytes(b"\x63")
    filled = cache(tmp_path, prepare).fill(samples, watch=watch)
    assert [s.identifier for s in filled.samples] == ["s0", "s1", "s3", "s4"]
    assert filled.problems == ("s2 was left out: 2.bin is damaged.",)
    with pytest.raises(FormatError, match=r"2\.bin is damaged"):
        cache(tmp_path, prepare).fill(samples, watch=watch, strict=True)
    with pytest.raises(InvalidInput, match=r"none of 1; s2 was left out"):
        cache(tmp_path, prepare).fill(samples[2:3], watch=watch)


def test_a_full_cache_goes_on_without_keeping_and_says_so_once(tmp_path, samples, prepare):
    small = cache(tmp_path, prepare, most_bytes=2000)
    filled = small.fill(samples, watch=watch)
    assert len(filled.samples) == 5
    (said,) = filled.problems
    assert "is full" in said
    assert sum(path.stat().st_size for path in (tmp_path / "cache").glob("*/*")) <= 2000
    np.testing.assert_array_equal(small.arrays(samples[4])["picture"], 4)


def test_a_full_disk_goes_on_without_keeping_and_leaves_nothing_half_written(
    tmp_path, samples, prepare, monkeypatch
):
    def full(path, arrays):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(room, "_write", full)
    filled = cache(tmp_path, prepare).fill(samples, watch=watch)
    assert len(filled.samples) == 5
    assert any("no room" in said for said in filled.problems)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_old_entries_make_room_for_new_ones(tmp_path, samples, prepare):
    Cache(folder=tmp_path / "cache", recipe="old", prepare=prepare).fill(samples, watch=watch)
    size = sum(path.stat().st_size for path in (tmp_path / "cache").glob("*/*"))
    new = cache(tmp_path, prepare, most_bytes=size)
    assert new.fill(samples, watch=watch).made == 5
    left = len(list((tmp_path / "cache").glob("*/*")))
    assert left < 10
    assert new.fill(samples, watch=watch).samples == samples


def test_samples_without_files_are_prepared_each_time(tmp_path):
    asked = []
    sample = Sample(identifier="a", group="a", split="train", case=never, reference=never)
    one = cache(tmp_path, lambda s: asked.append(s) or {"x": np.zeros(2)})
    one.fill([sample], watch=watch)
    one.arrays(sample)
    assert len(asked) == 2
    with pytest.raises(InvalidInput, match="arrays of numbers"):
        cache(tmp_path, lambda _: {"x": np.array(["a"])}).arrays(sample)


def test_a_folder_that_may_not_be_written_is_no_reason_to_stop(tmp_path, samples, prepare, monkeypatch):
    def forbidden(path):
        raise WriteFailed(f"{path.name} could not be written")

    monkeypatch.setattr(room, "written", forbidden)
    assert len(cache(tmp_path, prepare).fill(samples, watch=watch).problems) >= 1


def _constant(sample):
    return {"x": np.full(1000, sample.files[0].read_bytes()[0], np.int32)}


def _fill(one, samples):
    one.fill(samples, watch=watch)
    return [int(one.arrays(s)["x"][7]) for s in samples]


def test_two_processes_may_fill_one_folder_at_once(tmp_path, samples):
    plain = tuple(
        Sample(
            identifier=s.identifier, group=s.group, split="train", case=never, reference=never, files=s.files
        )
        for s in samples
    )
    one = Cache(folder=tmp_path / "cache", recipe="r", prepare=_constant)
    assert pickle.loads(pickle.dumps(one)).recipe == "r"
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:
        found = pool.starmap(_fill, [(one, plain)] * 4)
    assert found == [[0, 1, 2, 3, 4]] * 4
    assert len(list((tmp_path / "cache").glob("*/*"))) == 5
