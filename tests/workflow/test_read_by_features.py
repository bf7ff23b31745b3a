"""Models of features read images as networks do: what a mask outlines, or the whole image."""

import csv
import dataclasses
import json
import re
from datetime import UTC, datetime

import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner

from skiagraph import codes
from skiagraph.case import Case
from skiagraph.cli import app
from skiagraph.codecs import nifti, picture
from skiagraph.codes import Code
from skiagraph.errors import FormatError, InvalidInput, SkiagraphError
from skiagraph.features.account import account_beside
from skiagraph.features.sets import feature_set
from skiagraph.findings import Classification, NotApplicable, Provenance, Segment, Segmentation
from skiagraph.geometry import Grid, Plane, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import GREY, LABEL
from skiagraph.interchange import SKIAGRAPH, Series, content_of
from skiagraph.interchange.object import save
from skiagraph.interchange.seg import segmentation_object
from skiagraph.io import read_case, read_dataset
from skiagraph.report import reading_from_plain
from skiagraph.report.schema import reading_schema
from skiagraph.testing import check_model
from skiagraph.workflow import Outcome, Request, opened_model, read, read_case_with
from skiagraph.workflow.feature_sheet import write_sheet
from skiagraph.workflow.features import Settings, described
from skiagraph.workflow.outlined import Wanted, outlined, with_references, work_of

pytest.importorskip("sklearn")
pytest.importorskip("torch")

SIDE = 48
NUCLEUS = Code(value="nucleus", scheme="99LOCAL", meaning="nucleus")


def quiet(done, total, figures, /):
    pass


def drawn(path, data, quantity=GREY):
    path.parent.mkdir(parents=True, exist_ok=True)
    space = Plane.upright(shape=data.shape, spacing=None, frame=derived_frame("drawn"))
    picture.write(Image(data=data.astype(np.uint8), space=space, quantity=quantity), path)


def lesion(rng, spread):
    """Grey numbers and labels of one lesion: bad ones are larger and rougher inside, but not always."""
    rows, columns = np.indices((SIDE, SIDE))
    radius = 8 + spread + 1.5 * rng.normal()
    mask = np.hypot(rows - 24, columns - 24 - rng.normal()) < radius
    rough = 6 + 1.5 * spread + 1.5 * rng.normal()
    grey = 70 + 50 * mask + np.where(mask, rough, 4) * rng.normal(size=mask.shape)
    return grey.clip(0, 255), mask


