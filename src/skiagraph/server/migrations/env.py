"""Runs migrations on the connection that `skiagraph.server.database` hands over."""

from alembic import context

from skiagraph.server.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
context.config.attributes["connection"].commit()
