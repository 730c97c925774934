"""The index of carriers' ids holds the texts that have one: a broadcast's, waiting, have none

Revision ID: 0023
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op


revision = '0023'
down_revision = '0022'
branch_labels = None
depends_on = None

_GIVEN = sa.text('carrier_id IS NOT NULL')


def upgrade() -> None:
    op.drop_index('ix_outbound_texts_carrier_id', table_name='outbound_texts')
    op.create_index(
        'ix_outbound_texts_carrier_id', 'outbound_texts', ['carrier_id'], sqlite_where=_GIVEN, postgresql_where=_GIVEN
    )


def downgrade() -> None:
    op.drop_index('ix_outbound_texts_carrier_id', table_name='outbound_texts')
    op.create_index('ix_outbound_texts_carrier_id', 'outbound_texts', ['carrier_id'])
