"""Readers of hash-list formats, each a stream of entries."""
