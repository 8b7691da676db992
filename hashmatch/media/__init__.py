"""Bytes to pixels: sniffing, limits and the one canonical decode.

Everything that turns media into pixels goes through :func:`decode`, whether it came as bytes
(:func:`decode`), as a file (:func:`read_bytes`) or as a stream (:func:`read_stream`), so the same
picture gives the same pixels however it arrived. Nothing here writes anything anywhere, and all
of it is safe to call from many threads.
"""

from hashmatch.media.decoded import Decoded, Frame
from hashmatch.media.decoding import decode
from hashmatch.media.fast import decode_fast
from hashmatch.media.files import open_file, read_bytes, read_stream, reason_for
from hashmatch.media.limits import DEFAULT_LIMITS, Limits
from hashmatch.media.plugins import codec_versions
from hashmatch.media.salvage import salvage

__all__ = [
    "DEFAULT_LIMITS",
    "Decoded",
    "Frame",
    "Limits",
    "codec_versions",
    "decode",
    "decode_fast",
    "open_file",
    "read_bytes",
    "read_stream",
    "reason_for",
    "salvage",
]
