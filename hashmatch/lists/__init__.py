"""Hash lists: formats, checks and the catalog."""
