"""Stored values to meant ones: rescale, tables, real world values, greys turned round, padding; and against pydicom."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels.processing import apply_modality_lut
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from skiagraph.errors import FormatError
from skiagraph.image.quantity import ACTIVITY, COLOUR, DOSE, GREY, HU, OPTICAL_DENSITY, SIGNAL, UNKNOWN
from skiagraph.io.dicom.meaning import linear, meant
from skiagraph.io.dicom.quantities import PET, RESCALED, SUV_TYPES, quantity_of


def item(**elements):
    ds = Dataset()
    for keyword, value in elements.items():
        setattr(
            ds,
            keyword,
            Sequence(value) if isinstance(value, list) and value and isinstance(value[0], Dataset) else value,
        )
    return ds


def header(**elements):
    plain = {"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "Modality": "OT"}
    whole = {"BitsAllocated": 16, "BitsStored": 16, "PixelRepresentation": 0}
    return item(**{**plain, **whole, **elements})


STORED = np.array([[0, 1, 2], [100, 1000, 4095]], np.uint16)

RESCALES = [
    # what the file states, what 0, 1, 2, 100, 1000, 4095 mean, their type
    ({}, [0, 1, 2, 100, 1000, 4095], "uint16"),
    ({"RescaleSlope": 1, "RescaleIntercept": 0}, [0, 1, 2, 100, 1000, 4095], "uint16"),
    ({"RescaleSlope": 1, "RescaleIntercept": -1024}, [-1024, -1023, -1022, -924, -24, 3071], "int16"),
    ({"RescaleSlope": 0.5, "RescaleIntercept": 1}, [1, 1.5, 2, 51, 501, 2048.5], "float32"),
    ({"RescaleSlope": 100, "RescaleIntercept": 0}, [0, 100, 200, 10000, 100000, 409500], "int32"),
    ({"RescaleSlope": 0, "RescaleIntercept": 5}, [0, 1, 2, 100, 1000, 4095], "uint16"),
    ({"RescaleSlope": 2}, [0, 1, 2, 100, 1000, 4095], "uint16"),
    ({"DoseGridScaling": 0.001, "DoseUnits": "GY"}, [0, 0.001, 0.002, 0.1, 1, 4.095], "float32"),
    ({"RescaleSlope": 1, "RescaleIntercept": 0, "RescaleType": "OD"}, [0, 1, 2, 100, 1000, 4095], "uint16"),
]


@pytest.mark.parametrize(("stated", "expected", "dtype"), RESCALES)
def test_values_are_rescaled_as_their_header_says(stated, expected, dtype):
    found = meant(STORED, header(**stated))
    assert found.values.dtype == dtype
    np.testing.assert_allclose(found.values.ravel(), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("stated", "said"),
    [({"RescaleSlope": 0, "RescaleIntercept": 5}, "zero"), ({"RescaleSlope": 2}, "missing")],
)
def test_a_rescale_that_cannot_be_is_left_aside_and_said(stated, said):
    assert said in meant(STORED, header(**stated)).problems[0]


@given(
    st.integers(0, 1), st.sampled_from([1.0, 2.5, -3.0]), st.sampled_from([0.0, -1024.0, 0.25]), st.booleans()
)
def test_one_linear_rule_says_what_meant_does(signed, slope, intercept, dark):
    kind = "MONOCHROME1" if dark else "MONOCHROME2"
    ds = header(
        RescaleSlope=slope,
        RescaleIntercept=intercept,
        PixelRepresentation=signed,
        BitsStored=12,
        PhotometricInterpretation=kind,
    )
    stored = (STORED.astype(np.int16) - 2048) if signed else STORED
    rule = linear(ds)
    np.testing.assert_allclose(
        meant(stored, ds).values, rule.slope * stored + rule.intercept, rtol=1e-5, atol=1e-3
    )


def test_the_rescale_of_a_frame_stands_before_that_of_its_object():
    groups = item(
        PixelValueTransformationSequence=[item(RescaleSlope=2, RescaleIntercept=-10, RescaleType="HU")]
    )
    found = meant(STORED, header(Modality="CT", RescaleSlope=1, RescaleIntercept=0), groups)
    assert (found.values[1, 0], found.quantity) == (190, HU)


DARK = [
    # what the file states, stored, meant
    ({"BitsAllocated": 8, "BitsStored": 8}, np.array([0, 10, 255], np.uint8), [255, 245, 0]),
    ({"BitsStored": 12}, np.array([0, 10, 4095], np.uint16), [4095, 4085, 0]),
    ({"PixelRepresentation": 1, "BitsStored": 12}, np.array([-2048, 0, 2047], np.int16), [2047, -1, -2048]),
    (
        {"BitsStored": 10, "RescaleSlope": 2, "RescaleIntercept": 5},
        np.array([0, 1, 1023], np.uint16),
        [2051, 2049, 5],
    ),
    # a quantity with a unit keeps its sign
    (
        {"Modality": "PT", "Units": "BQML", "RescaleSlope": 2, "RescaleIntercept": 0},
        np.array([0, 1], np.uint16),
        [0, 2],
    ),
]


@pytest.mark.parametrize(("stated", "stored", "expected"), DARK)
def test_greys_that_are_dark_where_high_are_turned_round(stated, stored, expected):
    found = meant(stored, header(PhotometricInterpretation="MONOCHROME1", **stated)).values
    np.testing.assert_array_equal(found, expected)


def test_optical_density_of_a_film_is_turned_into_a_grey_level():
    film = {"BitsStored": 12, "RescaleSlope": 2, "RescaleIntercept": 0, "RescaleType": "OD"}
    found = meant(STORED, header(PhotometricInterpretation="MONOCHROME1", Modality="CR", **film))
    assert (found.quantity, found.values[0, 0], found.values[1, 2]) == (GREY, 8190, 0)
    assert meant(STORED, header(Modality="CR", **film)).quantity == OPTICAL_DENSITY


def table(first, bits, entries, **more):
    ds = item(
        LUTDescriptor=[len(entries), first, bits], ModalityLUTType="US", LUTExplanation=more.pop("name", "")
    )
    ds.add_new("LUTData", "OW", np.asarray(entries, "<u2").tobytes())
    return ds


def test_a_modality_lut_is_looked_up_and_ends_hold_beyond_it():
    ds = header(ModalityLUTSequence=[table(10, 16, [7, 8, 9])])
    found = meant(np.array([0, 9, 10, 11, 12, 13, 500], np.uint16), ds)
    np.testing.assert_array_equal(found.values, [7, 7, 7, 8, 9, 9, 9])
    assert linear(ds) is None


@pytest.mark.parametrize("first", [0, 3, -5])
def test_a_modality_lut_does_what_pydicom_does(first, rng):
    entries = rng.integers(0, 4096, 64)
    ds = header(ModalityLUTSequence=[table(first % 65536, 12, entries)], PixelRepresentation=int(first < 0))
    stored = rng.integers(-20, 80, 200).astype(np.int16)
    ours = meant(stored, ds).values
    ds.ModalityLUTSequence[0].LUTDescriptor = [64, first, 16]
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    np.testing.assert_array_equal(ours, apply_modality_lut(stored, ds))


def unit(value, scheme="UCUM"):
    return item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=value)


def mapping(slope=0.5, intercept=0.0, value="um2/s", first=0, last=4095, **more):
    ds = item(
        RealWorldValueSlope=slope,
        RealWorldValueIntercept=intercept,
        MeasurementUnitsCodeSequence=[unit(value)],
        **more,
    )
    ds.add_new("RealWorldValueFirstValueMapped", "US", first)
    ds.add_new("RealWorldValueLastValueMapped", "US", last)
    return ds


def test_real_world_values_stand_where_nothing_else_states_a_unit():
    adc = header(Modality="MR", ImageType=["DERIVED", "PRIMARY", "ADC"], RescaleSlope=3, RescaleIntercept=1)
    found = meant(STORED, adc, item(RealWorldValueMappingSequence=[mapping()]))
    assert (found.quantity.name, found.quantity.unit.value) == ("apparent diffusion coefficient", "um2/s")
    np.testing.assert_allclose(found.values, STORED * 0.5)


def test_real_world_values_of_no_unit_say_no_more_than_the_rescale():
    mr = header(
        Modality="MR", RescaleSlope=3, RescaleIntercept=1, RealWorldValueMappingSequence=[mapping(value="1")]
    )
    assert (meant(STORED, mr).quantity, meant(STORED, mr).values[0, 1]) == (SIGNAL, 4)


def test_real_world_values_never_replace_hounsfield_units():
    ct = header(
        Modality="CT",
        RescaleSlope=1,
        RescaleIntercept=-1024,
        RealWorldValueMappingSequence=[mapping(value="mm2/s")],
    )
    assert meant(STORED, ct).quantity == HU


def test_a_value_outside_of_its_mapping_has_none():
    found = meant(STORED, header(RealWorldValueMappingSequence=[mapping(first=1, last=1000)]))
    assert np.isnan(found.values.ravel()).tolist() == [True, False, False, False, False, True]
    assert "2 of 6 pixels" in found.problems[0]


def test_a_table_of_real_world_values_is_looked_up():
    ds = mapping(first=0, last=2)
    del ds.RealWorldValueSlope
    ds.RealWorldValueLUTData = [0.0, 10.5, 30.0]
    found = meant(np.array([0, 1, 2], np.uint16), header(RealWorldValueMappingSequence=[ds]))
    np.testing.assert_allclose(found.values, [0, 10.5, 30])


PADDING = [
    # what the file states, stored values, where there is no image
    ({"PixelPaddingValue": 0}, [0, 1, 2], [1, 0, 0]),
    ({"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 1}, [0, 1, 2], [1, 1, 0]),
    ({"PixelPaddingValue": 4095, "PixelPaddingRangeLimit": 4000}, [3999, 4000, 4095], [0, 1, 1]),
    ({"PixelPaddingValue": 63536, "PixelRepresentation": 1}, [-2000, 0, 2000], [1, 0, 0]),
    ({"PixelPaddingValue": 7}, [0, 1, 2], None),
    ({}, [0, 1, 2], None),
]


@pytest.mark.parametrize(("stated", "stored", "expected"), PADDING)
def test_padding_is_a_mask_and_leaves_the_values(stated, stored, expected):
    ds = header(Modality="CT", RescaleSlope=1, RescaleIntercept=-1024)
    for name, value in stated.items():
        if name.startswith("PixelPadding"):
            ds.add_new(name, "US", value)
        else:
            setattr(ds, name, value)
    found = meant(np.array(stored, np.int16), ds)
    assert (
        (found.padding is None) if expected is None else found.padding.tolist() == [bool(v) for v in expected]
    )
    np.testing.assert_array_equal(found.values, np.array(stored) - 1024)


CT = {"Modality": "CT", "RescaleSlope": 1, "RescaleIntercept": -1024}
QUANTITIES = [
    (CT, HU),
    ({**CT, "RescaleType": "HU"}, HU),
    ({**CT, "RescaleType": "US"}, UNKNOWN),
    ({"Modality": "CT"}, UNKNOWN),
    ({**CT, "ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, UNKNOWN),
    ({**CT, "ImageType": ["DERIVED", "SECONDARY", "MPR"]}, HU),
    ({**CT, "ImageType": ["DERIVED", "SECONDARY", "CBF"]}, UNKNOWN),
    ({**CT, "MultienergyCTAcquisition": "YES"}, UNKNOWN),
    ({**CT, "MultienergyCTAcquisition": "YES", "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL", "VMI"]}, HU),
    ({**CT, "RescaleType": "Z_EFF"}, RESCALED["Z_EFF"]),
    ({**CT, "RescaleType": "MGML"}, RESCALED["MGML"]),
    ({**CT, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, UNKNOWN),
    ({"Modality": "MR"}, SIGNAL),
    ({"Modality": "MR", "RescaleType": "US"}, SIGNAL),
    ({"Modality": "MR", "ImageType": ["DERIVED", "PRIMARY", "DIXON", "WATER"]}, SIGNAL),
    ({"Modality": "PT", "Units": "BQML"}, ACTIVITY),
    ({"Modality": "PT", "Units": "CNTS"}, PET["CNTS"]),
    ({"Modality": "PT", "Units": "GML"}, SUV_TYPES["BW"]),
    ({"Modality": "PT", "Units": "GML", "SUVType": "LBM"}, SUV_TYPES["LBM"]),
    ({"Modality": "PT", "Units": "NOVEL"}, UNKNOWN),
    ({"Modality": "PT"}, UNKNOWN),
    ({"Modality": "NM", "ImageType": ["ORIGINAL", "PRIMARY", "WHOLE BODY", "EMISSION"]}, PET["CNTS"]),
    ({"Modality": "NM", "ImageType": ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"]}, UNKNOWN),
    ({"Modality": "RTDOSE", "DoseGridScaling": 1e-3, "DoseUnits": "GY"}, DOSE),
    ({"Modality": "US"}, GREY),
    ({"Modality": "DX", "RescaleType": "US"}, GREY),
    ({"Modality": "DX", "RescaleType": "OD"}, OPTICAL_DENSITY),
    ({"Modality": "XX"}, UNKNOWN),
]


@pytest.mark.parametrize(("stated", "expected"), QUANTITIES)
def test_the_quantity_is_what_the_object_states_or_unknown(stated, expected):
    assert quantity_of(header(**stated)) == expected


@pytest.mark.parametrize(
    ("stated", "name"),
    [
        ({"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]}, "apparent diffusion coefficient"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]}, "phase"),
        ({"ImageType": ["DERIVED", "PRIMARY", "T2 MAP"]}, "unknown"),
        ({"ComplexImageComponent": "PHASE"}, "phase"),
    ],
)
def test_maps_of_magnetic_resonance_are_no_signal(stated, name):
    found = quantity_of(header(Modality="MR", **stated))
    assert (found.name, found.unit) == (name, None)


def test_dose_without_gray_is_relative():
    assert quantity_of(header(Modality="RTDOSE", DoseGridScaling=1, DoseUnits="RELATIVE")).unit is None


def test_colours_are_colours_and_four_samples_are_refused(rng):
    stored = rng.integers(0, 255, (2, 3, 3)).astype(np.uint8)
    found = meant(stored, header(SamplesPerPixel=3, PhotometricInterpretation="RGB"))
    assert (found.quantity, found.channels) == (COLOUR, ("red", "green", "blue"))
    with pytest.raises(FormatError, match="4 samples"):
        meant(stored, header(SamplesPerPixel=4))


def test_values_cannot_be_changed():
    found = meant(STORED.copy(), header())
    with pytest.raises(ValueError, match="read-only"):
        found.values[0, 0] = 1


def test_elements_that_are_no_numbers_are_as_absent():
    ds = header()
    ds.add_new("PixelPaddingValue", "US", None)
    ds.add_new("WindowCenter", "DS", "")
    assert meant(STORED, ds).padding is None
