"""How many reports were paged in the last minute is looked up by time: it read every step that was ever taken

Revision ID: 0024
Revises: 0023
"""

from alembic import op


revision = '0024'
down_revision = '0023'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_report_steps_step_at', 'report_steps', ['step', 'at'])


def downgrade() -> None:
    op.drop_index('ix_report_steps_step_at', table_name='report_steps')
