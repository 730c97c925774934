"""The indexes of the member list and of Now serve only queries that name every id: SQLite counted segments from them

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op


revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None

_ALL = sa.text('sender_id > 0')


def upgrade() -> None:
    op.drop_index('ix_members_city', table_name='members')
    op.drop_index('ix_members_joined_at', table_name='members')
    op.create_index(
        'ix_members_city', 'members', ['city_id', 'sender_id'], postgresql_where=_ALL, sqlite_where=_ALL
    )
    op.create_index('ix_members_joined_at', 'members', ['joined_at'], postgresql_where=_ALL, sqlite_where=_ALL)


def downgrade() -> None:
    op.drop_index('ix_members_city', table_name='members')
    op.drop_index('ix_members_joined_at', table_name='members')
    op.create_index('ix_members_city', 'members', ['city_id', 'sender_id'])
    op.create_index('ix_members_joined_at', 'members', ['joined_at'])
