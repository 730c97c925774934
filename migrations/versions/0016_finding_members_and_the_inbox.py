"""Finding members, imports that wait, and the inbox

Revision ID: 0016
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from gateway.members.terms import terms_of


revision = '0016'
down_revision = '0009'
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
_JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')
_TERM = sa.String(length=40).with_variant(sa.String(length=40, collation='C'), 'postgresql')
_CHUNK = 5_000


def upgrade() -> None:
    op.create_table('member_terms',
    sa.Column('term', _TERM, nullable=False),
    sa.Column('sender_id', _BIG, autoincrement=False, nullable=False),
    sa.ForeignKeyConstraint(['sender_id'], ['senders.id'], name=op.f('fk_member_terms_sender_id')),
    sa.PrimaryKeyConstraint('term', 'sender_id', name=op.f('pk_member_terms')),
    sqlite_with_rowid=False
    )
    op.create_table('member_imports',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('key', sa.String(length=40), nullable=False),
    sa.Column('file_name', sa.String(length=120), nullable=False),
    sa.Column('content', sa.Text(), nullable=True),
    sa.Column('state', sa.String(length=8), server_default='waiting', nullable=False),
    sa.Column('applied_to', sa.Integer(), server_default='0', nullable=False),
    sa.Column('counts', _JSON, server_default='{}', nullable=False),
    sa.Column('created_by', sa.String(length=60), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('waiting', 'running', 'done', 'dropped')", name=op.f('ck_member_imports_state')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_member_imports')),
    sa.UniqueConstraint('key', name=op.f('uq_member_imports_key'))
    )
    with op.batch_alter_table('member_imports', schema=None) as batch_op:
        batch_op.create_index('ix_member_imports_created_at', ['created_at'], unique=False)

    op.create_table('inbox_threads',
    sa.Column('sender_id', _BIG, autoincrement=False, nullable=False),
    sa.Column('state', sa.String(length=8), server_default='unread', nullable=False),
    sa.Column('assignee_id', _BIG, nullable=True),
    sa.Column('last_inbound_id', sa.BigInteger(), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("state IN ('unread', 'open', 'answered', 'closed')", name=op.f('ck_inbox_threads_state')),
    sa.ForeignKeyConstraint(['assignee_id'], ['staff.id'], name=op.f('fk_inbox_threads_assignee_id')),
    sa.ForeignKeyConstraint(['sender_id'], ['senders.id'], name=op.f('fk_inbox_threads_sender_id')),
    sa.PrimaryKeyConstraint('sender_id', name=op.f('pk_inbox_threads'))
    )
    waiting = sa.text("state IN ('unread', 'open')")
    with op.batch_alter_table('inbox_threads', schema=None) as batch_op:
        batch_op.create_index('ix_inbox_threads_last_at', ['last_at', 'sender_id'], unique=False)
        batch_op.create_index('ix_inbox_threads_waiting', ['last_at', 'sender_id'], unique=False, postgresql_where=waiting, sqlite_where=waiting)

    op.create_table('inbox_entries',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('sender_id', _BIG, nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('by', sa.String(length=60), nullable=False),
    sa.Column('text', sa.Text(), server_default='', nullable=False),
    sa.Column('outbound_id', _BIG, nullable=True),
    sa.Column('once', sa.String(length=60), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("kind IN ('reply', 'note', 'handover', 'report', 'close', 'open')", name=op.f('ck_inbox_entries_kind')),
    sa.ForeignKeyConstraint(['outbound_id'], ['outbound_texts.id'], name=op.f('fk_inbox_entries_outbound_id')),
    sa.ForeignKeyConstraint(['sender_id'], ['senders.id'], name=op.f('fk_inbox_entries_sender_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inbox_entries')),
    sa.UniqueConstraint('sender_id', 'once', name=op.f('uq_inbox_entries_sender_id_once'))
    )
    with op.batch_alter_table('inbox_entries', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_inbox_entries_outbound_id'), ['outbound_id'], unique=False)

    op.create_table('canned_answers',
    sa.Column('id', _BIG, nullable=False),
    sa.Column('title', sa.String(length=80), nullable=False),
    sa.Column('texts', _JSON, nullable=False),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.Column('changed_by', sa.String(length=60), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_canned_answers')),
    sa.UniqueConstraint('title', name=op.f('uq_canned_answers_title'))
    )
    op.create_index('ix_members_city', 'members', ['city_id', 'sender_id'], unique=False)
    _find_members_on_file()
    op.create_index('ix_member_terms_sender_id', 'member_terms', ['sender_id'], unique=False)


def _find_members_on_file() -> None:
    """Fill in what the members there are by now are found by."""
    connection, after = op.get_bind(), 0
    terms = sa.table('member_terms', sa.column('term', sa.String), sa.column('sender_id', sa.BigInteger))
    wanted = sa.text(
        'SELECT m.sender_id, m.name, s.key FROM members m JOIN senders s ON s.id = m.sender_id '
        'WHERE m.sender_id > :after ORDER BY m.sender_id LIMIT :chunk'
    )
    while rows := connection.execute(wanted, {'after': after, 'chunk': _CHUNK}).all():
        found = [{'term': term, 'sender_id': row.sender_id} for row in rows for term in terms_of(row.name, row.key)]
        if found:
            connection.execute(sa.insert(terms), found)
        after = rows[-1].sender_id


def downgrade() -> None:
    op.drop_index('ix_members_city', table_name='members')
    for table in ('canned_answers', 'inbox_entries', 'inbox_threads', 'member_imports', 'member_terms'):
        op.drop_table(table)
