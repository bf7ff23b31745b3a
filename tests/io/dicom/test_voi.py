"""Windows and VOI LUTs as the file asks for them: every preset with its name, and the grey levels of pydicom."""

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels.processing import apply_voi, apply_windowing
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from skiagraph.errors import InvalidInput
from skiagraph.image import DisplayTable, Window, to_display
from skiagraph.io.dicom.meaning import meant
from skiagraph.io.dicom.voi import scaled, windows


def header(**elements):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    plain = {"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "Modality": "OT"}
    bits = {"BitsAllocated": 16, "BitsStored": 12, "PixelRepresentation": 0}
    for keyword, value in {**plain, **bits, **elements}.items():
        setattr(ds, keyword, value)
    return ds


def table(entries, *, first=0, bits=12, name="", vr="OW"):
    ds = Dataset()
    ds.LUTDescriptor, ds.LUTExplanation = [len(entries), first, bits], name
    ds.add_new(
        "LUTData", vr, np.asarray(entries, "<u2").tobytes() if vr == "OW" else [int(v) for v in entries]
    )
    return ds


WINDOWS = [
    # function, center, width, the values that become black and white
    (None, 40, 400, (-160, 239)),
    ("LINEAR", 2048, 4096, (0, 4095)),
    ("LINEAR_EXACT", 40, 400, (-160, 240)),
    ("SIGMOID", 40, 400, (-160, 240)),
    ("LINEAR", 40, 0.5, None),
    ("LINEAR_EXACT", 40, 0, None),
    ("SQUARE", 40, 400, None),
]


@pytest.mark.parametrize(("function", "center", "width", "ends"), WINDOWS)
def test_a_window_has_the_ends_that_its_function_gives(function, center, width, ends):
    more = {} if function is None else {"VOILUTFunction": function}
    found = windows(header(WindowCenter=center, WindowWidth=width, **more))
    assert [(w.low, w.high) for w in found] == ([] if ends is None else [ends])


def test_every_preset_is_kept_with_its_name():
    ds = header(
        WindowCenter=[40, -600], WindowWidth=[400, 1500], WindowCenterWidthExplanation=["SOFT", "LUNG"]
    )
    assert windows(ds) == (Window(low=-160, high=239, name="SOFT"), Window(low=-1350, high=149, name="LUNG"))


def test_the_window_of_a_frame_stands_before_that_of_its_object():
    groups = Dataset()
    frame = Dataset()
    frame.WindowCenter, frame.WindowWidth = 50, 100
    groups.FrameVOILUTSequence = Sequence([frame])
    assert windows(header(WindowCenter=40, WindowWidth=400), groups) == (Window(low=0, high=99),)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(("center", "width"), [(2000, 800), (100, 50), (1000.5, 1), (2048, 4096)])
def test_grey_levels_are_those_of_pydicom(function, kind, center, width, rng):
    ds = header(
        WindowCenter=center, WindowWidth=width, VOILUTFunction=function, PhotometricInterpretation=kind
    )
    stored = np.concatenate([rng.integers(0, 4096, 500), [0, 4095, center, center + 1]]).astype(np.uint16)
    with np.errstate(over="ignore"):  # far below a narrow sigmoid
        level = apply_windowing(stored, ds) / 4095
    expected = np.rint((1 - level if kind == "MONOCHROME1" else level) * 255)
    shown = to_display(meant(stored, ds).values, windows(ds)[0])
    assert np.abs(shown.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("vr", ["OW", "US"])
def test_a_table_gives_the_grey_levels_of_pydicom(kind, vr, rng):
    entries = np.sort(rng.integers(0, 4096, 256))
    ds = header(
        PhotometricInterpretation=kind,
        VOILUTSequence=Sequence([table(entries, first=100, name="BONE", vr=vr)]),
    )
    stored = rng.integers(0, 600, 400).astype(np.uint16)
    level = apply_voi(stored, ds) / 4095
    (found,) = windows(ds)
    expected = np.rint((1 - level if kind == "MONOCHROME1" else level) * 255)
    assert (found.name, len(found.levels)) == ("BONE", 256)
    assert np.abs(to_display(meant(stored, ds).values, found).astype(int) - expected).max() <= 1


def test_tables_stand_before_windows():
    ds = header(WindowCenter=40, WindowWidth=400, VOILUTSequence=Sequence([table([0, 4095])]))
    assert [type(found) for found in windows(ds)] == [DisplayTable, Window]


def test_a_table_that_is_not_whole_is_no_preset():
    broken = table([0, 1, 2])
    broken.LUTDescriptor = [4, 0, 12]
    assert windows(header(VOILUTSequence=Sequence([broken]))) == ()


def test_a_window_of_one_value_parts_black_from_white():
    shown = to_display(np.array([39.0, 39.5, 40.0]), windows(header(WindowCenter=40, WindowWidth=1))[0])
    assert shown.tolist() == [0, 0, 255]


@pytest.mark.parametrize("levels", [[], [0.0, 1.5], [[0.0], [1.0]]])
def test_a_display_table_is_a_row_from_black_to_white(levels):
    with pytest.raises(InvalidInput):
        DisplayTable(first=0, levels=np.array(levels, dtype=float))


def test_what_is_not_finite_is_black():
    values = np.array([np.nan, np.inf, 0.0, 10.0])
    assert to_display(values, Window(low=-10, high=0)).tolist() == [0, 0, 255, 255]
    assert to_display(values, DisplayTable(first=0, levels=np.array([1.0, 0.5]))).tolist() == [0, 0, 255, 128]


def mapping(slope, intercept):
    item, unit = Dataset(), Dataset()
    unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "um2/s", "UCUM", "um2/s"
    item.RealWorldValueSlope, item.RealWorldValueIntercept = slope, intercept
    item.add_new("RealWorldValueFirstValueMapped", "US", 0)
    item.add_new("RealWorldValueLastValueMapped", "US", 4095)
    item.MeasurementUnitsCodeSequence = Sequence([unit])
    return Sequence([item])


def test_windows_follow_values_to_the_real_world():
    # stored 100 and 200 are 250 and 450 after the rescale, and 60 and 110 um2/s
    rescale = {"RescaleSlope": 2, "RescaleIntercept": 50, "VOILUTFunction": "LINEAR_EXACT"}
    ds = header(
        Modality="MR",
        WindowCenter=350,
        WindowWidth=200,
        RealWorldValueMappingSequence=mapping(0.5, 10),
        **rescale,
    )
    (found,) = windows(ds)
    assert (found.low, found.high) == pytest.approx((60, 110))
    assert meant(np.array([100, 200], np.uint16), ds).values.tolist() == [60, 110]


@pytest.mark.parametrize(
    "stated",
    [
        {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"},
        {"PhotometricInterpretation": "PALETTE COLOR"},
        {"Modality": "MR", "RealWorldValueMappingSequence": mapping(-1.0, 0)},
    ],
)
def test_colours_and_falling_values_have_no_windows(stated):
    assert windows(header(WindowCenter=350, WindowWidth=200, **stated)) == ()


def test_windows_are_scaled_with_the_values_and_tables_are_dropped():
    ds = header(WindowCenter=100, WindowWidth=201, VOILUTSequence=Sequence([table([0, 4095])]))
    assert scaled(windows(ds), 0.5) == (Window(low=-0.25, high=99.75),)
