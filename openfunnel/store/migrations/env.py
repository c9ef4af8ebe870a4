"""Run by Alembic: works on the connection that `openfunnel.store.schema` hands over."""

from alembic import context

from openfunnel.store.models import Base
from openfunnel.store.schema import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
