"""Members as columns of bits, and triggers that say whose bits are old; an index of who brought whom

Revision ID: 0022
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op


revision = '0022'
down_revision = '0020'
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
_BROUGHT = sa.text('referrer_id IS NOT NULL')

# Someone who joins for the first time has no member's row yet when the sender's is written, and gets one at once.
_OTHER_STANDING = """(OLD.consent {differs} NEW.consent
    OR (OLD.number_state = 'dead') {differs} (NEW.number_state = 'dead') OR OLD.key {differs} NEW.key)
    AND NOT (OLD.consent = 'none' AND NEW.consent = 'joined' AND NEW.number_state <> 'dead')"""
_SQLITE = (
    'CREATE TRIGGER member_added AFTER INSERT ON members '
    'BEGIN INSERT INTO member_changes (sender_id) VALUES (NEW.sender_id); END',
    'CREATE TRIGGER member_changed AFTER UPDATE ON members '
    'BEGIN INSERT INTO member_changes (sender_id) VALUES (NEW.sender_id); END',
    'CREATE TRIGGER member_gone AFTER DELETE ON members '
    'BEGIN INSERT INTO member_changes (sender_id) VALUES (OLD.sender_id); END',
    'CREATE TRIGGER member_standing AFTER UPDATE OF consent, number_state, key ON senders '
    f'WHEN {_OTHER_STANDING.format(differs="IS NOT")} '
    'BEGIN INSERT INTO member_changes (sender_id) '
    'SELECT sender_id FROM members WHERE sender_id = NEW.id; END',
)
# One statement of the group's is one more statement here, however many rows it writes.
_POSTGRESQL = (
    'CREATE FUNCTION note_member_changes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN '
    'INSERT INTO member_changes (sender_id) SELECT sender_id FROM changed; RETURN NULL; END $$',
    'CREATE FUNCTION note_member_standing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN '
    'INSERT INTO member_changes (sender_id) SELECT sender_id FROM members WHERE sender_id = NEW.id; RETURN NULL; END $$',
    'CREATE TRIGGER member_added AFTER INSERT ON members REFERENCING NEW TABLE AS changed '
    'FOR EACH STATEMENT EXECUTE FUNCTION note_member_changes()',
    'CREATE TRIGGER member_changed AFTER UPDATE ON members REFERENCING NEW TABLE AS changed '
    'FOR EACH STATEMENT EXECUTE FUNCTION note_member_changes()',
    'CREATE TRIGGER member_gone AFTER DELETE ON members REFERENCING OLD TABLE AS changed '
    'FOR EACH STATEMENT EXECUTE FUNCTION note_member_changes()',
    'CREATE TRIGGER member_standing AFTER UPDATE OF consent, number_state, key ON senders '
    f'FOR EACH ROW WHEN ({_OTHER_STANDING.format(differs="IS DISTINCT FROM")}) '
    'EXECUTE FUNCTION note_member_standing()',
    # Bits do not shrink: trying to takes longer than reading them.
    'ALTER TABLE member_bits ALTER COLUMN bits SET STORAGE EXTERNAL',
)


def upgrade() -> None:
    op.create_table('member_bits',
    sa.Column('block', _BIG, autoincrement=False, nullable=False),
    sa.Column('name', sa.String(length=12), nullable=False),
    sa.Column('bits', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('block', 'name', name=op.f('pk_member_bits'))
    )
    op.create_table('member_changes',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('sender_id', _BIG, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_member_changes'))
    )
    op.create_table('member_bits_state',
    sa.Column('id', _BIG, autoincrement=False, nullable=False),
    sa.Column('form', sa.String(length=200), nullable=False),
    sa.Column('version', _BIG, nullable=False),
    sa.Column('whole', sa.Boolean(), nullable=False),
    sa.Column('busy_until', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('id = 1', name=op.f('ck_member_bits_state_one_row')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_member_bits_state'))
    )
    op.create_index(
        'ix_members_referrer', 'members', ['referrer_id'], postgresql_where=_BROUGHT, sqlite_where=_BROUGHT
    )
    for statement in _SQLITE if _is_sqlite() else _POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    on = '' if _is_sqlite() else ' ON {table}'
    for name, table in (
        ('member_added', 'members'), ('member_changed', 'members'), ('member_gone', 'members'),
        ('member_standing', 'senders'),
    ):
        op.execute(f'DROP TRIGGER {name}{on.format(table=table)}')
    if not _is_sqlite():
        op.execute('DROP FUNCTION note_member_changes()')
        op.execute('DROP FUNCTION note_member_standing()')
    op.drop_index('ix_members_referrer', table_name='members')
    for table in ('member_bits_state', 'member_changes', 'member_bits'):
        op.drop_table(table)


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == 'sqlite'
