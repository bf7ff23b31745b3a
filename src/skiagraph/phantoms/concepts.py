"""The coded concepts in which the truth of phantoms is told."""

from __future__ import annotations

from typing import Final

from skiagraph.codes import Code

__all__: list[str] = []


def _snomed(value: str, meaning: str) -> Code:
    return Code(value=value, scheme="SCT", meaning=meaning)


def _dicom(value: str, meaning: str) -> Code:
    return Code(value=value, scheme="DCM", meaning=meaning)


def _ucum(value: str, meaning: str) -> Code:
    return Code(value=value, scheme="UCUM", meaning=meaning)


LUNG: Final = _snomed("39607008", "Lung")
RIGHT_LUNG: Final = _snomed("3341006", "Right lung")
LEFT_LUNG: Final = _snomed("44029006", "Left lung")
HEART: Final = _snomed("80891009", "Heart")
RIB: Final = _snomed("113197003", "Rib")
VERTEBRA: Final = _snomed("51282000", "Vertebra")
TRACHEA: Final = _snomed("44567001", "Trachea")
CHEST: Final = _snomed("816094009", "Chest")
THORACIC_CAVITY: Final = _snomed("43799004", "Thoracic cavity")
NODULE: Final = _snomed("27925004", "Nodule")
GROUND_GLASS: Final = _dicom("112120", "Ground glass opacity")
GREY_MATTER: Final = _snomed("389081007", "Gray matter")
WHITE_MATTER: Final = _snomed("389080008", "White matter")
CSF: Final = _snomed("65216001", "Cerebrospinal fluid")
VENTRICLES: Final = _snomed("35764002", "Brain ventricle")
BRAIN: Final = _snomed("12738006", "Brain")
SKULL: Final = _snomed("89546000", "Skull")
LESION: Final = _snomed("52988006", "Lesion")
LEFT_VENTRICLE: Final = _snomed("87878005", "Left ventricle")
LV_MYOCARDIUM: Final = _snomed("49848007", "Myocardium of left ventricle")
RIGHT_VENTRICLE: Final = _snomed("53085002", "Right ventricle")
ARTERY: Final = _snomed("51114001", "Artery")
TUMOUR: Final = _snomed("108369006", "Tumor")
BENIGN: Final = _snomed("3898006", "Neoplasm, benign")
MALIGNANT: Final = _snomed("86049000", "Malignant neoplasm, primary")
METASTASIS: Final = _snomed("128462008", "Metastasis")
BREAST: Final = _snomed("76752008", "Breast")
MASS: Final = _snomed("4147007", "Mass")
CALCIFICATION: Final = _dicom("111104", "Individual Calcification")
OPTIC_DISC: Final = _snomed("81016008", "Optic disc")
OPTIC_CUP: Final = Code(value="optic-cup", scheme="99SKIAGRAPH", meaning="Optic cup")
MACULA: Final = _snomed("82859000", "Macula lutea")
HAEMORRHAGE: Final = _snomed("50960005", "Hemorrhage")
RETINA: Final = _snomed("5665001", "Retina")
NUCLEUS: Final = _snomed("84640000", "Nucleus")
PHANTOM: Final = _snomed("706342009", "Phantom")

DIAMETER: Final = _snomed("81827009", "Diameter")
LENGTH: Final = _snomed("410668003", "Length")
VOLUME: Final = _snomed("118565006", "Volume")
THICKNESS: Final = Code(value="59089-3", scheme="LN", meaning="Thickness")
CARDIOTHORACIC_RATIO: Final = Code(
    value="cardiothoracic", scheme="99SKIAGRAPH", meaning="Cardiothoracic ratio"
)
END_DIASTOLIC_VOLUME: Final = Code(
    value="18026-5", scheme="LN", meaning="Left Ventricular End Diastolic Volume"
)
END_SYSTOLIC_VOLUME: Final = Code(
    value="18148-7", scheme="LN", meaning="Left Ventricular End Systolic Volume"
)
EJECTION_FRACTION: Final = Code(
    value="8811-2", scheme="LN", meaning="Left ventricular ejection fraction by MR"
)
T2_STAR: Final = _dicom("113064", "T2*")
DIFFUSION_COEFFICIENT: Final = _dicom("113041", "Apparent Diffusion Coefficient")
FRACTIONAL_ANISOTROPY: Final = _dicom("110808", "Fractional Anisotropy")
UPTAKE: Final = _dicom("126400", "Standardized Uptake Value")
FLOW_VELOCITY: Final = _dicom("110828", "Flow Velocity")
CUP_TO_DISC: Final = Code(value="cup-to-disc", scheme="99SKIAGRAPH", meaning="Cup-to-disc ratio")
TUMOUR_KIND: Final = Code(value="tumour-kind", scheme="99SKIAGRAPH", meaning="Kind of tumour")
NUMBER: Final = Code(value="count", scheme="99SKIAGRAPH", meaning="Number of objects")
TILT: Final = Code(value="tilt", scheme="99SKIAGRAPH", meaning="Gantry tilt")
CONTRAST: Final = Code(value="contrast", scheme="99SKIAGRAPH", meaning="Attenuation by contrast medium")

UNITY: Final = _ucum("1", "no units")
CUBIC_MM: Final = _ucum("mm3", "cubic millimetre")
MILLILITRE: Final = _ucum("ml", "millilitre")
MILLISECOND: Final = _ucum("ms", "millisecond")
SQUARE_MM_PER_SECOND: Final = _ucum("mm2/s", "square millimetre per second")
CM_PER_SECOND: Final = _ucum("cm/s", "centimetre per second")
BECQUEREL_PER_ML: Final = _ucum("Bq/ml", "becquerel per millilitre")
DEGREE: Final = _ucum("deg", "degree")
MICROMETRE: Final = _ucum("um", "micrometre")
COUNTS: Final = _ucum("{counts}", "counts")
