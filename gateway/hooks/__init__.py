"""Signed outgoing webhooks (docs/hooks.md): what happened is written with what caused it, and told by the clock."""
