"""One module per format hash lists are written in."""
