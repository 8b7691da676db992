"""Reports, all made from one stream of results."""
