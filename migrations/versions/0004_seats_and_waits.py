"""Seats and who holds them, what was asked for, and places that nobody knew.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Tables that SQLite must copy come before those that point at them.
    with op.batch_alter_table('departures', schema=None) as batch_op:
        batch_op.add_column(sa.Column('held', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('boarded', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('late_minutes', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('left_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('live_rev', sa.BigInteger(), server_default='0', nullable=False))
        batch_op.create_check_constraint(op.f('ck_departures_held'), 'held >= 0 AND (seats IS NULL OR held <= seats)')
        batch_op.create_index('ix_departures_live_rev', ['live_rev'], unique=False, postgresql_where=sa.text('live_rev > 0'))

    with op.batch_alter_table('pickup_points', schema=None) as batch_op:
        batch_op.add_column(sa.Column('aliases', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), server_default=sa.text("'[]'"), nullable=False))
        batch_op.add_column(sa.Column('marshal', sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column('live_rev', sa.BigInteger(), server_default='0', nullable=False))
        batch_op.create_index('ix_pickup_points_live_rev', ['live_rev'], unique=False, postgresql_where=sa.text('live_rev > 0'))
        batch_op.create_index(batch_op.f('ix_pickup_points_marshal'), ['marshal'], unique=False)

    op.create_table('unmatched_places',
        sa.Column('key', sa.String(length=80), nullable=False),
        sa.Column('words', sa.String(length=80), nullable=False),
        sa.Column('near', sa.String(length=120), nullable=False),
        sa.Column('times', sa.Integer(), nullable=False),
        sa.Column('first_asked_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('last_asked_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('alias_of', sa.String(length=120), nullable=True),
        sa.PrimaryKeyConstraint('key', name=op.f('pk_unmatched_places'))
    )
    op.create_table('pickup_asks',
        sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('event_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
        sa.Column('place', sa.String(length=120), nullable=False),
        sa.Column('lat', sa.Float(), nullable=False),
        sa.Column('lon', sa.Float(), nullable=False),
        sa.Column('nearest_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
        sa.Column('offered_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
        sa.Column('metres', sa.Integer(), nullable=True),
        sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['event_id'], ['events.id'], name=op.f('fk_pickup_asks_event_id')),
        sa.ForeignKeyConstraint(['nearest_id'], ['pickup_points.id'], name=op.f('fk_pickup_asks_nearest_id')),
        sa.ForeignKeyConstraint(['offered_id'], ['pickup_points.id'], name=op.f('fk_pickup_asks_offered_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_pickup_asks'))
    )
    with op.batch_alter_table('pickup_asks', schema=None) as batch_op:
        batch_op.create_index('ix_pickup_asks_event', ['event_id', 'asked_at'], unique=False)

    op.create_table('seat_waits',
        sa.Column('sender_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
        sa.Column('pickup_point_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
        sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('told_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(['pickup_point_id'], ['pickup_points.id'], name=op.f('fk_seat_waits_pickup_point_id')),
        sa.ForeignKeyConstraint(['sender_id'], ['senders.id'], name=op.f('fk_seat_waits_sender_id')),
        sa.PrimaryKeyConstraint('sender_id', 'pickup_point_id', name=op.f('pk_seat_waits'))
    )
    with op.batch_alter_table('seat_waits', schema=None) as batch_op:
        batch_op.create_index('ix_seat_waits_untold', ['pickup_point_id'], unique=False, postgresql_where=sa.text('told_at IS NULL'), sqlite_where=sa.text('told_at IS NULL'))

    op.create_table('walk_requests',
        sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('sender_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('pickup_point_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('language', sa.String(length=8), nullable=False),
        sa.Column('lat', sa.Float(), nullable=False),
        sa.Column('lon', sa.Float(), nullable=False),
        sa.Column('tries', sa.Integer(), server_default='0', nullable=False),
        sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['pickup_point_id'], ['pickup_points.id'], name=op.f('fk_walk_requests_pickup_point_id')),
        sa.ForeignKeyConstraint(['sender_id'], ['senders.id'], name=op.f('fk_walk_requests_sender_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_walk_requests'))
    )
    with op.batch_alter_table('walk_requests', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_walk_requests_sender_id'), ['sender_id'], unique=False)

    op.create_table('seat_holds',
        sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('departure_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('sender_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
        sa.Column('seats', sa.Integer(), nullable=False),
        sa.Column('state', sa.String(length=10), nullable=False),
        sa.Column('held_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('until', sa.DateTime(timezone=True), nullable=False),
        sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('held', 'freed', 'lapsed', 'travelled')", name=op.f('ck_seat_holds_state')),
        sa.CheckConstraint('seats >= 1', name=op.f('ck_seat_holds_seats')),
        sa.ForeignKeyConstraint(['departure_id'], ['departures.id'], name=op.f('fk_seat_holds_departure_id')),
        sa.ForeignKeyConstraint(['sender_id'], ['senders.id'], name=op.f('fk_seat_holds_sender_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_seat_holds'))
    )
    with op.batch_alter_table('seat_holds', schema=None) as batch_op:
        batch_op.create_index('ix_seat_holds_departure_id', ['departure_id', 'state'], unique=False)
        batch_op.create_index(batch_op.f('ix_seat_holds_sender_id'), ['sender_id'], unique=False)
        batch_op.create_index('ix_seat_holds_until', ['until'], unique=False, postgresql_where=sa.text("state = 'held'"), sqlite_where=sa.text("state = 'held'"))
        batch_op.create_index('uq_seat_holds_running', ['sender_id'], unique=True, postgresql_where=sa.text("state = 'held'"), sqlite_where=sa.text("state = 'held'"))


def downgrade() -> None:
    with op.batch_alter_table('seat_holds', schema=None) as batch_op:
        batch_op.drop_index('uq_seat_holds_running', postgresql_where=sa.text("state = 'held'"), sqlite_where=sa.text("state = 'held'"))
        batch_op.drop_index('ix_seat_holds_until', postgresql_where=sa.text("state = 'held'"), sqlite_where=sa.text("state = 'held'"))
        batch_op.drop_index(batch_op.f('ix_seat_holds_sender_id'))
        batch_op.drop_index('ix_seat_holds_departure_id')

    op.drop_table('seat_holds')
    with op.batch_alter_table('walk_requests', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_walk_requests_sender_id'))

    op.drop_table('walk_requests')
    with op.batch_alter_table('seat_waits', schema=None) as batch_op:
        batch_op.drop_index('ix_seat_waits_untold', postgresql_where=sa.text('told_at IS NULL'), sqlite_where=sa.text('told_at IS NULL'))

    op.drop_table('seat_waits')
    with op.batch_alter_table('pickup_asks', schema=None) as batch_op:
        batch_op.drop_index('ix_pickup_asks_event')

    op.drop_table('pickup_asks')
    op.drop_table('unmatched_places')
    with op.batch_alter_table('pickup_points', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_pickup_points_marshal'))
        batch_op.drop_index('ix_pickup_points_live_rev', postgresql_where=sa.text('live_rev > 0'))
        batch_op.drop_column('live_rev')
        batch_op.drop_column('marshal')
        batch_op.drop_column('aliases')

    with op.batch_alter_table('departures', schema=None) as batch_op:
        batch_op.drop_index('ix_departures_live_rev', postgresql_where=sa.text('live_rev > 0'))
        batch_op.drop_constraint(op.f('ck_departures_held'), type_='check')
        batch_op.drop_column('live_rev')
        batch_op.drop_column('left_at')
        batch_op.drop_column('late_minutes')
        batch_op.drop_column('boarded')
        batch_op.drop_column('held')
