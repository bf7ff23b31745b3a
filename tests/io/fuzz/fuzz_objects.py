"""Small valid DICOM objects of many kinds and codings."""

import io

import imagecodecs
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

ROOT = "1.2.826.0.1.3680043.8.498."
SIDE = 8
GREY = np.arange(SIDE * SIDE, dtype=np.uint8).reshape(SIDE, SIDE) * 3
COLOUR = np.stack([GREY, GREY[::-1], GREY.T], -1)
DEEP = GREY.astype(np.int16) * 7 - 100
VOLUME = np.stack([DEEP + k for k in range(4)])
AXIAL = {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "PixelSpacing": [0.7, 0.5], "SliceThickness": 2}
STORAGE = "1.2.840.10008.5.1.4.1.1."


def item(**elements):
    ds = Dataset()
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return ds


def dicom(array, kind="7", modality="OT", *, syntax=ExplicitVRLittleEndian, pixels=None, **elements):
    """The bytes of one object; its sequences have no stated length, so that what is in them can grow."""
    ds = item(
        SOPClassUID=STORAGE + kind,
        SOPInstanceUID=ROOT + str(elements.get("InstanceNumber", 1)),
        StudyInstanceUID=ROOT + "91",
        SeriesInstanceUID=ROOT + "92",
        FrameOfReferenceUID=ROOT + "93",
        PatientName="Fuzz^Nobody",
        PatientID="0",
        PatientBirthDate="19700101",
        StudyDate="20260101",
        StudyDescription="a study",
        SeriesDescription="a series",
        SeriesNumber=1,
        Modality=modality,
        Rows=array.shape[-3 if array.shape[-1] == 3 else -2],
        Columns=array.shape[-2 if array.shape[-1] == 3 else -1],
        SamplesPerPixel=3 if array.shape[-1] == 3 else 1,
        PhotometricInterpretation="RGB" if array.shape[-1] == 3 else "MONOCHROME2",
        BitsAllocated=array.itemsize * 8,
        BitsStored=array.itemsize * 8,
        HighBit=array.itemsize * 8 - 1,
        PixelRepresentation=int(array.dtype.kind == "i"),
    )
    frames = array.shape[0] if array.ndim - (array.shape[-1] == 3) == 3 else 1
    if frames > 1:
        ds.NumberOfFrames = frames
    if array.shape[-1] == 3:
        ds.PlanarConfiguration = 0
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    little = syntax != ExplicitVRBigEndian
    if array.dtype.kind == "f":
        ds.FloatPixelData = array.tobytes()
    else:
        stored = array if little else array.astype(array.dtype.newbyteorder(">"))
        ds.PixelData = pixels or stored.tobytes()
        ds["PixelData"].VR = "OB" if array.itemsize == 1 or pixels else "OW"
        ds["PixelData"].is_undefined_length = pixels is not None
    _open_ended(ds)
    stream = io.BytesIO()
    ds.save_as(
        stream,
        implicit_vr=syntax == ImplicitVRLittleEndian,
        little_endian=little,
        enforce_file_format=True,
    )
    return stream.getvalue()


def _open_ended(ds):
    for element in ds:
        if element.VR == "SQ":
            element.is_undefined_length = True
            for one in element.value:
                one.is_undefined_length_sequence_item = True
                _open_ended(one)


def _encapsulated(name, syntax, encode, array=DEEP, *, frames=1, extended=False, **elements):
    coded = [encode(array)] * frames
    if extended:
        pixels, table, lengths = encapsulate_extended(coded)
        elements |= {"ExtendedOffsetTable": table, "ExtendedOffsetTableLengths": lengths}
    else:
        pixels = encapsulate(coded, has_bot=frames > 1)
    if frames > 1:
        elements["NumberOfFrames"] = frames
    return {name: dicom(array, syntax=syntax, pixels=pixels, **elements)}


def _rle(array):
    """DICOM PS3.5 annex G, without a single run."""
    planes = array.view(np.uint8).reshape(array.size, -1).T[::-1]
    parts = [
        b"".join(bytes([len(p) - 1]) + p for p in (r.tobytes() for r in np.split(plane, 2)))
        for plane in planes
    ]
    begins = np.cumsum([64, *(len(p) for p in parts)])[:-1]
    head = np.zeros(16, "<u4")
    head[0], head[1 : 1 + len(parts)] = len(parts), begins
    return head.tobytes() + b"".join(parts)


def slices(count=4):
    return [
        dicom(
            VOLUME[k],
            "2",
            "CT",
            ImagePositionPatient=[-10, 5, 3.0 * k],
            InstanceNumber=k + 1,
            RescaleSlope=1,
            RescaleIntercept=-1024,
            **AXIAL,
        )
        for k in range(count)
    ]


