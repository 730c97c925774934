"""Count segments in one table: language and last day on the member's row, saved segments.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_members_filed", "members", ["city_id", "constituency_id", "affinities", "language", "sender_id"], "reachable"),
    ("ix_members_seat", "members", ["constituency_id", "affinities", "language", "sender_id"], "reachable"),
    (
        "ix_members_provincial",
        "members",
        ["provincial_id", "affinities", "language", "sender_id"],
        "reachable AND provincial_id IS NOT NULL",
    ),
    ("ix_inbound_texts_asked", "inbound_texts", ["received_at", "sender_id"], "command = 'WHERE'"),
)
_OLD_INDEXES = (
    ("ix_members_filed", "members", ["city_id", "constituency_id", "affinities", "sender_id"], "reachable"),
    ("ix_members_seat", "members", ["constituency_id", "affinities", "sender_id"], "reachable"),
)


def _make(indexes: tuple[tuple[str, str, list[str], str], ...]) -> None:
    for name, table, columns, where in indexes:
        op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def upgrade() -> None:
    for name, table, *_ in _OLD_INDEXES:
        op.drop_index(name, table_name=table)
    op.add_column("members", sa.Column("language", sa.String(length=8), nullable=True))
    op.add_column("members", sa.Column("seen_on", sa.Date(), nullable=True))
    mine = "FROM senders WHERE senders.id = members.sender_id"
    op.execute(
        f"UPDATE members SET language = (SELECT senders.language {mine}), "
        f"seen_on = (SELECT DATE(senders.last_seen_at) {mine})"
    )
    _make(_INDEXES)
    op.create_table(
        "saved_segments",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("folded", sa.String(length=160), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("json", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("saved_by", sa.String(length=60), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_segments")),
        sa.UniqueConstraint("folded", name=op.f("uq_saved_segments_folded")),
    )


def downgrade() -> None:
    op.drop_table("saved_segments")
    for name, table, *_ in _INDEXES:
        op.drop_index(name, table_name=table)
    op.drop_column("members", "seen_on")
    op.drop_column("members", "language")
    _make(_OLD_INDEXES)
