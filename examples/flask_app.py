"""Uploads checked by WSGI middleware, in front of Flask or any other WSGI application.

hashmatch list import ... && hashmatch index build
gunicorn examples.flask_app:app
curl -F file=@picture.jpg localhost:8000/photos
"""

from __future__ import annotations

from typing import Any

import flask

import hashmatch as hm
from hashmatch.service.wsgi import UploadCheck

matcher = hm.Matcher.open()
matcher.follow()
gate = hm.UploadGate(matcher, hm.Policy(), deadline=5.0)

app = flask.Flask(__name__)


@app.post("/photos")
def add_photo() -> tuple[dict[str, Any], int]:
    """Store a photo that may be stored; whatever reaches this was allowed."""
    photo = flask.request.files["file"]
    (decision,) = flask.request.environ["hashmatch"]
    return {"stored": len(photo.read()), "why": decision.why}, 201


app.wsgi_app = UploadCheck(  # type: ignore[method-assign]  # Flask's documented way
    app.wsgi_app,
    gate,
    paths=["/photos"],
    context=lambda environ: {"user": environ.get("HTTP_X_USER", "unknown")},
)