def _enhanced():
    place = [
        item(
            PlanePositionSequence=[item(ImagePositionPatient=[0, 0, 2.0 * k])],
            FrameContentSequence=[
                item(StackID="1", InStackPositionNumber=k + 1, DimensionIndexValues=[1, k + 1])
            ],
            MRDiffusionSequence=[item(DiffusionBValue=float(k), DiffusionDirectionality="NONE")],
            MREchoSequence=[item(EffectiveEchoTime=10.0)],
        )
        for k in range(4)
    ]
    shared = item(
        PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
        PixelMeasuresSequence=[item(PixelSpacing=[0.7, 0.5], SliceThickness=2)],
        PixelValueTransformationSequence=[item(RescaleSlope=2, RescaleIntercept=-5, RescaleType="US")],
        FrameVOILUTSequence=[item(WindowCenter=40, WindowWidth=400)],
    )
    return dicom(
        VOLUME,
        "4.1",
        "MR",
        PerFrameFunctionalGroupsSequence=place,
        SharedFunctionalGroupsSequence=[shared],
    )


def objects():
    """DICOM objects of many kinds."""
    code = item(CodeValue="{SUVbw}g/ml", CodingSchemeDesignator="UCUM", CodeMeaning="SUV")
    dose = item(
        RadionuclideTotalDose=3e8,
        RadionuclideHalfLife=6586.2,
        RadiopharmaceuticalStartTime="100000",
        RadiopharmaceuticalStartDateTime="20260101100000",
    )
    region = item(
        RegionSpatialFormat=1,
        RegionDataType=2,
        RegionFlags=1,
        RegionLocationMinX0=0,
        RegionLocationMinY0=0,
        RegionLocationMaxX1=7,
        RegionLocationMaxY1=7,
        PhysicalUnitsXDirection=3,
        PhysicalUnitsYDirection=3,
        PhysicalDeltaX=0.02,
        PhysicalDeltaY=0.02,
        ReferencePixelX0=0,
        ReferencePixelY0=0,
        PixelComponentOrganization=2,
        PixelComponentPhysicalUnits=7,
        TableOfXBreakPoints=[0, 255],
        TableOfYBreakPoints=[-10.0, 10.0],
    )
    table = {
        f"{colour}PaletteColorLookupTable{part}": value
        for colour in ("Red", "Green", "Blue")
        for part, value in (
            ("Descriptor", [256, 0, 16]),
            ("Data", np.arange(0, 65536, 256, dtype="<u2").tobytes()),
        )
    }
    lut = item(
        LUTDescriptor=[4, 0, 16],
        LUTData=np.array([0, 100, 2000, 30000], "<u2").tobytes(),
        ModalityLUTType="US",
    )
    shutter = {
        "ShutterShape": "RECTANGULAR",
        "ShutterLeftVerticalEdge": 1,
        "ShutterRightVerticalEdge": 7,
        "ShutterUpperHorizontalEdge": 1,
        "ShutterLowerHorizontalEdge": 7,
        "ShutterPresentationValue": 0,
    }
    mask = item(MaskOperation="AVG_SUB", ApplicableFrameRange=[2, 4], MaskFrameNumbers=[1])
    cine = np.stack([COLOUR] * 3)
    drawn = dicom(GREY, "7", ModalityLUTSequence=[lut], VOILUTSequence=[lut], **shutter)
    drawn = pydicom.dcmread(io.BytesIO(drawn))
    for tag, vr, value in (
        (0x60000010, "US", SIDE),
        (0x60000011, "US", SIDE),
        (0x60000040, "CS", "G"),
        (0x60000050, "SS", [1, 1]),
        (0x60000100, "US", 1),
        (0x60000102, "US", 0),
        (0x60003000, "OW", bytes(range(8))),
    ):
        drawn.add_new(tag, vr, value)
    stream = io.BytesIO()
    drawn.save_as(stream)
    pet = {"ImagePositionPatient": [0, 0, 0], "Units": "BQML", "PatientWeight": 70, "PatientSex": "F"}
    pet |= {"DecayCorrection": "START", "CorrectedImage": ["ATTN", "DECY"], "SeriesTime": "110000"}
    pet |= {"SeriesDate": "20260101", "AcquisitionTime": "110000", "AcquisitionDate": "20260101"}
    nm = {"EnergyWindowVector": [1] * 4, "DetectorVector": [1, 1, 2, 2], "NumberOfDetectors": 2}
    nm |= {"TimeSliceVector": [1, 2, 1, 2], "NumberOfEnergyWindows": 1, "PixelSpacing": [4, 4]}
    nm["FrameIncrementPointer"] = [0x00540010, 0x00540020, 0x00540100]
    world = item(
        RealWorldValueFirstValueMapped=0,
        RealWorldValueLastValueMapped=500,
        RealWorldValueSlope=0.5,
        RealWorldValueIntercept=1.0,
        MeasurementUnitsCodeSequence=[code],
    )
    dose_grid = {
        "DoseUnits": "GY",
        "DoseType": "PHYSICAL",
        "DoseGridScaling": 0.01,
        "ImagePositionPatient": [0] * 3,
    }
    dose_grid |= {"GridFrameOffsetVector": [0, 2, 4, 6], "FrameIncrementPointer": 0x3004000C}
    return {
        **_compressed(),
        "slide": _slide(),
        "ct": slices(1)[0],
        "mr-implicit": dicom(
            DEEP,
            "4",
            "MR",
            syntax=ImplicitVRLittleEndian,
            ImagePositionPatient=[0, 0, 0],
            EchoTime=9,
            **AXIAL,
        ),
        "big-endian": dicom(DEEP, syntax=ExplicitVRBigEndian, PixelSpacing=[1, 1]),
        "deflated": dicom(GREY, syntax=DeflatedExplicitVRLittleEndian),
        "ultrasound": dicom(
            cine,
            "3.1",
            "US",
            SequenceOfUltrasoundRegions=[region],
            FrameTime=40,
            FrameIncrementPointer=0x00181063,
        ),
        "pet": dicom(
            DEEP,
            "128",
            "PT",
            RadiopharmaceuticalInformationSequence=[dose],
            RealWorldValueMappingSequence=[world],
            **pet,
            **AXIAL,
        ),
        "nuclear": dicom(VOLUME.astype(np.uint16), "20", "NM", **nm),
        "angiogram": dicom(
            VOLUME.astype(np.uint16),
            "12.1",
            "XA",
            MaskSubtractionSequence=[mask],
            FrameTimeVector=[0, 9, 9, 9],
        ),
        "mammogram": dicom(
            GREY.astype(np.uint16),
            "1.2",
            "MG",
            ImagerPixelSpacing=[0.1, 0.1],
            EstimatedRadiographicMagnificationFactor=1.1,
            PresentationLUTShape="INVERSE",
            ImageLaterality="L",
            ViewCodeSequence=[code],
            WindowCenter=[9, 10],
            WindowWidth=[99, 100],
        ),
        "palette": dicom(GREY, PhotometricInterpretation="PALETTE COLOR", **table),
        "drawn": stream.getvalue(),
        "dose": dicom(VOLUME.astype(np.uint32), "481.2", "RTDOSE", **dose_grid, **AXIAL),
        "floats": dicom(GREY.astype(np.float32), "30"),
        "enhanced": _enhanced(),
        "yellow-blue-red": dicom(COLOUR, PhotometricInterpretation="YBR_FULL"),
    }


