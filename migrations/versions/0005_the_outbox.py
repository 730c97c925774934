"""The outbox: what an outbound text waits for, broadcasts, carriers and alerts

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('broadcasts',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('key', sa.String(length=60), nullable=False),
    sa.Column('state', sa.String(length=12), server_default='draft', nullable=False),
    sa.Column('state_reason', sa.String(length=160), server_default='', nullable=False),
    sa.Column('spike_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('spike_ended', sa.Integer(), server_default='0', nullable=False),
    sa.Column('spike_blocked', sa.Integer(), server_default='0', nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_broadcasts')),
    sa.UniqueConstraint('key', name=op.f('uq_broadcasts_key'))
    )
    op.create_table('carrier_states',
    sa.Column('name', sa.String(length=20), nullable=False),
    sa.Column('busy_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failures', sa.Integer(), server_default='0', nullable=False),
    sa.Column('probe_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('held_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('halted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('halt_reason', sa.String(length=160), server_default='', nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_carrier_states'))
    )
    op.create_table('alerts',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('carrier', sa.String(length=20), nullable=True),
    sa.Column('broadcast_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('reason', sa.String(length=160), nullable=False),
    sa.Column('raised_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('cleared_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['broadcast_id'], ['broadcasts.id'], name=op.f('fk_alerts_broadcast_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_alerts'))
    )
    op.create_table('broadcast_topics',
    sa.Column('broadcast_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('topic', sa.String(length=80), nullable=False),
    sa.ForeignKeyConstraint(['broadcast_id'], ['broadcasts.id'], name=op.f('fk_broadcast_topics_broadcast_id')),
    sa.PrimaryKeyConstraint('broadcast_id', 'topic', name=op.f('pk_broadcast_topics'))
    )
    with op.batch_alter_table('outbound_texts', schema=None) as batch_op:
        batch_op.add_column(sa.Column('broadcast_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
        batch_op.add_column(sa.Column('lane', sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column('not_before', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('attempts', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('retried', sa.Boolean(), server_default=sa.text('(false)'), nullable=False))
        batch_op.add_column(sa.Column('looks', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('attempted_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('claimed_by', sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('reason', sa.String(length=160), nullable=True))
        batch_op.create_index('ix_outbound_texts_open', ['state', 'lease_until'], unique=False, postgresql_where=sa.text("state IN ('attempted', 'uncertain')"), sqlite_where=sa.text("state IN ('attempted', 'uncertain')"))
        batch_op.create_index('ix_outbound_texts_queue', ['lane', 'not_before', 'id'], unique=False, postgresql_where=sa.text("state = 'queued'"), sqlite_where=sa.text("state = 'queued'"))
        batch_op.create_index('uq_outbound_texts_broadcast', ['broadcast_id', 'sender_id'], unique=True, postgresql_where=sa.text('broadcast_id IS NOT NULL'), sqlite_where=sa.text('broadcast_id IS NOT NULL'))
        batch_op.create_foreign_key(batch_op.f('fk_outbound_texts_broadcast_id'), 'broadcasts', ['broadcast_id'], ['id'])



def downgrade() -> None:
    with op.batch_alter_table('outbound_texts', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_outbound_texts_broadcast_id'), type_='foreignkey')
        batch_op.drop_index('uq_outbound_texts_broadcast', postgresql_where=sa.text('broadcast_id IS NOT NULL'), sqlite_where=sa.text('broadcast_id IS NOT NULL'))
        batch_op.drop_index('ix_outbound_texts_queue', postgresql_where=sa.text("state = 'queued'"), sqlite_where=sa.text("state = 'queued'"))
        batch_op.drop_index('ix_outbound_texts_open', postgresql_where=sa.text("state IN ('attempted', 'uncertain')"), sqlite_where=sa.text("state IN ('attempted', 'uncertain')"))
        batch_op.drop_column('reason')
        batch_op.drop_column('lease_until')
        batch_op.drop_column('claimed_by')
        batch_op.drop_column('attempted_at')
        batch_op.drop_column('looks')
        batch_op.drop_column('retried')
        batch_op.drop_column('attempts')
        batch_op.drop_column('expires_at')
        batch_op.drop_column('not_before')
        batch_op.drop_column('lane')
        batch_op.drop_column('broadcast_id')

    op.drop_table('broadcast_topics')
    op.drop_table('alerts')
    op.drop_table('carrier_states')
    op.drop_table('broadcasts')
