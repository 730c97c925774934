"""Broadcasts: draft, preview, approve, plan into the outbox, pause, account; and schedules."""