def _slide():
    tiles = np.stack([COLOUR] * 4)
    return dicom(
        tiles,
        "77.1.6",
        "SM",
        ImageType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"],
        TotalPixelMatrixColumns=2 * SIDE,
        TotalPixelMatrixRows=2 * SIDE,
        ImagedVolumeWidth=1.0,
        ImagedVolumeHeight=1.0,
        DimensionOrganizationType="TILED_FULL",
        ImageOrientationSlide=[0, 1, 0, 1, 0, 0],
        SharedFunctionalGroupsSequence=[item(PixelMeasuresSequence=[item(PixelSpacing=[0.06, 0.06])])],
        OpticalPathSequence=[item(OpticalPathIdentifier="1")],
    )


def _compressed():
    jpeg = {"PhotometricInterpretation": "YBR_FULL_422"}
    return {
        **_encapsulated("rle", RLELossless, _rle),
        **_encapsulated("jpeg", JPEGBaseline8Bit, imagecodecs.jpeg8_encode, COLOUR, frames=3, **jpeg),
        **_encapsulated("jpeg-ls", JPEGLSLossless, imagecodecs.jpegls_encode, DEEP.astype(np.uint16)),
        **_encapsulated(
            "jpeg-2000",
            JPEG2000Lossless,
            lambda a: imagecodecs.jpeg2k_encode(a, codecformat="j2k", reversible=True, level=0),
            frames=2,
            extended=True,
        ),
        **_encapsulated("htj2k", HTJ2KLossless, lambda a: imagecodecs.htj2k_encode(a, reversible=True), GREY),
    }


def disc(names=(("IMAGES", "IM1"), ("IMAGES", "IM2"))):
    """A DICOMDIR that names these files."""
    ds = item(
        FileSetID="FUZZ",
        OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity=0,
        OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity=0,
        FileSetConsistencyFlag=0,
        DirectoryRecordSequence=Sequence(
            [
                item(
                    OffsetOfTheNextDirectoryRecord=0,
                    RecordInUseFlag=0xFFFF,
                    OffsetOfReferencedLowerLevelDirectoryEntity=0,
                    DirectoryRecordType="IMAGE",
                    ReferencedFileID=list(name),
                )
                for name in names
            ]
        ),
    )
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    ds.file_meta.MediaStorageSOPInstanceUID = ROOT + "94"
    _open_ended(ds)
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, ds, implicit_vr=False, little_endian=True, enforce_file_format=True)
    return stream.getvalue()
