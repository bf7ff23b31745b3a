"""Both databases: migrated up and down, equal to the tables that the code knows, and gone and back."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, select

from skiagraph.errors import InvalidInput
from skiagraph.server.database import Database, DatabaseGone
from skiagraph.server.settings import settings_of
from skiagraph.server.site import opened_site
from skiagraph.server.tables import Base, Study


@pytest.fixture
def database(database_url, tmp_path):
    opened = Database(database_url or f"sqlite:///{tmp_path / 'a.sqlite'}")
    yield opened
    opened.close()


def tables(database):
    return set(inspect(database.engine).get_table_names()) - {"alembic_version"}


@pytest.mark.both_databases
def test_migrations_make_the_tables_that_the_code_knows(database):
    database.migrate()
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    assert database.revision() == database.newest()


@pytest.mark.both_databases
def test_migrations_go_down_to_nothing_and_up_again(database):
    database.migrate()
    database.migrate("base")
    assert tables(database) == set()
    assert database.revision() is None
    database.migrate()
    assert tables(database) == set(Base.metadata.tables)


@pytest.mark.both_databases
def test_a_migration_that_is_done_changes_nothing(database):
    database.migrate()
    database.migrate()
    assert database.revision() == database.newest()


@pytest.mark.parametrize("url", ["mysql://localhost/a", "oracle://localhost/a", "no URL"])
def test_other_databases_are_refused(url):
    with pytest.raises(InvalidInput):
        Database(url)


def test_a_database_that_is_gone_is_named_and_comes_back_by_itself(tmp_path, postgres):
    settings = settings_of(tmp_path / "home", database=postgres.new(), dicom={"enabled": False})
    site = opened_site(settings)
    try:
        assert site.unready() is None
        postgres.stop()
        try:
            assert site.unready() == "the database does not answer"
            with pytest.raises(DatabaseGone), site.database.reading() as session:
                session.scalars(select(Study)).all()
            with pytest.raises(DatabaseGone), site.database.writing() as session:
                session.scalars(select(Study)).all()
            assert b"skiagraph_database_up 0.0" in site.metrics.exposed()
        finally:
            postgres.start()
        assert site.unready() is None
        assert b"skiagraph_database_up 1.0" in site.metrics.exposed()
    finally:
        site.close()
