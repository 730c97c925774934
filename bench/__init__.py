"""Measurements that anyone can repeat. Each prints a JSON object as its last line."""
