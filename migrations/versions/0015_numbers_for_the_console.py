"""Texts by the hour, who of ours is alive, and indexes for what happened in the last hour

Revision ID: 0015
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op


revision = '0015'
down_revision = '0011'
branch_labels = None
depends_on = None

_ATTEMPTED = sa.text("attempted_at IS NOT NULL")


def upgrade() -> None:
    op.create_table('text_hours',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('hour', sa.DateTime(timezone=True), nullable=False),
    sa.Column('city_id', sa.BigInteger(), nullable=True),
    sa.Column('constituency_id', sa.BigInteger(), nullable=True),
    sa.Column('provincial_id', sa.BigInteger(), nullable=True),
    sa.Column('texts', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_text_hours'))
    )
    op.create_index('ix_text_hours_hour', 'text_hours', ['hour'])
    op.create_table('heartbeats',
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_heartbeats'))
    )
    op.create_index('ix_members_joined_at', 'members', ['joined_at'])
    op.create_index(
        'ix_outbound_texts_attempted', 'outbound_texts', ['attempted_at'],
        postgresql_where=_ATTEMPTED, sqlite_where=_ATTEMPTED,
    )


def downgrade() -> None:
    op.drop_index('ix_outbound_texts_attempted', table_name='outbound_texts')
    op.drop_index('ix_members_joined_at', table_name='members')
    op.drop_table('heartbeats')
    op.drop_index('ix_text_hours_hour', table_name='text_hours')
    op.drop_table('text_hours')
