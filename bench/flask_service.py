"""The comparison: what a competent team writes in a day from the usual parts.

Flask, Pillow, pdqhash and a FAISS flat index, over the same list. ``ORIENTATIONS=8`` makes it look
for all eight orientations, as hashmatch does; with 1 it looks for the picture as it is. Run by
``bench.service`` under gunicorn.
"""

from __future__ import annotations

import io
import os
from typing import Any

import faiss
import flask
import numpy as np
import pdqhash
from PIL import Image

RADIUS = 31
ORIENTATIONS = int(os.environ.get("ORIENTATIONS", "8"))


def load() -> Any:
    """Return the index of the list named by the environment."""
    index = faiss.IndexBinaryFlat(256)
    index.add(np.load(os.environ["CODES"]))
    faiss.omp_set_num_threads(1)
    return index


app = flask.Flask(__name__)
index = load()


@app.post("/v1/match")
def match() -> dict[str, str]:
    """Answer about one picture."""
    with Image.open(io.BytesIO(flask.request.get_data())) as opened:
        pixels = np.asarray(opened.convert("RGB"))
    if ORIENTATIONS == 8:
        vectors, _ = pdqhash.compute_dihedral(pixels)
    else:
        vector, _ = pdqhash.compute(pixels)
        vectors = [vector]
    codes = np.packbits(np.asarray(vectors, np.uint8), axis=1)
    limits, _, _ = index.range_search(codes, RADIUS + 1)
    return {"verdict": "match" if limits[-1] else "no_match"}


@app.get("/health/live")
def live() -> dict[str, str]:
    """Say that the list is loaded."""
    return {"status": "live"}
