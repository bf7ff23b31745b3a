"""Every object that the package writes for a case: each finding in its home, and what stands beside a report."""

from collections.abc import Iterator

from battery import PROVENANCE, findings

from skiagraph.case import Case, Report
from skiagraph.findings import Finding, Findings, Segmentation
from skiagraph.interchange.export import SERIES, export
from skiagraph.interchange.identity import SKIAGRAPH, Series, content_of
from skiagraph.interchange.object import DicomObject, as_origin
from skiagraph.interchange.seg import segmentation_object
from skiagraph.interchange.sr import report_object
from skiagraph.interchange.whole import export_report

CONTENT = content_of(PROVENANCE, "letter and pole")
FORMS = {
    "exclusive": ("fractional",),
    "overlapping": ("fractional",),
    "instances": ("labelmap",),
}
"""The forms of a segmentation beside the one that is chosen."""
SAME = ("overlapping", "instances", "probable", "letter", "pole")
HOMES = ("segmentation", "map", "derived", "registration")
"""What a report writes of single findings, which are written by themselves already."""
PAGE = (
    b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF"
)


def formed(finding: Segmentation, case: Case, form: str) -> DicomObject:
    """A segmentation in one of its forms."""
    return segmentation_object(
        finding, case, SKIAGRAPH, Series(number=9, description=form), CONTENT, form=form
    )


def exported(finding: Finding, case: Case) -> DicomObject:
    """The home of one finding."""
    return export(finding, case, content=CONTENT)


def report(case: Case) -> Report:
    """A draft that says all but what another form of the same says."""
    said = tuple(finding for name, finding in findings(case).items() if name not in SAME)
    return Report(
        identifier="draft", case=case.identifier, findings=Findings(items=said, provenance=PROVENANCE)
    )


def measured(case: Case) -> Iterator[tuple[str, DicomObject]]:
    """A label map, and a report that names its segments."""
    finding = findings(case)["exclusive"]
    where = formed(finding, case, "labelmap")
    places = {0: as_origin(where)}
    said = [finding, findings(case)["measurement"]]
    yield "exclusive, labelmap", where
    yield (
        "report about a label map",
        report_object(said, case, SKIAGRAPH, SERIES["measurements"], CONTENT, segmentations=places),
    )


def written_objects(case: Case) -> Iterator[tuple[str, DicomObject]]:
    """By the name of what it carries, each object once."""
    for name, finding in findings(case).items():
        yield name, exported(finding, case)
        for form in FORMS.get(name, ()):
            yield f"{name}, {form}", formed(finding, case, form)
    yield from measured(case)
    for written in export_report(report(case), case, pdf=PAGE).objects:
        if not written.name.startswith(HOMES):
            yield f"report, {written.name}", written.object
