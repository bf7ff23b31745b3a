"""Standardized uptake values: worked cases of the makers and of every rule of time; a reason where there is no way."""

from datetime import datetime

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from skiagraph.image.quantity import ACTIVITY, COUNTS, SUV
from skiagraph.io.dicom.meaning import meant
from skiagraph.io.dicom.quantities import SUV_TYPES
from skiagraph.io.dicom.suv import body_weight, instant

HALF_LIFE = 6586.2  # fluorine-18, s: 1 h 49 min 46.2 s
DOSE, WEIGHT = 350e6, 70.0
PLAIN = WEIGHT * 1000 / DOSE  # 0.0002 at the injection; twice that after one half-life


def pet(*, tracer=None, **elements):
    ds, injected = Dataset(), Dataset()
    injected.RadionuclideTotalDose, injected.RadionuclideHalfLife = DOSE, HALF_LIFE
    injected.RadiopharmaceuticalStartTime = "100000"
    for keyword, value in (tracer or {}).items():
        setattr(injected, keyword, value)
    ds.RadiopharmaceuticalInformationSequence = Sequence([injected])
    plain = {
        "Modality": "PT",
        "Units": "BQML",
        "DecayCorrection": "START",
        "CorrectedImage": ["DECY", "ATTN", "SCAT"],
    }
    times = {
        "SeriesDate": "20260102",
        "SeriesTime": "114946.2",
        "AcquisitionDate": "20260102",
        "AcquisitionTime": "115000",
    }
    for keyword, value in {**plain, **times, "PatientWeight": WEIGHT, **elements}.items():
        setattr(ds, keyword, value)
    return ds


def philips(**private):
    ds = pet(Units="CNTS")
    block = ds.private_block(0x7053, "Philips PET Private Group", create=True)
    for element, value in private.items():
        block.add_new(int(element[1:], 16), "DS", value)
    return ds


def general_electric(at):
    ds = pet(SeriesTime="180000")
    ds.private_block(0x0009, "GEMS_PETD_01", create=True).add_new(0x0D, "DT", at)
    return ds


# One frame of 600 s: its average count rate is that of 298.42 s after its start: T / 2 - lambda T^2 / 24.
MIDDLE = 298.4213
SIEMENS_LATER = {
    "SeriesTime": "180000",
    "AcquisitionTime": "120446.2",
    "FrameReferenceTime": (900 + MIDDLE) * 1000,
}

WORKED = [
    # case, header, factor over the one at the injection
    ("Siemens: the series began one half-life after injection", pet(), 2.0),
    ("bed after bed: later acquisitions are corrected to the start", pet(AcquisitionTime="121500"), 2.0),
    ("GE: a series made later keeps the start of the scan", general_electric("20260102114946.20"), 2.0),
    (
        "Siemens, made later: frame time back to the start",
        pet(**SIEMENS_LATER, ActualFrameDuration=600_000),
        2.0,
    ),
    ("values corrected to the injection", pet(DecayCorrection="ADMIN"), 1.0),
    (
        "the scan crossed midnight",
        pet(
            tracer={"RadiopharmaceuticalStartTime": "231013.8"}, SeriesTime="010000", AcquisitionTime="010000"
        ),
        2.0,
    ),
    (
        "date and time of the injection",
        pet(tracer={"RadiopharmaceuticalStartDateTime": "20260102100000"}),
        2.0,
    ),
    ("another day that can be", pet(tracer={"RadiopharmaceuticalStartDateTime": "20260102081013.8"}), 4.0),
    (
        "a day that cannot be: the time of day holds",
        pet(tracer={"RadiopharmaceuticalStartDateTime": "20190509100000"}),
        2.0,
    ),
    (
        "not corrected: the middle of the frame",
        pet(
            DecayCorrection="NONE",
            CorrectedImage=["ATTN"],
            AcquisitionTime="100000",
            ActualFrameDuration=2 * HALF_LIFE * 1000,
        ),
        2 ** (0.8864),
    ),
    (
        "clocks of two zones",
        pet(
            tracer={"RadiopharmaceuticalStartDateTime": "20260102090000+0000"}, TimezoneOffsetFromUTC="+0100"
        ),
        2.0,
    ),
]


