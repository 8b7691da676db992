"""The readable twin of every kernel, one module per kernel family."""
