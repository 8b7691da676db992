"""Multipart bodies, taken apart in memory.

The parsers of web frameworks spool large parts to temporary files. This one never does, and it
is strict where two parsers could disagree about what a part is: what is checked here must be
what the application behind it will read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING

from hashmatch.errors import ServiceConfigError
from hashmatch.service.body import BodyError, BodyLimits
from hashmatch.service.buffer import Buffer

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_LONGEST_FIELD = 64 * 1024
_PLAIN_ENCODINGS = {"7bit", "8bit", "binary"}


@dataclass(slots=True)
class Part:
    """One part: its headers in lower case, and its content."""

    headers: dict[str, str] = field(default_factory=dict)
    content: Buffer = field(default_factory=Buffer)

    def is_text_field(self) -> bool:
        """Say whether this is an ordinary form field, which no application takes for a file.

        A part that only claims to be one, by leaving out its file name, is not.
        """
        disposition = self.headers.get("content-disposition", "").lower()
        if "filename" in disposition or "content-type" in self.headers:
            return False
        if len(self.content) > _LONGEST_FIELD:
            return False
        with self.content.lent() as view:
            try:
                text = str(view, "utf-8")
            except UnicodeDecodeError:
                return False
        return "\0" not in text


def require_parser() -> None:
    """Make sure that multipart bodies can be read, before the first of them comes.

    Raises
    ------
    ServiceConfigError
        If the parser is not installed.
    """
    if find_spec("python_multipart") is None:
        raise ServiceConfigError(
            "checking forms needs python-multipart; install it with: pip install python-multipart"
        )


def boundary_of(content_type: str | None) -> bytes | None:
    """Return the boundary of a multipart body, or ``None`` if the body is not one.

    Raises
    ------
    BodyError
        If a multipart body has no usable boundary, or is not ``multipart/form-data``.
    """
    from python_multipart.multipart import parse_options_header

    kind, options = parse_options_header(content_type)
    if not kind.startswith(b"multipart/"):
        return None
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= 70:
        raise _malformed("its Content-Type must be multipart/form-data with a boundary")
    return boundary


class PartsReader:
    """Takes a multipart body apart piece by piece.

    Parameters
    ----------
    boundary : bytes
    limits : BodyLimits
        For the number of parts; the caller counts the bytes.
    """

    def __init__(self, boundary: bytes, limits: BodyLimits) -> None:
        from python_multipart.multipart import MultipartParser

        self.parts: list[Part] = []
        self._limits = limits
        self._name = bytearray()
        self._value = bytearray()
        self._ended = False
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._part_begins,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_ends,
            "on_part_data": self._data,
            "on_end": self._end,
        }
        self._parser = MultipartParser(boundary, callbacks)

    def feed(self, piece: bytes) -> None:
        """Take the next piece of the body.

        Raises
        ------
        BodyError
            400 if the body is not well formed.
        """
        from python_multipart.exceptions import FormParserError

        try:
            self._parser.write(piece)
        except FormParserError as error:
            # the parser's message quotes bytes of the body, so it goes no further
            raise _malformed("it does not follow RFC 7578") from error

    def finish(self) -> list[Part]:
        """Return the parts of a body that is complete.

        Raises
        ------
        BodyError
            400 if the last boundary is missing, or a part is encoded or nested.
        """
        if not self._ended:
            raise _malformed("it ends before its last boundary")
        for part in self.parts:
            encoding = part.headers.get("content-transfer-encoding", "binary").strip().lower()
            if encoding not in _PLAIN_ENCODINGS:
                raise _malformed("a part has a Content-Transfer-Encoding")
            if part.headers.get("content-type", "").strip().lower().startswith("multipart/"):
                raise _malformed("a part is multipart itself")
        return self.parts

    def discard(self) -> None:
        """Wipe every part."""
        for part in self.parts:
            part.content.discard()

    def _part_begins(self) -> None:
        if len(self.parts) >= self._limits.max_parts:
            raise BodyError(
                413, "too_many_parts", f"the body has more than {self._limits.max_parts} parts"
            )
        self.parts.append(Part())

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        name = self._name.decode("latin-1").strip().lower()
        headers = self.parts[-1].headers
        if name in headers:
            raise _malformed("a part has the same header twice")
        headers[name] = self._value.decode("latin-1")
        self._name.clear()
        self._value.clear()

    def _data(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].content.append(memoryview(data)[start:end])

    def _end(self) -> None:
        self._ended = True


def _malformed(message: str) -> BodyError:
    return BodyError(400, "malformed_multipart", f"the multipart body is not usable: {message}")
