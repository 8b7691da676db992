"""Compiled kernels. Import them through :mod:`hashmatch.kernels` only."""