@pytest.mark.parametrize(("case", "header", "times"), WORKED, ids=[row[0] for row in WORKED])
def test_body_weight_over_the_dose_that_is_left(case, header, times):
    found = body_weight(header)
    assert found.factor == pytest.approx(PLAIN * times, rel=1e-4)
    assert found.quantity == SUV


def test_philips_counts_by_the_factor_of_the_maker():
    found = body_weight(philips(x00="0.000551"))
    assert (found.factor, found.quantity) == (0.000551, SUV)


def test_philips_counts_through_activity():
    assert body_weight(philips(x00="0", x09="1.5")).factor == pytest.approx(PLAIN * 2 * 1.5)


def test_values_are_multiplied_after_their_rescale():
    ds = pet(SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2", RescaleSlope=2.5, RescaleIntercept=0)
    values = meant(np.array([0, 1000, 4000], np.uint16), ds)
    assert values.quantity == ACTIVITY
    np.testing.assert_allclose(values.values * body_weight(ds).factor, [0, 1.0, 4.0], rtol=1e-6)


@pytest.mark.parametrize("kind", [None, "BW", "LBM", "BSA"])
def test_a_file_of_uptake_values_is_left_as_it_is(kind):
    found = body_weight(pet(Units="GML", **({} if kind is None else {"SUVType": kind})))
    assert (found.factor, found.quantity) == (1.0, SUV_TYPES[kind or "BW"])


def without(keyword, **more):
    ds = pet(**more)
    owner = ds if keyword in ds else ds.RadiopharmaceuticalInformationSequence[0]
    delattr(owner, keyword)
    return ds


REFUSED = [
    (without("PatientWeight"), "weight"),
    (pet(PatientWeight=0), "weight"),
    (without("RadionuclideTotalDose"), "dose"),
    (pet(tracer={"RadionuclideTotalDose": 350}), "350 Bq cannot be"),
    (without("RadionuclideHalfLife"), "half-life"),
    (without("RadiopharmaceuticalStartTime"), "time of the injection"),
    (without("DecayCorrection"), "decay corrected"),
    (pet(CorrectedImage=["DECY"]), "attenuation"),
    (pet(CorrectedImage=["ATTN"]), "corrected for decay"),
    (pet(Units="PROPCPS"), "PROPCPS"),
    (pet(SeriesTime="180000"), "made after the scan"),
    (pet(DecayCorrection="NONE", CorrectedImage=["ATTN"]), "duration"),
    (pet(tracer={"RadionuclideHalfLife": 122.24, "RadiopharmaceuticalStartTime": "060000"}), "half-lives"),
    (pet(tracer={"RadionuclideHalfLife": 282240}), "long-lived"),
    (without("RadiopharmaceuticalInformationSequence"), "dose"),
]


@pytest.mark.parametrize(("header", "reason"), REFUSED, ids=[row[1] for row in REFUSED])
def test_without_what_is_needed_the_values_stay_and_the_reason_is_said(header, reason):
    found = body_weight(header)
    assert found.factor is None
    assert found.quantity != SUV
    assert reason in found.explanation


def test_counts_without_a_factor_stay_counts():
    found = body_weight(philips(x00="0"))
    assert (found.factor, found.quantity) == (None, COUNTS)


def test_a_private_element_is_found_through_its_creator_alone():
    ds = pet(Units="CNTS")
    ds.add_new((0x7053, 0x1000), "DS", "0.5")
    assert body_weight(ds).factor is None


def test_the_earliest_acquisition_stands_in_for_a_series_made_later():
    found = body_weight(pet(SeriesTime="180000"), first=datetime.fromisoformat("2026-01-02T11:49:46.200"))
    assert found.factor == pytest.approx(2 * PLAIN)


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("20260102030405.5", "", "2026-01-02T03:04:05.500000"),
        ("202601020304", "", "2026-01-02T03:04:00"),
        ("20260102030405+0100", "", "2026-01-02T03:04:05"),
        ("20260102030405+0100", "+0000", "2026-01-02T02:04:05"),
        ("20260102030405.000000-0500", "+0100", "2026-01-02T09:04:05"),
        ("20261302030405", "", None),
        ("2026", "", None),
        ("", "", None),
        ("nonsense", "", None),
    ],
)
def test_instants_are_read(text, zone, expected):
    found = instant(text, zone)
    assert (None if found is None else found.isoformat()) == expected
