"""Counts over texts and members for pages that are looked at all day: quick with a million texts on file."""
