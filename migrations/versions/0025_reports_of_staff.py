"""What each of the staff has in hand is looked up by whose it is: it read every report, for each that calls somebody

Revision ID: 0025
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op


revision = '0025'
down_revision = '0024'
branch_labels = None
depends_on = None

_ASSIGNED = sa.text('assignee_id IS NOT NULL')


def upgrade() -> None:
    op.create_index(
        'ix_reports_assignee', 'reports', ['assignee_id'], postgresql_where=_ASSIGNED, sqlite_where=_ASSIGNED
    )


def downgrade() -> None:
    op.drop_index('ix_reports_assignee', table_name='reports')
