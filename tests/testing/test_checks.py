"""The checks of the contract: what keeps it passes, and each way to break it is told apart."""

import dataclasses
import itertools
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from skiagraph import codes
from skiagraph.case import Case, Dataset, Sample, Study
from skiagraph.errors import ContractError, FormatError, MissingInput
from skiagraph.findings import (
    DisplacementField,
    Measurement,
    NotApplicable,
    Segment,
    Segmentation,
    Text,
    Transform,
)
from skiagraph.geometry import Grid, Plane, derived_frame
from skiagraph.image import Image, pixels
from skiagraph.io import read_study
from skiagraph.task import Card, InputSpec, OutputSpec
from skiagraph.testing import check_metric, check_model, check_reader, check_trainer

CARD = Card(
    name="bright",
    version="1.0.0",
    task="segmentation",
    summary="Outlines what is bright.",
    inputs=(InputSpec(name="image", modality="OT", ndim=3),),
    outputs=(
        OutputSpec(finding="Segmentation", concept=codes.HEAD),
        OutputSpec(finding="Text", concept=codes.HEAD),
    ),
    intended_use="Tests.",
    limits=("It is a toy.",),
    licence="CC0-1.0",
)
GRID = Grid(shape=(3, 4, 5), affine=np.diag([3.0, 1, 1, 1]), frame=derived_frame("here"))
CASE = Case(identifier="toy", images={"image": Image(data=np.arange(60.0).reshape(3, 4, 5), space=GRID)})


def bright(case, space=None):
    mask = (pixels(case.image) > 20).astype(np.uint8)
    segments = (Segment(number=1, code=codes.HEAD),)
    return Segmentation(space=space or case.image.space, labels=mask, segments=segments)


@dataclass
class Toy:
    """A model of a function."""

    answer: object
    card: Card = CARD

    def __call__(self, case, /):
        return self.answer(case)


def test_a_model_that_keeps_the_contract_passes():
    check_model(Toy(bright), CASE)
    check_model(Toy(lambda case: NotApplicable(reason="wrong-content", explanation="Too dark.")), CASE)


def changes_the_case(case):
    image = dataclasses.replace(case.image, data=pixels(case.image) + 1)
    object.__setattr__(case, "images", {"image": image})
    return bright(case)


count = iter(range(1000))
ELSEWHERE = derived_frame("elsewhere")

BROKEN_MODELS = [
    ("no finding", Toy(lambda case: "bright"), "a finding of the closed union; got str"),
    ("several findings", Toy(lambda case: (bright(case),)), "got tuple"),
    ("chance", Toy(lambda case: Text(text=f"answer {next(count)}")), "says the same of the same case"),
    ("a changed case", Toy(changes_the_case), "never changes the case"),
    (
        "another kind",
        Toy(lambda case: Measurement(concept=codes.HEAD, value=1.0, unit=codes.MM)),
        "what its card states: ['Segmentation', 'Text']; got Measurement",
    ),
    (
        "another frame",
        Toy(lambda case: bright(case, dataclasses.replace(GRID, frame=ELSEWHERE))),
        "the frame of an image of the case",
    ),
    (
        "a field to nowhere",
        Toy(
            lambda case: DisplacementField(space=GRID, vectors=np.zeros((3, 4, 5, 3)), target=ELSEWHERE),
            dataclasses.replace(CARD, outputs=(OutputSpec(finding="DisplacementField", concept=codes.HEAD),)),
        ),
        "the frame of an image of the case",
    ),
    (
        "a transform to nowhere",
        Toy(
            lambda case: Transform(matrix=np.eye(4), source=GRID.frame, target=ELSEWHERE),
            dataclasses.replace(CARD, outputs=(OutputSpec(finding="Transform", concept=codes.HEAD),)),
        ),
        "the frame of an image of the case",
    ),
    ("no card", Toy(bright, "card"), "carries a Card; got str"),
    *(
        (
            f"no {part}",
            Toy(bright, dataclasses.replace(CARD, **{part: type(getattr(CARD, part))()})),
            "states its",
        )
        for part in ("task", "summary", "intended_use", "limits", "licence")
    ),
    (
        "another image",
        Toy(bright, dataclasses.replace(CARD, inputs=(InputSpec(name="t1", modality="MR", ndim=3),))),
        "has an image 't1'",
    ),
    (
        "a flat image",
        Toy(bright, dataclasses.replace(CARD, inputs=(InputSpec(name="image", modality="US", ndim=2),))),
        "2 spatial axes",
    ),
]


