"""Outgoing webhooks: endpoints, events, deliveries

Revision ID: 0012
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


revision = '0012'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('hook_endpoints',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('url', sa.String(length=500), nullable=False),
    sa.Column('kinds', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
    sa.Column('with_phones', sa.Boolean(), server_default=sa.text('(false)'), nullable=False),
    sa.Column('with_texts', sa.Boolean(), server_default=sa.text('(false)'), nullable=False),
    sa.Column('secret', sa.Text(), nullable=False),
    sa.Column('old_secret', sa.Text(), nullable=True),
    sa.Column('old_secret_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_by', sa.String(length=60), server_default='', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('failures', sa.Integer(), server_default='0', nullable=False),
    sa.Column('failing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('held_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('disabled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('disabled_reason', sa.String(length=160), server_default='', nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hook_endpoints'))
    )
    op.create_table('hook_events',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('uid', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('subject_id', sa.BigInteger(), nullable=False),
    sa.Column('facts', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('spread_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hook_events')),
    sa.UniqueConstraint('uid', name=op.f('uq_hook_events_uid'))
    )
    with op.batch_alter_table('hook_events', schema=None) as batch_op:
        batch_op.create_index('ix_hook_events_new', ['id'], unique=False, postgresql_where=sa.text('spread_at IS NULL'), sqlite_where=sa.text('spread_at IS NULL'))

    op.create_table('hook_deliveries',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('event_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('endpoint_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('state', sa.String(length=12), server_default='waiting', nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('claimed_by', sa.String(length=40), nullable=True),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('error', sa.String(length=120), server_default='', nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('waiting', 'delivered', 'given_up')", name=op.f('ck_hook_deliveries_state')),
    sa.ForeignKeyConstraint(['endpoint_id'], ['hook_endpoints.id'], name=op.f('fk_hook_deliveries_endpoint_id')),
    sa.ForeignKeyConstraint(['event_id'], ['hook_events.id'], name=op.f('fk_hook_deliveries_event_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hook_deliveries')),
    sa.UniqueConstraint('endpoint_id', 'event_id', name=op.f('uq_hook_deliveries_endpoint_id_event_id'))
    )
    with op.batch_alter_table('hook_deliveries', schema=None) as batch_op:
        batch_op.create_index('ix_hook_deliveries_event_id', ['event_id'], unique=False)
        batch_op.create_index('ix_hook_deliveries_waiting', ['endpoint_id', 'due_at'], unique=False, postgresql_where=sa.text("state = 'waiting'"), sqlite_where=sa.text("state = 'waiting'"))


def downgrade() -> None:
    with op.batch_alter_table('hook_deliveries', schema=None) as batch_op:
        batch_op.drop_index('ix_hook_deliveries_waiting', postgresql_where=sa.text("state = 'waiting'"), sqlite_where=sa.text("state = 'waiting'"))
        batch_op.drop_index('ix_hook_deliveries_event_id')

    op.drop_table('hook_deliveries')
    with op.batch_alter_table('hook_events', schema=None) as batch_op:
        batch_op.drop_index('ix_hook_events_new', postgresql_where=sa.text('spread_at IS NULL'), sqlite_where=sa.text('spread_at IS NULL'))

    op.drop_table('hook_events')
    op.drop_table('hook_endpoints')
