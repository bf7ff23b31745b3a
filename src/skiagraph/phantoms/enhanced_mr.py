"""A volume of magnetic resonance signal as one enhanced object with all slices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID, EnhancedMRImageStorage

from skiagraph.geometry import Grid, derived_frame
from skiagraph.phantoms import concepts
from skiagraph.phantoms.modules import (
    DATE,
    TIME,
    code_item,
    direction,
    item,
    number,
    pixels_of,
    place,
    position,
    put_pixels,
)
from skiagraph.phantoms.mr_series import MrScan
from skiagraph.phantoms.study import invented_study

__all__ = ["enhanced_mr"]

_STACK, _POSITION = 0x00209056, 0x00209057  # StackID, InStackPositionNumber
_FRAME_CONTENT = 0x00209111


def enhanced_mr(
    values: NDArray[np.uint16], grid: Grid, scan: MrScan, *, digest: str, patient: str
) -> tuple[Dataset, ...]:
    """Enhanced MR Image Storage, 12 bits; one object, whose frames are the slices in order.

    Args:
        values: Signal, axes (slice, row, column), 0 to 4095.
        grid: Where it lies.
        scan: How it was made.
        digest: Of the study; objects of one study share it.
        patient: A name that nobody has.

    Source: DICOM PS3.3 sections A.36 and C.8.13.
    """
    ds = invented_study(digest, EnhancedMRImageStorage, "MR", patient=patient)
    place(ds, digest, series=scan.series, instance=1, description=scan.name)
    _head(ds, grid, scan, digest)
    put_pixels(ds, values, bits=12)
    ds.SharedFunctionalGroupsSequence = [_shared(grid, scan, values)]
    ds.PerFrameFunctionalGroupsSequence = [_frame(grid, n) for n in range(len(values))]
    return (ds,)


def _head(ds: Dataset, grid: Grid, scan: MrScan, digest: str) -> None:
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = DATE
    ds.StudyTime = ds.SeriesTime = ds.ContentTime = TIME
    ds.AcquisitionDateTime, ds.AcquisitionNumber, ds.AcquisitionDuration = DATE + TIME, 1, 60.0
    ds.DeviceSerialNumber, ds.PatientPosition = "0", "HFS"
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = UID(grid.frame), ""
    ds.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    ds.PixelPresentation, ds.VolumetricProperties = "MONOCHROME", "VOLUME"
    ds.VolumeBasedCalculationTechnique = ds.ComplexImageComponent = "NONE"
    ds.ComplexImageComponent, ds.AcquisitionContrast = "MAGNITUDE", scan.name.upper()
    ds.AcquisitionContrast = {"t1": "T1", "t2": "T2", "flair": "FLUID_ATTENUATED"}.get(scan.name, "UNKNOWN")
    ds.ContentQualification, ds.ResonantNucleus, ds.KSpaceFiltering = "RESEARCH", "1H", "NONE"
    ds.MagneticFieldStrength, ds.ApplicableSafetyStandardAgency = 1.5, "IEC"
    ds.PulseSequenceName, ds.MRAcquisitionType = scan.name, "2D"
    ds.EchoPulseSequence, ds.MultipleSpinEcho, ds.MultiPlanarExcitation = "SPIN", "NO", "NO"
    ds.PhaseContrast, ds.TimeOfFlightContrast, ds.SteadyStatePulseSequence = "NO", "NO", "NONE"
    ds.EchoPlanarPulseSequence, ds.SpectrallySelectedSuppression = "NO", "NONE"
    ds.SaturationRecovery, ds.GeometryOfKSpaceTraversal = "NO", "RECTILINEAR"
    ds.RectilinearPhaseEncodeReordering, ds.SegmentedKSpaceTraversal = "LINEAR", "SINGLE"
    ds.OversamplingPhase, ds.NumberOfKSpaceTrajectories = "NONE", 1
    ds.BurnedInAnnotation, ds.LossyImageCompression, ds.PresentationLUTShape = "NO", "00", "IDENTITY"
    ds.AcquisitionContextSequence = []
    ds.BodyPartExamined, ds.B1rms = scan.body, 1.0
    organisation = UID(derived_frame(f"{digest} dimensions {scan.series}"))
    ds.DimensionOrganizationSequence = [item(DimensionOrganizationUID=organisation)]
    ds.DimensionIndexSequence = [
        item(
            DimensionIndexPointer=pointer,
            FunctionalGroupPointer=_FRAME_CONTENT,
            DimensionOrganizationUID=organisation,
        )
        for pointer in (_STACK, _POSITION)
    ]
    del ds.PatientOrientation, ds.QualityControlImage


def _shared(grid: Grid, scan: MrScan, values: NDArray[np.uint16]) -> Dataset:
    """What all slices have in common."""
    gap = number(float(np.linalg.norm(grid.affine[:3, 0])))
    high = float(np.percentile(values[len(values) // 2], 99.5))
    measures = item(
        PixelSpacing=[number(n) for n in pixels_of(grid)], SliceThickness=gap, SpacingBetweenSlices=gap
    )
    anatomy = item(FrameLaterality="U", AnatomicRegionSequence=[code_item(concepts.BRAIN)])
    return item(
        PixelMeasuresSequence=[measures],
        PlaneOrientationSequence=[item(ImageOrientationPatient=[number(n) for n in direction(grid)])],
        FrameAnatomySequence=[anatomy],
        PixelValueTransformationSequence=[item(RescaleIntercept=0, RescaleSlope=1, RescaleType="US")],
        FrameVOILUTSequence=[item(WindowCenter=number(high / 2), WindowWidth=number(high))],
        MRImageFrameTypeSequence=[_frame_type(scan)],
        MRTimingAndRelatedParametersSequence=[_timing(scan)],
        MREchoSequence=[item(EffectiveEchoTime=float(scan.te))],
        MRModifierSequence=[_modifier(scan)],
        MRImagingModifierSequence=[
            item(
                MagnetizationTransfer="NONE",
                BloodSignalNulling="NO",
                Tagging="NONE",
                TransmitterFrequency=63.87,
                PixelBandwidth=200.0,
            )
        ],
        MRReceiveCoilSequence=[
            item(
                ReceiveCoilName="HEAD",
                ReceiveCoilManufacturerName="",
                ReceiveCoilType="VOLUME",
                QuadratureReceiveCoil="YES",
            )
        ],
        MRTransmitCoilSequence=[
            item(TransmitCoilName="BODY", TransmitCoilManufacturerName="", TransmitCoilType="BODY")
        ],
        MRAveragesSequence=[item(NumberOfAverages=1)],
        MRFOVGeometrySequence=[_field_of_view(grid)],
    )


def _frame_type(scan: MrScan) -> Dataset:
    contrast = {"t1": "T1", "t2": "T2", "flair": "FLUID_ATTENUATED"}.get(scan.name, "UNKNOWN")
    return item(
        FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"],
        PixelPresentation="MONOCHROME",
        VolumetricProperties="VOLUME",
        VolumeBasedCalculationTechnique="NONE",
        ComplexImageComponent="MAGNITUDE",
        AcquisitionContrast=contrast,
    )


def _timing(scan: MrScan) -> Dataset:
    rate = item(SpecificAbsorptionRateDefinition="IEC_WHOLE_BODY", SpecificAbsorptionRateValue=1.0)
    mode = item(OperatingModeType="STATIC FIELD", OperatingMode="IEC_NORMAL")
    return item(
        RepetitionTime=number(scan.tr),
        FlipAngle=number(scan.flip),
        EchoTrainLength=1,
        RFEchoTrainLength=1,
        GradientEchoTrainLength=0,
        GradientOutputType="DB_DT",
        GradientOutput=10.0,
        SpecificAbsorptionRateSequence=[rate],
        OperatingModeSequence=[mode],
    )


def _modifier(scan: MrScan) -> Dataset:
    times = [float(scan.ti)] if scan.ti is not None else None
    ds = item(
        InversionRecovery="YES" if times else "NO",
        FlowCompensation="NONE",
        Spoiling="NONE",
        T2Preparation="NO",
        SpectrallySelectedExcitation="NONE",
        SpatialPresaturation="NONE",
        PartialFourier="NO",
        ParallelAcquisition="NO",
    )
    if times:
        ds.InversionTimes = times
    return ds


def _field_of_view(grid: Grid) -> Dataset:
    rows, columns = grid.shape[1:]
    return item(
        InPlanePhaseEncodingDirection="ROW",
        MRAcquisitionFrequencyEncodingSteps=columns,
        MRAcquisitionPhaseEncodingStepsInPlane=rows,
        PercentSampling=100,
        PercentPhaseFieldOfView=100,
    )


def _frame(grid: Grid, n: int) -> Dataset:
    """What is of one slice alone."""
    content: dict[str, Any] = {
        "FrameAcquisitionNumber": 1,
        "FrameReferenceDateTime": DATE + TIME,
        "FrameAcquisitionDateTime": DATE + TIME,
        "FrameAcquisitionDuration": 60000.0,
        "StackID": "1",
        "InStackPositionNumber": n + 1,
        "DimensionIndexValues": [1, n + 1],
    }
    return item(
        FrameContentSequence=[item(**content)],
        PlanePositionSequence=[item(ImagePositionPatient=position(grid, n))],
    )
