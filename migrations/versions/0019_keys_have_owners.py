"""API keys belong to a person; what a key may do is counted over all processes

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op


revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None

_WHEN = sa.DateTime(timezone=True)
_BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    # Said by hand: SQLite can add such a column only in one piece, without making the table anew, which others point to.
    kind = 'INTEGER' if op.get_bind().dialect.name == 'sqlite' else 'BIGINT'
    op.execute(
        f'ALTER TABLE api_keys ADD COLUMN owner_id {kind} CONSTRAINT fk_api_keys_owner_id_staff REFERENCES staff (id)'
    )
    # Keys made in the console are known by their maker. Those made by the command name a user of the machine, who may
    # be called like one of the staff and be another: `jalsa keys own` says whose they are.
    op.execute(
        "UPDATE api_keys SET owner_id = (SELECT staff.id FROM staff WHERE staff.login = api_keys.created_by AND EXISTS ("
        "SELECT 1 FROM audit_entries a WHERE a.action = 'key.added' AND a.subject = 'key:' || api_keys.name"
        " AND a.by = api_keys.created_by))"
    )
    op.create_table('api_budgets',
    sa.Column('key_id', _BIG, autoincrement=False, nullable=False),
    sa.Column('left', sa.Float(), nullable=False),
    sa.Column('at', _WHEN, nullable=False),
    sa.ForeignKeyConstraint(['key_id'], ['api_keys.id'], name=op.f('fk_api_budgets_key_id_api_keys')),
    sa.PrimaryKeyConstraint('key_id', name=op.f('pk_api_budgets'))
    )
    op.create_table('api_streams',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('key_id', _BIG, nullable=False),
    sa.Column('seen_at', _WHEN, nullable=False),
    sa.ForeignKeyConstraint(['key_id'], ['api_keys.id'], name=op.f('fk_api_streams_key_id_api_keys')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_streams'))
    )
    op.create_index('ix_api_streams_key_id', 'api_streams', ['key_id'])


def downgrade() -> None:
    op.drop_table('api_streams')
    op.drop_table('api_budgets')
    op.execute('ALTER TABLE api_keys DROP COLUMN owner_id')
