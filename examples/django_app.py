"""Uploads checked by a Django upload handler: a whole project in one file.

hashmatch list import ... && hashmatch index build
python examples/django_app.py runserver
curl -F file=@picture.jpg localhost:8000/photos
"""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

import hashmatch as hm

matcher = hm.Matcher.open()
matcher.follow()
gate = hm.UploadGate(matcher, hm.Policy(), deadline=5.0)


def context(request: HttpRequest) -> dict[str, Any]:
    """Say who uploads, for the audit record."""
    return {"user": request.headers.get("X-User", "unknown")}


settings.configure(
    DEBUG=False,
    SECRET_KEY="change me",
    ALLOWED_HOSTS=["localhost", "127.0.0.1", "testserver"],
    ROOT_URLCONF=__name__,
    # alone: Django's own handlers would write large uploads to temporary files as they arrive
    FILE_UPLOAD_HANDLERS=["hashmatch.service.django.CheckedUploadHandler"],
    HASHMATCH_GATE=gate,
    HASHMATCH_CONTEXT=context,
)


def add_photo(request: HttpRequest) -> JsonResponse:
    """Store a photo that may be stored; a refused one ends in 403 before this."""
    photo = request.FILES["file"]
    return JsonResponse({"stored": photo.size, "why": photo.decision.why}, status=201)


urlpatterns = [path("photos", add_photo)]
app = get_wsgi_application()

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