@pytest.mark.parametrize(
    ("model", "sentence"), [row[1:] for row in BROKEN_MODELS], ids=[r[0] for r in BROKEN_MODELS]
)
def test_a_model_that_breaks_the_contract_is_told_how(model, sentence):
    case = Case(identifier=CASE.identifier, images=CASE.images)
    with pytest.raises(ContractError) as error:
        check_model(model, case)
    assert sentence in str(error.value)


# Metrics --------------------------------------------------------------------------------------------------------

PAIRS = [
    (
        Measurement(concept=codes.HEAD, value=v, unit=codes.MM),
        Measurement(concept=codes.HEAD, value=0.0, unit=codes.MM),
    )
    for v in (1.0, -2.0, 4.0, 3.0)
]


def metric(tally=None, merge=None, summary=None):
    return SimpleNamespace(
        tally=tally or (lambda p, r: [p.value - r.value]),
        merge=merge or (lambda a, b: [*a, *b]),
        summary=summary or (lambda total: {"mean": float(np.mean(total)), "worst": max(map(abs, total))}),
    )


def test_a_metric_that_keeps_the_contract_passes():
    check_metric(metric(), PAIRS)


BROKEN_METRICS = [
    ("the first wins", metric(merge=lambda a, b: a), "commutative"),
    ("halves", metric(merge=lambda a, b: [(a[0] + b[0]) / 2]), "associative"),
    ("merged in place", metric(merge=lambda a, b: a.extend(b) or a), "merging"),
    ("a name that depends", metric(summary=lambda t: {f"of {len(t)}": 1.0}), "the same names"),
    ("never known", metric(summary=lambda t: {"x": float("nan")}), "finite"),
    ("no figure", metric(summary=lambda t: {}), "names to numbers"),
    ("words", metric(summary=lambda t: {"x": "good"}), "names to numbers"),
    ("chance", metric(tally=lambda p, r: [float(next(count))]), "the same pair"),
]


@pytest.mark.parametrize(
    ("broken", "sentence"), [r[1:] for r in BROKEN_METRICS], ids=[r[0] for r in BROKEN_METRICS]
)
def test_a_metric_that_breaks_the_contract_is_told_how(broken, sentence):
    with pytest.raises(ContractError) as error:
        check_metric(broken, PAIRS)
    assert sentence in str(error.value)


def test_two_pairs_tell_too_little_of_a_metric():
    with pytest.raises(ContractError, match="at least three pairs"):
        check_metric(metric(), PAIRS[:2])


# Readers --------------------------------------------------------------------------------------------------------


def read_numbers(path):
    """Reads text files of numbers between 0 and 255."""
    if not path.exists():
        raise MissingInput("a file exists", got=path.name)
    try:
        array = np.array(
            [[int(n) for n in line.split()] for line in path.read_text("utf-8").splitlines()], np.uint8
        )
    except ValueError as error:
        raise FormatError("a file of numbers holds numbers", got="something else") from error
    if not array.size:
        raise FormatError("a file of numbers holds numbers", got="nothing")
    plane = Plane.upright(shape=array.shape, spacing=None, frame=derived_frame(path.name))
    return Study(
        identifier=path.stem,
        cases=(Case(identifier=path.stem, images={"image": Image(data=array, space=plane)}),),
    )


def careless(path):
    return read_numbers(path) if path.exists() and path.stat().st_size else Study(identifier="x", cases=())