def taught_on(folder, to, sets, *, mask=True):
    """The bundle that `skiagraph features` and `skiagraph train classical` make of a folder, and its table."""
    from skiagraph.training.classical import Search, saved, table_of_csv, taught

    wanted = Wanted(paths=(folder / ("dataset.csv" if mask else "whole.csv"),))
    sheet = described(work_of(wanted), Settings(features=feature_set(sets), bins=16), quiet)
    path = to.with_suffix(".csv")
    write_sheet(sheet, path)
    table = table_of_csv(path, label="label")
    search = Search(learners=("logistic",), selection="mrmr", counts=(8,), outer=2, inner=2)
    result = taught(table, to.name, search, rng=np.random.default_rng(0), watch=quiet)
    saved(result, to)
    return table


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Lesions as a data set with masks and without, and a model of each: `lesions`, `whole`."""
    folder = tmp_path_factory.mktemp("lesions")
    rng = np.random.default_rng(3)
    rows = []
    for n in range(24):
        grey, mask = lesion(rng, n % 2)
        drawn(folder / "images" / f"{n}.png", grey)
        drawn(folder / "masks" / f"{n}.png", 255 * mask, LABEL)
        label, split = "bad" if n % 2 else "good", "test" if n < 6 else "train"
        rows.append([f"images/{n}.png", f"masks/{n}.png", label, f"p{n}", split, "0.5"])
    names = ["image", "mask", "label", "group", "split", "pixel_size_mm"]
    for name, kept in (("dataset.csv", range(6)), ("whole.csv", (0, 2, 3, 4))):
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([line[k] for k in kept] for line in [names, *rows])
    taught_on(folder, folder / "lesions", ["outline", "glcm", "wavelets", "local binary patterns"])
    taught_on(folder, folder / "whole", ["statistics", "glcm", "gabor"], mask=False)
    return folder


def asked(place, out, name="1", model="lesions", **others):
    others = {
        "mask": place / "masks" / f"{name}.png",
        "outlined": outlined,
        "pixel_size": (0.5, 0.5),
        **others,
    }
    return Request(path=place / "images" / f"{name}.png", out=out, **others)


def one(request, reader):
    (outcome,) = read(request, reader)
    assert isinstance(outcome, Outcome)
    return outcome


@pytest.mark.parametrize(("model", "mask"), [("lesions", True), ("whole", False)])
def test_reading_an_image_is_judging_its_row_of_the_table(place, tmp_path, model, mask):
    reader = opened_model(str(place / model))
    with (place / f"{model}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns, likely = reader.recipe.features.columns, set()
    for row in rows[:8]:
        numbers = {c: float(row[c]) if row[c] else float("nan") for c in columns}
        expected = reader.model.model.of_features(numbers)
        others = {} if mask else {"mask": None, "pixel_size": None}
        request = asked(place, tmp_path / row["case"], row["case"], **others)
        (found,) = one(request, reader).facts
        assert found.concept == expected.concept
        for a, b in zip(found.scores, expected.scores, strict=True):
            assert a.code == b.code
            assert a.probability == pytest.approx(b.probability, abs=1e-6)
        likely.add(round(found.scores[1].probability, 2))
    assert len(likely) > 3


def test_the_recipe_says_all_that_reading_needs(place):
    recipe = opened_model(str(place / "lesions")).recipe
    assert (recipe.features.region, recipe.features.sized) == ("outline", True)
    assert recipe.features.structure.meaning == "mask"
    assert set(recipe.features.sets) <= {"outline", "glcm", "wavelets", "local binary patterns"}
    whole = opened_model(str(place / "whole"))
    assert (whole.recipe.features.region, whole.recipe.features.sized, whole.outlined) == (
        "image",
        False,
        False,
    )
    assert not whole.card.inputs[0].needs_size
    assert opened_model(str(place / "lesions")).card.inputs[0].needs_size


def test_the_page_and_the_document_say_what_was_outlined_and_what_decided(place, tmp_path):
    reader = opened_model(str(place / "lesions"))
    outcome = one(asked(place, tmp_path / "en"), reader)
    document = json.loads((outcome.folder / "reading.json").read_text("utf-8"))
    jsonschema.validate(document, reading_schema())
    back = reading_from_plain(document)
    (given,), (reason,) = back.given, back.reasons
    np.testing.assert_array_equal(given.labels > 0, picture.read(place / "masks" / "1.png").image.data > 0)
    assert reason.described == "mask"
    added = sum(c.added for c in reason.contributions)
    assert reason.usual + added == pytest.approx(reason.answer)
    (answer,) = back.report.findings
    likeliest = max(answer.scores, key=lambda s: s.probability)
    assert reason.label == likeliest.code
    p = likeliest.probability
    assert reason.answer == pytest.approx(np.log(p / (1 - p)), abs=1e-6)
    page = (outcome.folder / "report.html").read_text("utf-8")
    assert "Which features decided" in page
    assert "Outline given with the image: mask" in page
    assert re.search(r"<td>mask \(\d+ pixels\), given with the image, not found by the model</td>", page)
    assert reason.contributions[0].name in page
    chinese = one(asked(place, tmp_path / "zh", language="zh"), reader)
    assert "起决定作用的特征" in (chinese.folder / "report.html").read_text("utf-8")
    assert not (outcome.folder / "mask.png").exists()


def test_without_a_mask_with_an_empty_one_and_without_a_size_there_is_a_reason(place, tmp_path):
    reader = opened_model(str(place / "lesions"))
    (none,) = one(asked(place, tmp_path / "none", mask=None), reader).facts
    assert (none.reason, "--mask" in none.explanation) == ("no-outline", True)
    drawn(tmp_path / "empty.png", np.zeros((SIDE, SIDE)), LABEL)
    (empty,) = one(asked(place, tmp_path / "empty", mask=tmp_path / "empty.png"), reader).facts
    assert empty.reason == "no-outline"
    (unsized,) = one(asked(place, tmp_path / "unsized", pixel_size=None), reader).facts
    assert unsized.reason == "unknown-size"


REFUSED = {
    "another size": ("lesions", {"mask": "small.png"}, FormatError, "shape"),
    "many images": ("lesions", {"path": "images"}, InvalidInput, "one mask goes with one image"),
    "a folder without it": ("lesions", {"mask": "images/.."}, InvalidInput, "no mask of this name"),
    "a whole image": ("whole", {}, InvalidInput, "leave --mask away"),
    "a network": ("fetal-head-ultrasound", {}, InvalidInput, "leave --mask away"),
}


@pytest.mark.parametrize(("model", "change", "error", "said"), REFUSED.values(), ids=REFUSED)
def test_masks_that_do_not_fit_are_refused_in_one_sentence(place, tmp_path, model, change, error, said):
    drawn(place / "small.png", np.ones((10, 10)), LABEL)
    change = {key: place / value for key, value in change.items()}
    name = model if model == "fetal-head-ultrasound" else str(place / model)
    with pytest.raises(error, match=said):
        list(read(dataclasses.replace(asked(place, tmp_path / "o"), **change), opened_model(name)))


def test_a_folder_of_images_takes_a_folder_of_masks(place, tmp_path):
    (tmp_path / "masks").mkdir()
    for n in (0, 1):
        (tmp_path / "masks" / f"{n}.png").write_bytes((place / "masks" / f"{n}.png").read_bytes())
        drawn(tmp_path / "images" / f"{n + 1}.png", lesion(np.random.default_rng(n), n)[0])
    request = asked(place, tmp_path / "o", mask=tmp_path / "masks")
    request = dataclasses.replace(request, path=tmp_path / "images")
    first, second = read(request, opened_model(str(place / "lesions")))
    assert isinstance(first.facts[0], Classification)
    assert "no mask of this name" in second


def test_a_model_of_a_plain_table_reads_numbers_only_and_says_so(place, tmp_path):
    from skiagraph.training.classical import Search, saved, table_of_csv, taught

    plain = tmp_path / "plain.csv"
    plain.write_text((place / "lesions.csv").read_text("utf-8"))
    with plain.open(newline="") as file:
        kept = [{k: v for k, v in row.items() if k not in ("split", "group")} for row in csv.DictReader(file)]
    with plain.open("w", newline="") as file:
        table = csv.DictWriter(file, kept[0])
        table.writeheader()
        table.writerows(kept)
    search = Search(learners=("logistic",), counts=(2,), outer=2, inner=2)
    table = table_of_csv(plain, label="label")
    saved(taught(table, "p", search, rng=np.random.default_rng(0), watch=quiet), tmp_path / "plain")
    with pytest.raises(InvalidInput, match=r"numbers of a table .*skiagraph features"):
        list(read(asked(place, tmp_path / "o"), opened_model(str(tmp_path / "plain"))))


def test_a_dicom_segmentation_is_a_mask(place, phantom, tmp_path):
    case = read_case(phantom.folder / "head.dcm")
    rows, columns = np.indices(case.image.space.shape)
    blob = (np.hypot(rows - 150, columns - 200) < 60).astype(np.uint8)
    found = Segmentation(space=case.image.space, labels=blob, segments=(Segment(number=1, code=codes.HEAD),))
    provenance = Provenance(sources=(), model="hand", model_version="1", created=datetime.now(UTC))
    content = content_of(provenance, "outline")
    save(
        segmentation_object(found, case, SKIAGRAPH, Series(number=3, description="Outline"), content),
        tmp_path / "mask.dcm",
    )
    reader = opened_model(str(place / "lesions"))
    request = Request(
        path=phantom.folder / "head.dcm", out=tmp_path / "o", mask=tmp_path / "mask.dcm", outlined=outlined
    )
    (answer,) = one(request, reader).facts
    (same,) = reader(dataclasses.replace(case, known={"outline": found}))
    assert isinstance(answer, Classification)
    assert answer == same


def volume_of(shape, spacing):
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = [(s - 1) / 2 for s in spacing]
    return Grid(shape=shape, affine=affine, frame=derived_frame("volume"))


def test_a_mask_on_another_lattice_is_brought_to_that_of_the_image(tmp_path):
    fine, coarse = volume_of((16, 16, 16), (1.0, 1.0, 1.0)), volume_of((8, 8, 8), (2.0, 2.0, 2.0))
    box = np.zeros((8, 8, 8), np.uint8)
    box[2:6, 2:6, 2:6] = 1
    nifti.write(Image(data=box, space=coarse, quantity=LABEL), tmp_path / "mask.nii.gz")
    image = Image(data=np.zeros((16, 16, 16), np.float32), space=fine)
    nifti.write(image, tmp_path / "image.nii.gz")
    case = outlined(read_case(tmp_path / "image.nii.gz"), tmp_path / "mask.nii.gz")
    (given,) = case.known.values()
    assert given.space == case.image.space
    assert int(given.labels.sum()) == pytest.approx(8**3, rel=0.05)


def test_objects_are_judged_one_by_one_as_they_were_learnt(place):
    reader = opened_model(str(place / "lesions"))
    features = dataclasses.replace(reader.recipe.features, region="each")
    recipe = dataclasses.replace(reader.recipe, features=features)
    model = dataclasses.replace(reader.model.model, recipe=recipe)
    case = outlined(read_case(place / "images" / "1.png", pixel_size=(0.5, 0.5)), place / "masks" / "1.png")
    labels = np.zeros((SIDE, SIDE), np.uint8)
    labels[14:24, 14:30], labels[28:40, 16:34] = 3, 7
    segments = tuple(Segment(number=n, code=NUCLEUS) for n in (3, 7))
    objects = Segmentation(space=case.image.space, labels=labels, segments=segments, kind="instances")
    case = dataclasses.replace(case, known={"outline": objects})
    answers, reasons = model.explained(case)
    assert len(answers) == 2
    assert [one.described[-1] for one in reasons] == ["3", "7"]
    together = dataclasses.replace(model, recipe=reader.recipe)
    assert len(together.findings(case)) == 1


def test_of_several_structures_the_described_one_is_taken_or_missed_by_name(place):
    reader = opened_model(str(place / "lesions"))
    case = read_case(place / "images" / "1.png", pixel_size=(0.5, 0.5))
    labels = np.zeros((SIDE, SIDE), np.uint8)
    labels[10:30, 10:30], labels[32:44, 5:44] = 1, 2
    own = reader.recipe.features.structure

    def both(first, second):
        pair = (Segment(number=1, code=first), Segment(number=2, code=second))
        outline = Segmentation(space=case.image.space, labels=labels, segments=pair)
        return dataclasses.replace(case, known={"outline": outline})

    alone = Segmentation(
        space=case.image.space, labels=labels * (labels == 1), segments=(Segment(number=1, code=own),)
    )
    expected = reader(dataclasses.replace(case, known={"outline": alone}))
    assert reader(both(own, codes.HEAD)) == expected
    with pytest.raises(InvalidInput, match="the model describes mask"):
        reader(both(codes.HEAD, NUCLEUS))


def test_a_bundle_of_features_keeps_the_contract_of_models(place):
    reader = opened_model(str(place / "lesions"))
    case = outlined(read_case(place / "images" / "2.png", pixel_size=(0.5, 0.5)), place / "masks" / "2.png")
    check_model(reader.model, case)
    reading = read_case_with(reader, case)
    assert len(reading.given) == len(reading.reasons) == 1


def test_cases_of_a_data_set_bring_the_outlines_of_their_references(place):
    dataset = read_dataset(place / "dataset.csv")
    assert not any(isinstance(f, Segmentation) for f in dataset.samples[0].case().known.values())
    case = with_references(dataset).samples[0].case()
    reader = opened_model(str(place / "lesions"))
    assert isinstance(case, Case)
    assert isinstance(reader(case)[0], Classification)
    assert isinstance(reader(dataset.samples[0].case())[0], NotApplicable)


def run(*arguments):
    done = CliRunner().invoke(app, [str(one) for one in arguments])
    if done.exception is not None and isinstance(done.exception, SkiagraphError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_shell_judges_a_model_of_features_beside_what_any_model_must_beat(place):
    told = run("evaluate", place / "dataset.csv", "--model", place / "lesions", "--json")
    (question,) = told["questions"]
    assert set(question["baselines"]) == {"constant", "simple"}
    assert told["figures"]["accuracy"]["n"] == 6
    assert told["figures"]["accuracy"]["value"] >= 4 / 6


def test_the_shell_reads_with_a_mask_and_refuses_one_for_a_network(place, tmp_path):
    image, mask = place / "images" / "1.png", place / "masks" / "1.png"
    common = ("read", image, "--mask", mask, "--pixel-size", 0.5, "--out", tmp_path / "o", "--json")
    (reading,) = run(*common, "--model", place / "lesions")["readings"]
    assert reading["classifications"][0]["concept"]["meaning"] == "label"
    with pytest.raises(InvalidInput, match="leave --mask away"):
        run(*common)


def test_a_model_that_answers_each_object_is_judged_on_cases_of_one(place):
    dataset = read_dataset(place / "dataset.csv")
    assert with_references(dataset, each=True).samples[0].case().known
    true = dataset.samples[0].reference()
    twice = dataclasses.replace(dataset.samples[0], reference=lambda: 2 * true)
    several = with_references(dataclasses.replace(dataset, samples=(twice,)), each=True)
    with pytest.raises(InvalidInput, match="each object"):
        several.samples[0].case()


ACCOUNTS = {
    "of an older release": ({"version": 1}, "older release"),
    "with an embedding": ({"embedding": {"name": "net"}}, "embedding of net"),
    "of several images": ({"image": "t2"}, "several images"),
    "of pictures and volumes": ({"axes": 3}, "pictures and volumes"),
    "of known and unknown size": ({"sized": False}, "size of a pixel"),
    "of outlines and whole images": ({"code": None}, "whole images"),
}


@pytest.mark.parametrize(("change", "said"), ACCOUNTS.values(), ids=ACCOUNTS)
def test_tables_that_cannot_be_made_again_of_an_image_say_why(place, tmp_path, change, said):
    told = json.loads((place / "lesions.json").read_text("utf-8"))
    if "version" in change:
        told = {"format": told["format"], "version": 1, "columns": told["columns"]}
    elif "embedding" in change:
        told |= change
    else:
        told["rows"][0] |= change
    (tmp_path / "t.json").write_text(json.dumps(told))
    account = account_beside(tmp_path / "t.csv")
    assert said in account.problem
    assert (dict(account.sets), account.columns) == ({}, tuple(told["columns"]))


@pytest.mark.parametrize("change", [{"version": 99}, {"rows": [{}]}, {"answers": []}])
def test_accounts_that_are_damaged_or_of_later_releases_are_refused(place, tmp_path, change):
    told = json.loads((place / "lesions.json").read_text("utf-8")) | change
    (tmp_path / "t.json").write_text(json.dumps(told))
    with pytest.raises(FormatError, match=r"update skiagraph|describe the images again"):
        account_beside(tmp_path / "t.csv")
