"""Bytes to pixels: sniffing, limits and the one canonical decode."""
