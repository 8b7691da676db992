"""Pixels to hash values, with a quality for every perceptual type."""
