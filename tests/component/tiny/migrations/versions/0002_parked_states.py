"""Parked events can be retried and discarded."""

from alembic import op

from shared.migrations import give_parked_events_states

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    give_parked_events_states(op.get_bind())
