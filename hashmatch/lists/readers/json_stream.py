"""A JSON document taken piece by piece: values are decoded whole where that is wise, else entered.

The standard library's decoder does the decoding; this only holds the text around the place that
is being read, so memory stays flat however long an array is. A name that comes twice in an object
is kept, not lost.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn, cast

from hashmatch.errors import ListFormatError
from hashmatch.lists.readers.source import open_utf8

CHUNK = 1 << 20
LARGEST_VALUE = 1 << 26
"""Characters of one value; a longer one is no record but damage."""

_SPACE = " \t\r\n"
_GAP = re.compile(r"[ \t\r\n]*,[ \t\r\n]*")
_LONGEST_NAME = 200


class Repeated(dict[str, Any]):
    """A JSON object in which names came more than once; it holds the last of each."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        last = {name: number for number, (name, _) in enumerate(pairs)}
        self.earlier = [pair for number, pair in enumerate(pairs) if last[pair[0]] != number]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Repeated(pairs)


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _float(text: str) -> float | str:
    """Read a number; one beyond what a float holds stays the text it is."""
    number = float(text)
    return number if math.isfinite(number) else text


class JsonStream:
    """A cursor over a JSON file.

    Raises
    ------
    ListFormatError
        From any method, if the file is no JSON, breaks off, or is nested absurdly.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._stream = open_utf8(path)
        # bytes that are no text do not cost a list of millions; they survive as escapes
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._decode = json.JSONDecoder(
            object_pairs_hook=_object, parse_float=_float, parse_constant=_constant
        ).raw_decode
        self._text = ""
        self._at = 0
        self._ended = False
        self._runs = True

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def peek(self) -> str:
        """Return the next character that is not white space; empty at the end."""
        while True:
            text, at = self._text, self._at
            while at < len(text) and text[at] in _SPACE:
                at += 1
            self._at = at
            if at < len(text) or not self._more():
                return text[at : at + 1]

    def take(self, character: str) -> None:
        """Step over a character that must come next."""
        if self.peek() != character:
            self._broken()
        self._at += 1

    def value(self) -> Any:
        """Decode the next value whole."""
        found, complete = self.try_value(LARGEST_VALUE)
        if not complete:
            raise ListFormatError(self.path, f"holds a value of over {LARGEST_VALUE:,} characters")
        return found

    def try_value(self, most: int = CHUNK) -> tuple[Any, bool]:
        """Decode the next value if it is no longer than ``most``; else stay before it.

        Returns
        -------
        value, complete : any, bool
        """
        if self._text[self._at : self._at + 1] in ("", *_SPACE):
            self.peek()
        while True:
            try:
                found, end = self._decode(self._text, self._at)
            except RecursionError:
                raise ListFormatError(self.path, "is nested too deeply") from None
            except json.JSONDecodeError as error:
                held = len(self._text) - self._at
                # far from the end of what is held, more text would not help
                early = error.pos < len(self._text) - 16 and not error.msg.startswith("Untermin")
                if early or self._ended:
                    self._broken()
                if held > most:
                    return None, False
                self._more(held)
                continue
            except ValueError:
                self._broken()
            if end == len(self._text) and not self._ended:
                self._more()  # a number may go on
                continue
            self._at = end
            return found, True

    def items(self) -> Iterator[None]:
        """Enter an array; the caller takes one value at each step."""
        self.take("[")
        if self.peek() == "]":
            self._at += 1
            return
        while True:
            yield
            if self._separator("]"):
                return

    def values(self) -> Iterator[tuple[Any, bool]]:
        """Enter an array and give its values; ``(None, False)`` for one over :data:`CHUNK`.

        The caller then takes that value, or enters it. Values that look alike are decoded many at
        a time, which costs half as much.
        """
        for _ in self.items():
            found, complete = self.try_value()
            yield found, complete
            if complete and self._runs:
                for value in self._run():
                    yield value, True

    def _run(self) -> list[Any]:
        """Decode at once the objects that follow in the text held, if they begin alike.

        What lies between two such beginnings decodes as one whole array only if both are at the
        same level, so a beginning that is found elsewhere does no harm: nothing is taken then.
        """
        text, at = self._text, self._at
        gap = _GAP.match(text, at)
        colon = text.find(":", gap.end(), gap.end() + _LONGEST_NAME) if gap else -1
        if gap is None or colon < 0 or text[gap.end()] != "{":
            return []
        begin = gap.end()
        cut = text.rfind("}" + gap[0] + text[begin:colon], begin)
        if cut < 0:
            return []
        piece = f"[{text[begin : cut + 1]}]"
        try:
            found, end = self._decode(piece)
        except (ValueError, RecursionError):
            end = 0
        if end != len(piece):  # the array ends before, or the cut is inside an object
            self._runs = False  # until more text is held
            return []
        self._at = cut + 1
        return cast(list[Any], found)

    def members(self) -> Iterator[str]:
        """Enter an object; the caller takes one value at each step, whose name is given."""
        self.take("{")
        if self.peek() == "}":
            self._at += 1
            return
        while True:
            if self.peek() != '"':
                self._broken()
            name = self.value()
            self.take(":")
            yield name
            if self._separator("}"):
                return

    def finish(self) -> None:
        """Make sure that nothing follows the document."""
        if self.peek():
            self._broken()

    def _separator(self, closing: str) -> bool:
        found = self.peek()
        if found != closing and found != ",":
            self._broken()
        self._at += 1
        return found == closing

    def _more(self, size: int = 0) -> bool:
        """Read on, letting go of what was read; False at the end of the file."""
        if self._ended:
            return False
        try:
            data = self._stream.read(max(CHUNK, size))
        except OSError as error:
            raise ListFormatError(self.path, f"cannot be read: {error.strerror}") from error
        self._ended = not data
        self._runs = True
        self._text = self._text[self._at :] + self._decoder.decode(data, self._ended)
        self._at = 0
        return True

    def _broken(self) -> NoReturn:
        # at the end of the file what is wrong is what is missing
        at_end = self._ended and len(self._text) - self._at < LARGEST_VALUE
        if at_end and not self._closes():
            raise ListFormatError(self.path, "is truncated: the JSON breaks off before its end")
        raise ListFormatError(self.path, "is not valid JSON")

    def _closes(self) -> bool:
        """Say whether the text held ends as a document does, so that its fault lies elsewhere."""
        return self._text.rstrip(_SPACE).endswith(("}", "]"))
