"""Side, view and part of the body that a picture shows, as coded findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code as Coded

from skiagraph import codes
from skiagraph.codes import Code
from skiagraph.findings import Classification, ClassScore
from skiagraph.io.dicom.attributes import code_of, group_of, item_of, items_of, word

__all__ = ["modern", "view_findings"]


def _sct(value: str, meaning: str) -> Code:
    return Code(value=value, scheme="SCT", meaning=meaning)


SIDES: Final = {"L": codes.LEFT, "R": codes.RIGHT, "B": codes.BILATERAL, "U": codes.UNILATERAL}
VIEWS: Final = {
    "AP": _sct("399348003", "antero-posterior"),
    "PA": _sct("272479007", "postero-anterior"),
    "LL": _sct("399173006", "left lateral"),
    "RL": _sct("399198007", "right lateral"),
    "LAT": _sct("399067008", "lateral"),
    "LATERAL": _sct("399067008", "lateral"),
    "CC": _sct("399162004", "cranio-caudal"),
    "MLO": _sct("399368009", "medio-lateral oblique"),
    "ML": _sct("399260004", "medio-lateral"),
    "LM": _sct("399352003", "latero-medial"),
    "LMO": _sct("399099002", "latero-medial oblique"),
    "FB": _sct("399196006", "caudo-cranial (from below)"),
    "SIO": _sct("399188001", "superolateral to inferomedial oblique"),
    "ISO": _sct("441555000", "inferomedial to superolateral oblique"),
    "XCCL": _sct("399192008", "cranio-caudal exaggerated laterally"),
    "XCCM": _sct("399101009", "cranio-caudal exaggerated medially"),
    "ANTERIOR": _sct("399321004", "anterior projection"),
    "POSTERIOR": _sct("399001007", "posterior projection"),
}
"""View Position (0018,5101) and the codes of DICOM PS3.16 CID 4010, 4014 and 26."""

REGIONS: Final = {
    "ABDOMEN": _sct("113345001", "Abdomen"),
    "ANKLE": _sct("70258002", "Ankle joint"),
    "ARM": _sct("40983000", "Upper arm"),
    "BLADDER": _sct("89837001", "Bladder"),
    "BRAIN": _sct("12738006", "Brain"),
    "BREAST": _sct("76752008", "Breast"),
    "CHEST": _sct("51185008", "Chest"),
    "CSPINE": _sct("122494005", "Cervical spine"),
    "EYE": _sct("81745001", "Eye"),
    "FINGER": _sct("7569003", "Finger"),
    "FOOT": _sct("56459004", "Foot"),
    "HAND": _sct("85562004", "Hand"),
    "HEAD": codes.HEAD,
    "HEART": _sct("80891009", "Heart"),
    "HIP": _sct("24136001", "Hip joint"),
    "KIDNEY": _sct("64033007", "Kidney"),
    "KNEE": _sct("72696002", "Knee"),
    "LEG": _sct("30021000", "Lower leg"),
    "LIVER": _sct("10200004", "Liver"),
    "LSPINE": _sct("122496007", "Lumbar spine"),
    "LUNG": _sct("39607008", "Lung"),
    "NECK": _sct("45048000", "Neck"),
    "PANCREAS": _sct("15776009", "Pancreas"),
    "PELVIS": _sct("12921003", "Pelvis"),
    "PROSTATE": _sct("41216001", "Prostate"),
    "RETINA": _sct("5665001", "Retina"),
    "SHOULDER": _sct("16982005", "Shoulder"),
    "SKULL": _sct("89546000", "Skull"),
    "SPINE": _sct("421060004", "Spine"),
    "SPLEEN": _sct("78961009", "Spleen"),
    "THYROID": _sct("69748006", "Thyroid"),
    "TOE": _sct("29707007", "Toe"),
    "TSPINE": _sct("122495006", "Thoracic spine"),
    "UTERUS": _sct("35039007", "Uterus"),
    "WHOLEBODY": _sct("38266002", "Entire body"),
    "WRIST": _sct("74670003", "Wrist joint"),
}
"""Body Part Examined (0018,0015), DICOM PS3.16 annex L."""

_MODIFIERS: Final = (
    _sct("399197002", "Rolled Lateral"),
    _sct("399226006", "Rolled Medial"),
    _sct("414493004", "Rolled Inferior"),
    _sct("415670009", "Rolled Superior"),
    _sct("399209000", "Implant Displaced"),
    _sct("399163009", "Magnification"),
    _sct("399055006", "Spot Compression"),
    _sct("399110001", "tangential"),
    _sct("399161006", "Cleavage"),
    _sct("399011000", "Axillary Tail"),
)
"""DICOM PS3.16 CID 4015."""

_OLD: Final = {"SRT", "SNM3", "99SDM"}
_KNOWN: Final = (*SIDES.values(), *VIEWS.values(), *REGIONS.values(), *_MODIFIERS)


def modern(code: Code) -> Code:
    """A code in SNOMED CT where it came as its old SNOMED-RT twin and is one that is known here; else as it came.

    Source: DICOM PS3.16 annex O (SNOMED concept ID to SNOMED ID mapping), through pydicom.
    """
    if code.scheme not in _OLD:
        return code
    old = Coded(code.value, "SRT", code.meaning)
    return next((new for new in _KNOWN if Coded(new.value, "SCT", new.meaning) == old), code)


def view_findings(header: Dataset, groups: Dataset | None = None) -> Mapping[str, Classification]:
    """What a file says of side, view and region.

    Args:
        header: The object.
        groups: Functional groups of the frame, for enhanced objects.

    Returns:
        ``"laterality"``, ``"view"``, ``"view_modifiers"`` (several may hold), ``"body_part"``: those that are stated.

    Source: DICOM PS3.3 C.8.11.2 and C.8.11.7 (side and view), C.7.3.1 (Laterality), C.7.6.16.2.8 (frame anatomy), 10.5.
    """
    anatomy = group_of(header, groups, "FrameAnatomySequence")
    found: dict[str, Classification] = {}
    side = _side(header, anatomy)
    if side is not None:
        found["laterality"] = _said(codes.IMAGE_LATERALITY, [side])
    view = code_of(header, "ViewCodeSequence") or VIEWS.get(word(header, "ViewPosition"))
    if view is not None:
        found["view"] = _said(codes.IMAGE_VIEW, [modern(view)])
    modifiers = _modifiers(header)
    if modifiers:
        found["view_modifiers"] = _said(codes.IMAGE_VIEW_MODIFIER, modifiers, exclusive=False)
    region = code_of(anatomy, "AnatomicRegionSequence") or code_of(header, "AnatomicRegionSequence")
    region = region or REGIONS.get(word(header, "BodyPartExamined").replace(" ", ""))
    if region is not None:
        found["body_part"] = _said(codes.ANATOMIC_REGION, [modern(region)])
    return found


def _side(header: Dataset, anatomy: Dataset) -> Code | None:
    """That of the frame, of the image, of the region's modifier, of the series: the first that is stated."""
    for source, name in ((anatomy, "FrameLaterality"), (header, "ImageLaterality")):
        if word(source, name) in SIDES:
            return SIDES[word(source, name)]
    region = item_of(anatomy, "AnatomicRegionSequence") or item_of(header, "AnatomicRegionSequence")
    modifier = code_of(region, "AnatomicRegionModifierSequence")
    if modifier is not None and modern(modifier) in SIDES.values():
        return modern(modifier)
    return SIDES.get(word(header, "Laterality"))


def _modifiers(header: Dataset) -> list[Code]:
    found: list[Code] = []
    for view in items_of(header, "ViewCodeSequence"):
        for item in items_of(view, "ViewModifierCodeSequence"):
            wrapped = Dataset()
            wrapped.ViewModifierCodeSequence = [item]
            code = code_of(wrapped, "ViewModifierCodeSequence")
            if code is not None and modern(code) not in found:
                found.append(modern(code))
    return found


def _said(concept: Code, found: Iterable[Code], *, exclusive: bool = True) -> Classification:
    scores = tuple(ClassScore(code=code, probability=1.0) for code in found)
    return Classification(concept=concept, scores=scores, exclusive=exclusive)
