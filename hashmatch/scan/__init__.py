"""Walking a tree of evidence and answering every file in it."""
