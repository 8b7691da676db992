"""Uploads checked by ASGI middleware, in front of any Starlette, FastAPI, Litestar or bare app.

hashmatch list import ... && hashmatch index build
uvicorn examples.asgi_app:app
curl --data-binary @picture.jpg localhost:8000/upload
"""

from __future__ import annotations

import json
import logging
from typing import Any

import hashmatch as hm
from hashmatch.service.asgi import UploadCheck

audit = logging.getLogger("audit")

# what was not checked in full goes to a moderator; what could not be checked waits
policy = hm.Policy(
    on_match=hm.Action.REJECT,
    on_partial=hm.Action.QUARANTINE,
    on_unscannable=hm.Action.QUARANTINE,
    by_reason={hm.Reason.LOW_QUALITY: hm.Action.ALLOW},  # plain colours, tiny icons
)
matcher = hm.Matcher.open()  # the home named by HASHMATCH_HOME
matcher.follow()  # take up new snapshots
gate = hm.UploadGate(
    matcher,
    policy,
    deadline=5.0,
    audit=lambda decision: audit.info(json.dumps(decision.to_json())),
)


async def storage(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Store an upload: the application that the middleware protects."""
    if scope["type"] != "http":
        return
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    (decision,) = scope["hashmatch"]
    where = "moderation" if decision.action is hm.Action.QUARANTINE else "storage"
    body = json.dumps({"stored": size, "in": where}).encode()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def context(scope: dict[str, Any]) -> dict[str, Any]:
    """Say who uploads, for the audit record."""
    headers = dict(scope["headers"])
    return {"user": headers.get(b"x-user", b"unknown").decode("latin-1")}


app = UploadCheck(storage, gate, paths=["/upload"], take_quarantined=True, context=context)
