"""Lines of the audit log are sealed with a key, and so is its head; older lines stay as they are

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op


revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None


# Not in a batch: SQLite would write the table anew, and lose the triggers that refuse to change a line.
def upgrade() -> None:
    op.add_column('audit_entries', sa.Column('version', sa.SmallInteger(), server_default='1', nullable=False))
    op.add_column('audit_heads', sa.Column('seal', sa.String(length=64), nullable=True))


def downgrade() -> None:
    op.drop_column('audit_heads', 'seal')
    op.drop_column('audit_entries', 'version')
