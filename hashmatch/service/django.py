"""A Django upload handler: files are checked before any other handler sees a byte of them.

    # settings.py
    FILE_UPLOAD_HANDLERS = ["hashmatch.service.django.CheckedUploadHandler"]
    HASHMATCH_GATE = "project.uploads.gate"       # an UploadGate, or where one is

Every view then finds its ``request.FILES`` as usual, each file with its ``decision``. A refused
upload is a ``PermissionDenied``, which Django answers with 403.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.utils.module_loading import import_string

from hashmatch.errors import UploadRefusedError
from hashmatch.service.body import DEFAULT_BODY_LIMITS
from hashmatch.service.buffer import Buffer
from hashmatch.service.gate import UploadGate
from hashmatch.service.policy import Action, Decision


class UploadDeniedError(PermissionDenied):  # type: ignore[misc]  # Django has no types
    """An upload was refused.

    Attributes
    ----------
    decision : Decision or None
        What was decided; ``None`` if the file was too large to be read.
    """

    def __init__(self, message: str, decision: Decision | None = None) -> None:
        super().__init__(message)
        self.decision = decision


class CheckedUploadHandler(FileUploadHandler):  # type: ignore[misc]  # Django has no types
    """Holds each uploaded file in memory, has it checked, and hands on what may be stored.

    Put it first, or alone, in ``FILE_UPLOAD_HANDLERS``: Django's own handlers write large
    uploads to temporary files as they arrive.

    Settings: ``HASHMATCH_GATE``, the gate or its dotted path; ``HASHMATCH_MAX_BYTES``, the
    largest file; ``HASHMATCH_TAKE_QUARANTINED``, whether the views themselves set aside files
    whose ``decision.action`` is ``QUARANTINE`` (if not, these are refused); and
    ``HASHMATCH_CONTEXT``, a callable or its dotted path, which makes the context of the audit
    record from the request.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file."""
        super().new_file(*args, **kwargs)
        self._limit: int = getattr(settings, "HASHMATCH_MAX_BYTES", DEFAULT_BODY_LIMITS.max_bytes)
        self._buffer = Buffer(min(self.content_length or 0, self._limit))

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Take a piece of the file; returning nothing keeps it from other handlers."""
        if len(self._buffer) + len(raw_data) > self._limit:
            self._buffer.discard()
            raise UploadDeniedError(f"the file is larger than the limit of {self._limit} bytes")
        self._buffer.append(raw_data)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        """Decide about the file that is now complete."""
        try:
            decision = self._decide()
            data = BytesIO(self._buffer.tobytes())
        finally:
            self._buffer.discard()
        uploaded = InMemoryUploadedFile(
            file=data,
            field_name=self.field_name,
            name=self.file_name,
            content_type=self.content_type,
            size=file_size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )
        uploaded.decision = decision
        return uploaded

    def upload_interrupted(self) -> None:
        """Wipe what has come of a file whose client went away."""
        self._buffer.discard()

    def _decide(self) -> Decision:
        make = _resolved("HASHMATCH_CONTEXT", None)
        context = make(self.request) if make is not None and self.request is not None else None
        try:
            decision = _gate().check(self._buffer, context=context)
        except UploadRefusedError as error:
            decision = error.decision
        accepted = {Action.ALLOW}
        if getattr(settings, "HASHMATCH_TAKE_QUARANTINED", False):
            accepted.add(Action.QUARANTINE)
        if decision.action not in accepted:
            raise UploadDeniedError("the upload was refused", decision)
        return decision


def _gate() -> UploadGate:
    gate = _resolved("HASHMATCH_GATE", None)
    if not isinstance(gate, UploadGate):
        raise ImproperlyConfigured(
            "HASHMATCH_GATE must be a hashmatch.UploadGate or the dotted path of one"
        )
    return gate


def _resolved(setting: str, default: Any) -> Any:
    value = getattr(settings, setting, default)
    return _imported(value) if isinstance(value, str) else value


@cache
def _imported(path: str) -> Any:
    return import_string(path)
