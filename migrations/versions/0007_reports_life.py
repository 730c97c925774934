"""Reports: their life, triage, clusters, escalation and duty

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('report_trends',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('event_key', sa.String(length=60), nullable=False),
    sa.Column('hour', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('term', sa.String(length=140), nullable=False),
    sa.Column('before', sa.Integer(), nullable=False),
    sa.Column('now', sa.Integer(), nullable=False),
    sa.Column('examples', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_report_trends')),
    sa.UniqueConstraint('event_key', 'hour', 'kind', 'term', name=op.f('uq_report_trends_event_key_hour_kind_term'))
    )
    op.create_table('staff_duties',
    sa.Column('staff_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('on_duty', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('areas', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
    sa.Column('skills', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f('fk_staff_duties_staff_id')),
    sa.PrimaryKeyConstraint('staff_id', name=op.f('pk_staff_duties'))
    )
    op.create_table('report_links',
    sa.Column('report_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('parent_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('state', sa.String(length=10), server_default='proposed', nullable=False),
    sa.Column('score', sa.Float(), nullable=False),
    sa.Column('why', sa.String(length=160), nullable=False),
    sa.Column('by', sa.String(length=60), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("state IN ('proposed', 'accepted', 'refused')", name=op.f('ck_report_links_state')),
    sa.ForeignKeyConstraint(['parent_id'], ['reports.id'], name=op.f('fk_report_links_parent_id')),
    sa.ForeignKeyConstraint(['report_id'], ['reports.id'], name=op.f('fk_report_links_report_id')),
    sa.PrimaryKeyConstraint('report_id', 'parent_id', name=op.f('pk_report_links'))
    )
    with op.batch_alter_table('report_links', schema=None) as batch_op:
        batch_op.create_index('ix_report_links_parent', ['parent_id', 'state'], unique=False)

    op.create_table('report_steps',
    sa.Column('report_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('cycle', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('step', sa.String(length=20), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['report_id'], ['reports.id'], name=op.f('fk_report_steps_report_id')),
    sa.PrimaryKeyConstraint('report_id', 'cycle', 'step', name=op.f('pk_report_steps'))
    )
    with op.batch_alter_table('report_entries', schema=None) as batch_op:
        batch_op.add_column(sa.Column('state', sa.String(length=16), nullable=True))
        batch_op.create_index(batch_op.f('ix_report_entries_inbound_id'), ['inbound_id'], unique=False)

    with op.batch_alter_table('reports', schema=None) as batch_op:
        batch_op.add_column(sa.Column('category', sa.String(length=12), server_default='other', nullable=False))
        batch_op.add_column(sa.Column('kind', sa.String(length=10), server_default='help', nullable=False))
        batch_op.add_column(sa.Column('urgency', sa.Integer(), server_default='1', nullable=False))
        batch_op.add_column(sa.Column('because', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), server_default='[]', nullable=False))
        batch_op.add_column(sa.Column('judged', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True))
        batch_op.add_column(sa.Column('place', sa.String(length=120), server_default='', nullable=False))
        batch_op.add_column(sa.Column('place_key', sa.String(length=140), server_default='', nullable=False))
        batch_op.add_column(sa.Column('lat', sa.Float(), nullable=True))
        batch_op.add_column(sa.Column('lon', sa.Float(), nullable=True))
        batch_op.add_column(sa.Column('language', sa.String(length=8), server_default='en', nullable=False))
        batch_op.add_column(sa.Column('assignee_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
        batch_op.add_column(sa.Column('parent_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True))
        batch_op.add_column(sa.Column('witnesses', sa.Integer(), server_default='1', nullable=False))
        batch_op.add_column(sa.Column('cycle', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('media', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('last_text_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.alter_column('ref',
               existing_type=sa.VARCHAR(length=8),
               type_=sa.String(length=10),
               existing_nullable=False)
        batch_op.create_index('ix_reports_open', ['urgency', 'opened_at'], unique=False, postgresql_where=sa.text("state IN ('received', 'acknowledged', 'assigned', 'in_progress', 'reopened')"), sqlite_where=sa.text("state IN ('received', 'acknowledged', 'assigned', 'in_progress', 'reopened')"))
        batch_op.create_index('ix_reports_opened_at', ['opened_at'], unique=False)
        batch_op.create_index('ix_reports_parent', ['parent_id'], unique=False)
        batch_op.create_index('ix_reports_resolved', ['updated_at'], unique=False, postgresql_where=sa.text("state = 'resolved'"), sqlite_where=sa.text("state = 'resolved'"))
        batch_op.create_check_constraint(batch_op.f('ck_reports_urgency'), 'urgency BETWEEN 0 AND 3')
        batch_op.create_foreign_key(batch_op.f('fk_reports_parent_id'), 'reports', ['parent_id'], ['id'])
        batch_op.create_foreign_key(batch_op.f('fk_reports_assignee_id'), 'staff', ['assignee_id'], ['id'])



def downgrade() -> None:
    with op.batch_alter_table('reports', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('ck_reports_urgency'), type_='check')
        batch_op.drop_constraint(batch_op.f('fk_reports_assignee_id'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('fk_reports_parent_id'), type_='foreignkey')
        batch_op.drop_index('ix_reports_resolved', postgresql_where=sa.text("state = 'resolved'"), sqlite_where=sa.text("state = 'resolved'"))
        batch_op.drop_index('ix_reports_parent')
        batch_op.drop_index('ix_reports_opened_at')
        batch_op.drop_index('ix_reports_open', postgresql_where=sa.text("state IN ('received', 'acknowledged', 'assigned', 'in_progress', 'reopened')"), sqlite_where=sa.text("state IN ('received', 'acknowledged', 'assigned', 'in_progress', 'reopened')"))
        batch_op.alter_column('ref',
               existing_type=sa.String(length=10),
               type_=sa.VARCHAR(length=8),
               existing_nullable=False)
        batch_op.drop_column('last_text_at')
        batch_op.drop_column('media')
        batch_op.drop_column('cycle')
        batch_op.drop_column('witnesses')
        batch_op.drop_column('parent_id')
        batch_op.drop_column('assignee_id')
        batch_op.drop_column('language')
        batch_op.drop_column('lon')
        batch_op.drop_column('lat')
        batch_op.drop_column('place_key')
        batch_op.drop_column('place')
        batch_op.drop_column('judged')
        batch_op.drop_column('because')
        batch_op.drop_column('urgency')
        batch_op.drop_column('kind')
        batch_op.drop_column('category')

    with op.batch_alter_table('report_entries', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_report_entries_inbound_id'))
        batch_op.drop_column('state')

    op.drop_table('report_steps')
    with op.batch_alter_table('report_links', schema=None) as batch_op:
        batch_op.drop_index('ix_report_links_parent')

    op.drop_table('report_links')
    op.drop_table('staff_duties')
    op.drop_table('report_trends')
