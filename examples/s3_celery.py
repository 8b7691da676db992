"""Uploads that went straight to object storage, checked by a Celery task before anyone is served.

The bucket that receives uploads serves nobody. S3 tells a queue of every new object, whatever
reads the queue calls ``on_event``, and the task moves what may be served.

hashmatch list import ... && hashmatch index build
pip install boto3 celery
celery --app examples.s3_celery worker
"""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import unquote_plus

import boto3
import celery

import hashmatch as hm

LARGEST = 32 * 1024 * 1024
app = celery.Celery("uploads", broker="amqp://localhost")
s3 = boto3.client("s3")

# without an answer nothing may happen to the object, so the task is tried again
policy = hm.Policy(
    on_error=hm.Action.RAISE,
    on_timeout=hm.Action.RAISE,
    on_overload=hm.Action.RAISE,
)


@cache
def gate() -> hm.UploadGate:
    """Open the matcher in the process that uses it: Celery forks its workers."""
    matcher = hm.Matcher.open(isolation="workers")
    matcher.follow()
    return hm.UploadGate(matcher, policy, deadline=30.0)


def on_event(event: dict[str, Any]) -> None:
    """Put a task into the queue for each object of an S3 event."""
    for record in event["Records"]:
        found = record["s3"]
        check.delay(found["bucket"]["name"], unquote_plus(found["object"]["key"]))


@app.task(  # type: ignore[untyped-decorator]  # Celery has no types
    acks_late=True, autoretry_for=(Exception,), retry_backoff=True, max_retries=None
)
def check(bucket: str, key: str) -> None:
    """Move an object to where it is served, to where moderators look, or delete it."""
    found = s3.get_object(Bucket=bucket, Key=key)
    context = {"object": key}
    if found["ContentLength"] > LARGEST:
        decision = gate().refuse(hm.Reason.TOO_MANY_BYTES, context=context)
    else:
        decision = gate().check(found["Body"].read(), context=context)
    target = {hm.Action.ALLOW: "served", hm.Action.QUARANTINE: "moderation"}.get(decision.action)
    if target:
        s3.copy_object(
            Bucket=target,
            Key=key,
            CopySource={"Bucket": bucket, "Key": key},
            CopySourceIfMatch=found["ETag"],  # what was checked, not what took its place since
        )
    s3.delete_object(Bucket=bucket, Key=key, IfMatch=found["ETag"])