def crashing(path):
    int(path.read_text("utf-8").split()[0])
    return read_numbers(path)


def forgetful(path):
    (case,) = read_numbers(path).cases
    plane = dataclasses.replace(case.image.space, frame=derived_frame(str(next(count))))
    image = dataclasses.replace(case.image, space=plane)
    return Study(identifier="x", cases=(Case(identifier="x", images={"image": image}),))


BROKEN_READERS = [
    ("nothing", lambda path: None, "a study with at least one case; got NoneType"),
    ("no case", lambda path: Study(identifier="x", cases=()), "at least one case"),
    ("careless", careless, "refuses missing.txt with a MissingInput"),
    ("crashing", crashing, "refuses missing.txt with a MissingInput; got FileNotFoundError"),
    ("forgetful", forgetful, "the same study each time"),
]


@pytest.fixture
def numbers(tmp_path):
    file = tmp_path / "numbers.txt"
    file.write_text("1 2 3\n4 5 6\n", "utf-8")
    return file


def test_a_reader_that_keeps_the_contract_passes(numbers):
    check_reader(read_numbers, numbers)


@pytest.mark.parametrize(
    ("reader", "sentence"), [r[1:] for r in BROKEN_READERS], ids=[r[0] for r in BROKEN_READERS]
)
def test_a_reader_that_breaks_the_contract_is_told_how(reader, sentence, numbers):
    with pytest.raises(ContractError) as error:
        check_reader(reader, numbers)
    assert sentence in str(error.value)


@pytest.mark.parametrize("suffix", [".png", ".nii", ".nii.gz", ".mha", ".nrrd", ".tif"])
def test_our_reader_keeps_the_contract(suffix, tmp_path):
    from skiagraph.io import write_image

    flat = suffix in {".png", ".tif"}
    space = Plane.upright(shape=(6, 8), spacing=(0.5, 0.5), frame=derived_frame("p")) if flat else GRID
    array = (np.arange(np.prod(space.shape)) % 250).astype(np.uint8).reshape(space.shape)
    file = tmp_path / f"image{suffix}"
    write_image(Image(data=array, space=space), file)
    check_reader(read_study, file)


# Trainers -------------------------------------------------------------------------------------------------------


class ThresholdTrainer:
    """Learns a threshold between the mean and the maximum, with a little chance."""

    def __init__(self, *, honest=True, told=((1, 2), (2, 2))):
        self.honest, self.told = honest, told
        self.own = itertools.cycle((-1e6, 1e6))  # of the one that is not honest: all is bright, or nothing

    def fit(self, dataset, plan, *, rng, watch):
        for done, total in self.told:
            watch(done, total, {"loss": 1.0})
        threshold = plan + (rng.normal() * 20 if self.honest else next(self.own))

        def answer(case):
            return dataclasses.replace(bright(case), labels=(pixels(case.image) > threshold).astype(np.uint8))

        return Toy(answer)


SAMPLE = Sample(
    identifier="a", group="1", split="train", case=lambda: CASE, reference=lambda: (bright(CASE),)
)
DATASET = Dataset(name="toys", samples=(SAMPLE,))


def test_a_trainer_that_keeps_the_contract_passes():
    check_trainer(ThresholdTrainer(), DATASET, 30.0)


@pytest.mark.parametrize(
    ("trainer", "sentence"),
    [
        (ThresholdTrainer(honest=False), "the same from the same generator"),
        (ThresholdTrainer(told=()), "tells its steps"),
        (ThresholdTrainer(told=((2, 2), (1, 2))), "tells its steps"),
        (ThresholdTrainer(told=((1, 2), (3, 2))), "tells its steps"),
    ],
    ids=["chance of its own", "silent", "backwards", "beyond the end"],
)
def test_a_trainer_that_breaks_the_contract_is_told_how(trainer, sentence):
    with pytest.raises(ContractError, match=sentence):
        check_trainer(trainer, DATASET, 30.0)
