"""What dciodvfy says against a DICOM object, but for what its old edition does not know."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pydicom


@dataclass(frozen=True, slots=True, kw_only=True)
class TooOld:
    """A complaint that comes of the age of the validator (Debian ships the edition of 2022-06-18).

    Args:
        sop_class: Of the objects that it is made of; all where empty.
        says: Stands in the line.
        paragraph: Of the standard, which shows that the object is right.
        why: In a sentence.
    """

    sop_class: str = ""
    says: str
    paragraph: str
    why: str


LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7"
PARAMETRIC_MAP = "1.2.840.10008.5.1.4.1.1.30"
COMPREHENSIVE_3D_SR = "1.2.840.10008.5.1.4.1.1.88.34"

EXCEPTIONS: tuple[TooOld, ...] = (
    *(
        TooOld(
            sop_class=PARAMETRIC_MAP,
            says=f"Missing attribute Type 1 Required Element=<{group}Sequence> Module=<{group}Macro>",
            paragraph="PS3.3 section A.75.5, table A.75-2",
            why="A frame has a place only where the frame of reference is that of a patient or of a slide.",
        )
        for group in ("PlanePosition", "PlaneOrientation", "PlanePositionSlide")
    ),
    TooOld(
        sop_class=LABEL_MAP,
        says="Information Object Not found",
        paragraph="PS3.4 table B.5-1; PS3.3 section A.51",
        why="Label Map Segmentation Storage is of 2024 (supplement 243).",
    ),
    TooOld(
        sop_class=LABEL_MAP,
        says="SegmentNumber not monotonically increasing from one by one",
        paragraph="PS3.3 section C.8.20.2, Segment Number (0062,0004)",
        why="In a label map the number of a segment is its pixel value: any, and 0 where the background is described.",
    ),
    TooOld(
        sop_class=COMPREHENSIVE_3D_SR,
        says="Shall not be present for Referenced SOP Class that is not segmentation - attribute <ReferencedSegm",
        paragraph="PS3.3 table 10-3, Referenced Segment Number (0062,000B)",
        why="A report may name segments of a label map (supplement 243), which is a segmentation of 2024.",
    ),
)


def excused(line: str, sop_class: str) -> bool:
    """Whether the complaint comes of the age of the validator."""
    return any(e.says in line and e.sop_class in ("", sop_class) for e in EXCEPTIONS)


def said(path: Path) -> list[str]:
    """Every line of the validator, from both of its streams."""
    run = subprocess.run(
        ["dciodvfy", path], capture_output=True, text=True, errors="replace", check=False, timeout=120
    )
    return [line for line in (run.stdout + run.stderr).splitlines() if line.strip()]


def complaints(path: Path) -> list[str]:
    """The errors that dciodvfy finds in a file, without those of its age."""
    sop_class = str(pydicom.dcmread(path, specific_tags=["SOPClassUID"]).SOPClassUID)
    return [line for line in said(path) if line.startswith("Error") and not excused(line, sop_class)]
