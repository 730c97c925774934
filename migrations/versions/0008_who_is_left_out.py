"""Count who of an audience cannot be reached from an index of their own.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_members_unreachable",
        "members",
        ["city_id", "constituency_id", "affinities", "language", "sender_id"],
        sqlite_where=sa.text("NOT reachable"),
        postgresql_where=sa.text("NOT reachable"),
    )


def downgrade() -> None:
    op.drop_index("ix_members_unreachable", table_name="members")
