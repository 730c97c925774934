"""Broadcasts from draft to account, and their schedules

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('broadcast_events',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('broadcast_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('what', sa.String(length=20), nullable=False),
    sa.Column('by', sa.String(length=60), nullable=False),
    sa.Column('note', sa.String(length=160), server_default='', nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['broadcast_id'], ['broadcasts.id'], name=op.f('fk_broadcast_events_broadcast_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_broadcast_events'))
    )
    with op.batch_alter_table('broadcast_events', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_broadcast_events_broadcast_id'), ['broadcast_id'], unique=False)

    op.create_table('broadcast_plans',
    sa.Column('broadcast_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('as_of', sa.DateTime(timezone=True), nullable=False),
    sa.Column('after_id', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('planned', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('planned_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['broadcast_id'], ['broadcasts.id'], name=op.f('fk_broadcast_plans_broadcast_id')),
    sa.PrimaryKeyConstraint('broadcast_id', name=op.f('pk_broadcast_plans'))
    )
    op.create_table('broadcast_schedules',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('broadcast_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('cron', sa.String(length=80), server_default='', nullable=False),
    sa.Column('zone', sa.String(length=40), nullable=False),
    sa.Column('next_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('set_by', sa.String(length=60), nullable=False),
    sa.ForeignKeyConstraint(['broadcast_id'], ['broadcasts.id'], name=op.f('fk_broadcast_schedules_broadcast_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_broadcast_schedules'))
    )
    with op.batch_alter_table('broadcast_schedules', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_broadcast_schedules_broadcast_id'), ['broadcast_id'], unique=False)
        batch_op.create_index('ix_broadcast_schedules_next_at', ['next_at'], unique=False)

    op.create_table('schedule_fires',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('schedule_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('fire_time', sa.DateTime(timezone=True), nullable=False),
    sa.Column('struck_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('outcome', sa.String(length=10), nullable=False),
    sa.Column('note', sa.String(length=160), server_default='', nullable=False),
    sa.Column('broadcast_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.CheckConstraint("outcome IN ('started', 'skipped', 'refused')", name=op.f('ck_schedule_fires_outcome')),
    sa.ForeignKeyConstraint(['broadcast_id'], ['broadcasts.id'], name=op.f('fk_schedule_fires_broadcast_id')),
    sa.ForeignKeyConstraint(['schedule_id'], ['broadcast_schedules.id'], name=op.f('fk_schedule_fires_schedule_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_schedule_fires')),
    sa.UniqueConstraint('schedule_id', 'fire_time', name=op.f('uq_schedule_fires_schedule_id_fire_time'))
    )
    with op.batch_alter_table('broadcasts', schema=None) as batch_op:
        batch_op.add_column(sa.Column('name', sa.String(length=120), server_default='', nullable=False))
        batch_op.add_column(sa.Column('rule', sa.Text(), server_default='', nullable=False))
        batch_op.add_column(sa.Column('rule_json', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True))
        batch_op.add_column(sa.Column('texts', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True))
        batch_op.add_column(sa.Column('defaults', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True))
        batch_op.add_column(sa.Column('urgent', sa.Boolean(), server_default=sa.text('(false)'), nullable=False))
        batch_op.add_column(sa.Column('hours', sa.String(length=20), server_default='', nullable=False))
        batch_op.add_column(sa.Column('quiet_days', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('validity_minutes', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('created_by', sa.String(length=60), server_default='', nullable=False))
        batch_op.add_column(sa.Column('created_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('preview', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True))
        batch_op.add_column(sa.Column('previewed_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('digest', sa.String(length=64), server_default='', nullable=False))
        batch_op.add_column(sa.Column('approved_by', sa.String(length=60), server_default='', nullable=False))
        batch_op.add_column(sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('approved_digest', sa.String(length=64), server_default='', nullable=False))
        batch_op.add_column(sa.Column('alarm', sa.String(length=12), server_default='', nullable=False))
        batch_op.add_column(sa.Column('alarms_waived', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True))
        batch_op.add_column(sa.Column('begun_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('schedule_id', sa.BigInteger(), nullable=True))
        batch_op.create_index('ix_broadcasts_begun_at', ['begun_at'], unique=False)
        batch_op.create_index('ix_broadcasts_open', ['state'], unique=False, postgresql_where=sa.text("state NOT IN ('done', 'cancelled')"), sqlite_where=sa.text("state NOT IN ('done', 'cancelled')"))



def downgrade() -> None:
    with op.batch_alter_table('broadcasts', schema=None) as batch_op:
        batch_op.drop_index('ix_broadcasts_open', postgresql_where=sa.text("state NOT IN ('done', 'cancelled')"), sqlite_where=sa.text("state NOT IN ('done', 'cancelled')"))
        batch_op.drop_index('ix_broadcasts_begun_at')
        batch_op.drop_column('schedule_id')
        batch_op.drop_column('ended_at')
        batch_op.drop_column('begun_at')
        batch_op.drop_column('alarms_waived')
        batch_op.drop_column('alarm')
        batch_op.drop_column('approved_digest')
        batch_op.drop_column('approved_at')
        batch_op.drop_column('approved_by')
        batch_op.drop_column('digest')
        batch_op.drop_column('previewed_at')
        batch_op.drop_column('preview')
        batch_op.drop_column('created_at')
        batch_op.drop_column('created_by')
        batch_op.drop_column('validity_minutes')
        batch_op.drop_column('quiet_days')
        batch_op.drop_column('hours')
        batch_op.drop_column('urgent')
        batch_op.drop_column('defaults')
        batch_op.drop_column('texts')
        batch_op.drop_column('rule_json')
        batch_op.drop_column('rule')
        batch_op.drop_column('name')

    op.drop_table('schedule_fires')
    with op.batch_alter_table('broadcast_schedules', schema=None) as batch_op:
        batch_op.drop_index('ix_broadcast_schedules_next_at')
        batch_op.drop_index(batch_op.f('ix_broadcast_schedules_broadcast_id'))

    op.drop_table('broadcast_schedules')
    op.drop_table('broadcast_plans')
    with op.batch_alter_table('broadcast_events', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_broadcast_events_broadcast_id'))

    op.drop_table('broadcast_events')
