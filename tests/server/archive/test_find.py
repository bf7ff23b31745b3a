"""Queries: matching as DICOM PS3.4 C.2.2.2 says, paging, order, and nothing that a value says runs."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from skiagraph.errors import InvalidInput
from skiagraph.server.archive.find import KEYWORDS, Query, count, find, folded
from skiagraph.server.database import Database
from skiagraph.server.tables import Instance, Series, Study

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STUDIES = [
    # uid, name, patient, date, time, modalities, accession, description
    ("1.1", "Doe^Jane", "P1", "20260101", "080000", "CT", "A1", "Chest 100%"),
    ("1.2", "DOE^John^^Dr", "P_2", "20260102", "120000", "CT\\SR", "A2", "Chest"),
    ("1.3", "Müller^Jörg", "Px2", "20260103", "120000.5", "MR", "A3", "Head"),
    ("1.4", "Wang^XiaoDong=王^小東", "p1", "20260104", "235959", "US", "B*", "Abdomen"),
    ("1.5", "", "", "", "", "", "", ""),
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def session(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("find")
    chosen = request.param == "sqlite"
    database = Database(
        f"sqlite:///{folder}/find.sqlite" if chosen else request.getfixturevalue("postgres").new()
    )
    database.migrate()
    with database.writing() as writing:
        for uid, name, patient, date, time, modalities, accession, description in STUDIES:
            study = Study(
                uid=uid,
                patient_name=name,
                folded=folded(name) if name else "",
                patient_id=patient,
                date=date,
                time=time,
                modalities=f"\\{modalities}\\" if modalities else "",
                accession=accession,
                description=description,
                received=NOW,
                changed=NOW,
            )
            writing.add(study)
            writing.flush()
            for number, modality in enumerate(modalities.split("\\"), 1):
                series = Series(uid=f"{uid}.{number}", study_id=study.id, modality=modality, number=number)
                writing.add(series)
                writing.flush()
                for n in (2, 1):
                    writing.add(
                        Instance(
                            uid=f"{series.uid}.{n}",
                            series_id=series.id,
                            number=n,
                            sop_class="1.2.840",
                            transfer_syntax="1.2",
                            digest="0" * 64,
                            size=1,
                            rows=512,
                            received=NOW,
                        )
                    )
    with database.reading() as reading:
        yield reading
    database.close()


def uids(session, *, level="study", **attributes):
    query = Query(level=level, attributes=attributes)
    found = find(session, query)
    assert count(session, query) == len(found)
    return sorted((one.instance or one.series or one.study).uid for one in found)


@pytest.mark.parametrize(
    ("keyword", "value", "found"),
    [
        ("PatientID", "", ["1.1", "1.2", "1.3", "1.4", "1.5"]),
        ("PatientID", "*", ["1.1", "1.2", "1.3", "1.4", "1.5"]),
        ("PatientID", "P1", ["1.1"]),
        ("PatientID", "P1 ", ["1.1"]),
        ("PatientID", "p1", ["1.4"]),
        ("PatientID", "P*", ["1.1", "1.2", "1.3"]),
        ("PatientID", "P?2", ["1.2", "1.3"]),
        ("PatientID", "P_2", ["1.2"]),
        ("PatientID", "P_*", ["1.2"]),
        ("PatientID", "?", []),
        ("StudyDescription", "Chest 100%", ["1.1"]),
        ("StudyDescription", "*%", ["1.1"]),
        ("StudyDescription", "*!%*", []),
        ("AccessionNumber", "A1", ["1.1"]),
        ("AccessionNumber", "B\\*", []),
        ("PatientName", "Doe^Jane", ["1.1"]),
        ("PatientName", "doe^jane", ["1.1"]),
        ("PatientName", "DOE*", ["1.1", "1.2"]),
        ("PatientName", "doe^j???", ["1.1"]),
        ("PatientName", "doe^john^^dr", ["1.2"]),
        ("PatientName", "doe", []),
        ("PatientName", "muller^jorg", ["1.3"]),
        ("PatientName", "MÜLLER*", ["1.3"]),
        ("PatientName", "wang*", ["1.4"]),
        ("PatientName", "王*", ["1.4"]),
        ("PatientName", "王^小東", ["1.4"]),
        ("PatientName", "Wang^XiaoDong=王^小東", ["1.4"]),
        ("PatientName", "%", []),
        ("StudyInstanceUID", "1.1", ["1.1"]),
        ("StudyInstanceUID", "1.1\\1.4\\9.9", ["1.1", "1.4"]),
        ("StudyInstanceUID", "1.1,1.2", ["1.1", "1.2"]),
        ("StudyInstanceUID", "1.?", []),
        ("StudyDate", "20260102", ["1.2"]),
        ("StudyDate", "20260102-20260103", ["1.2", "1.3"]),
        ("StudyDate", "20260103-", ["1.3", "1.4"]),
        ("StudyDate", "-20260102", ["1.1", "1.2"]),
        ("StudyDate", "20260103-20260101", []),
        ("StudyTime", "120000", ["1.2"]),
        ("StudyTime", "12", ["1.2"]),
        ("StudyTime", "1200-", ["1.2", "1.3", "1.4"]),
        ("StudyTime", "-1200", ["1.1", "1.2"]),
        ("StudyTime", "12-13", ["1.2", "1.3"]),
        ("ModalitiesInStudy", "CT", ["1.1", "1.2"]),
        ("ModalitiesInStudy", "SR", ["1.2"]),
        ("ModalitiesInStudy", "SR\\US", ["1.2", "1.4"]),
        ("ModalitiesInStudy", "S", []),
        ("ModalitiesInStudy", "M?", ["1.3"]),
    ],
)
def test_a_value_matches_as_the_standard_says(session, keyword, value, found):
    assert uids(session, **{keyword: value}) == found


def test_all_attributes_must_match(session):
    assert uids(session, PatientName="doe*", ModalitiesInStudy="SR", StudyDate="20260101-") == ["1.2"]


@pytest.mark.parametrize(
    ("level", "attributes", "found"),
    [
        ("series", {"Modality": "SR"}, ["1.2.2"]),
        ("series", {"PatientID": "P_2"}, ["1.2.1", "1.2.2"]),
        ("series", {"SeriesNumber": "2"}, ["1.2.2"]),
        ("series", {"StudyInstanceUID": "1.1"}, ["1.1.1"]),
        ("instance", {"SeriesInstanceUID": "1.1.1"}, ["1.1.1.1", "1.1.1.2"]),
        ("instance", {"StudyInstanceUID": "1.2", "InstanceNumber": "1"}, ["1.2.1.1", "1.2.2.1"]),
        ("instance", {"SOPInstanceUID": "1.1.1.1", "Rows": "512"}, ["1.1.1.1"]),
        ("instance", {"SOPClassUID": "1.2.841"}, []),
    ],
)
def test_lower_levels_match_by_what_is_above_them_too(session, level, attributes, found):
    assert uids(session, level=level, **attributes) == found


@pytest.mark.parametrize(
    ("words", "found"),
    [("jane doe", ["1.1"]), ("jo", ["1.2", "1.3"]), ("xiao wang", ["1.4"]), ("ane", []), ("doe x", [])],
)
def test_names_can_be_found_by_the_beginnings_of_their_words(session, words, found):
    query = Query(level="study", attributes={"PatientName": words}, fuzzy=True)
    assert sorted(one.study.uid for one in find(session, query)) == found


def test_the_newest_study_stands_first_and_pages_do_not_overlap(session):
    pages = [find(session, Query(level="study", attributes={}, offset=at, limit=2)) for at in (0, 2, 4, 6)]
    assert [[one.study.uid for one in page] for page in pages] == [
        ["1.4", "1.3"],
        ["1.2", "1.1"],
        ["1.5"],
        [],
    ]


@pytest.mark.parametrize(
    ("order", "first"),
    [(("PatientName",), "1.5"), (("-PatientName",), "1.4"), (("-ModalitiesInStudy", "StudyDate"), "1.4")],
)
def test_matches_come_in_the_order_that_is_asked_for(session, order, first):
    assert find(session, Query(level="study", attributes={}, order=order, limit=1))[0].study.uid == first


def test_instances_come_by_their_numbers(session):
    found = find(session, Query(level="instance", attributes={"StudyInstanceUID": "1.1"}))
    assert [one.instance.number for one in found] == [1, 2]
    assert {(one.study.uid, one.series.uid) for one in found} == {("1.1", "1.1.1")}


def test_a_further_condition_limits_what_is_seen(session):
    query = Query(level="instance", attributes={}, where=(Study.uid == "1.3",))
    assert {one.study.uid for one in find(session, query)} == {"1.3"}


HOSTILE = [
    *(
        "' OR 1=1 --",
        "'; DROP TABLE studies; --",
        '"',
        "\\",
        "%' OR '1'='1",
        "x' UNION SELECT * FROM users --",
    ),
    *("\x00", "a\x00b", "\ud800", "!", "!%", "%", "_"),
]


@pytest.mark.parametrize("keyword", list(KEYWORDS["instance"]))
def test_a_value_is_never_a_part_of_a_statement(session, keyword):
    refused = []
    for value in HOSTILE:
        try:
            found = find(session, Query(level="instance", attributes={keyword: value}))
        except InvalidInput as error:
            refused.append(str(error))
            continue
        assert len(found) == (12 if value == "\x00" else 0), value
    assert refused
    assert not any("DROP" in sentence for sentence in refused)
    assert len(session.scalars(select(Study)).all()) == len(STUDIES)


@pytest.mark.parametrize(
    "said",
    [
        {"attributes": {"StudyDate": "yesterday"}},
        {"attributes": {"StudyDate": "2026"}},
        {"attributes": {"StudyDate": "-"}},
        {"attributes": {"StudyTime": "noon"}},
        {"attributes": {"SeriesNumber": "1*"}},
        {"attributes": {"PatientName": "x" * 2000}},
        {"attributes": {"StudyInstanceUID": ",".join(["1.2"] * 1001)}},
        {"attributes": {"password": "x"}},
        {"attributes": {"Study.uid); DROP TABLE": "x"}},
        {"attributes": {}, "order": ("password",)},
        {"attributes": {}, "limit": 0},
        {"attributes": {}, "limit": 100_000},
        {"attributes": {}, "offset": -1},
    ],
)
def test_a_query_that_is_none_is_refused(session, said):
    with pytest.raises(InvalidInput):
        find(session, Query(level="series", **said))


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Doe^Jane", "=doe^jane="),
        ("STRASSE^Weiß", "=strasse^weiss="),
        ("Å^É=王^", "=a^e=王="),
        ("Doe^^^", "=doe="),
        ("^^", "=="),
    ],
)
def test_names_are_folded(name, kept):
    assert folded(name) == kept
