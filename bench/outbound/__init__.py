"""Texts per second of the whole outbound path, beside the bare SDK and a naive loop, against one loopback server."""
