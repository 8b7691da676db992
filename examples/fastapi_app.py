"""Uploads checked by a FastAPI dependency, in the one endpoint that takes them.

hashmatch list import ... && hashmatch index build
uvicorn examples.fastapi_app:app
curl -F file=@picture.jpg localhost:8000/photos
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, FastAPI
from starlette.requests import Request

import hashmatch as hm
from hashmatch.service.dependency import Checked, CheckedUpload

matcher = hm.Matcher.open()
matcher.follow()
gate = hm.UploadGate(matcher, hm.Policy(on_unscannable=hm.Action.REJECT))


def context(request: Request) -> dict[str, Any]:
    """Say who uploads, for the audit record."""
    return {"user": request.headers.get("x-user", "unknown")}


app = FastAPI()
Upload = Annotated[Checked, Depends(CheckedUpload(gate, context=context))]


@app.post("/photos", status_code=201)
async def add_photo(upload: Upload) -> dict[str, Any]:
    """Store a photo that may be stored."""
    if upload.decision.action is hm.Action.QUARANTINE:
        return {"stored": len(upload.data), "in": "moderation"}
    return {"stored": len(upload.data), "in": "storage"}
