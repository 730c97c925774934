"""Keys for programs, and what was done under which idempotency key

Revision ID: 0011
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


revision = '0011'
down_revision = '0016'
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')


def upgrade() -> None:
    op.create_table('api_keys',
    sa.Column('id', ID, nullable=False),
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('lookup', sa.String(length=12), nullable=False),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('scopes', JSON, nullable=False),
    sa.Column('cities', JSON, server_default='[]', nullable=False),
    sa.Column('seats', JSON, server_default='[]', nullable=False),
    sa.Column('created_by', sa.String(length=60), server_default='', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_keys')),
    sa.UniqueConstraint('lookup', name=op.f('uq_api_keys_lookup')),
    sa.UniqueConstraint('name', name=op.f('uq_api_keys_name'))
    )
    op.create_table('api_acts',
    sa.Column('id', ID, nullable=False),
    sa.Column('key_id', ID, nullable=False),
    sa.Column('idempotency_key', sa.String(length=255), nullable=False),
    sa.Column('fingerprint', sa.String(length=64), nullable=False),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('body', sa.Text(), nullable=True),
    sa.Column('location', sa.String(length=255), server_default='', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['key_id'], ['api_keys.id'], name=op.f('fk_api_acts_key_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_acts')),
    sa.UniqueConstraint('key_id', 'idempotency_key', name=op.f('uq_api_acts_key_id_idempotency_key'))
    )
    with op.batch_alter_table('api_acts', schema=None) as batch_op:
        batch_op.create_index('ix_api_acts_created_at', ['created_at'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('api_acts', schema=None) as batch_op:
        batch_op.drop_index('ix_api_acts_created_at')

    op.drop_table('api_acts')
    op.drop_table('api_keys')
