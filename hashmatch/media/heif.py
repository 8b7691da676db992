"""HEIF pictures as libheif decoded them, without a copy; large ones tile by tile.

Cameras store a large picture as a grid of tiles. Decoding it as a whole, libheif holds it three
times over: as decoded, in 8 bits, and as colours; seven bytes a pixel. Its C interface gives the
tiles one at a time, which takes three. pillow-heif does not pass that on, so the library inside it
is called directly. The pixels are the same; where anything about it fails, the picture is decoded
as a whole.
"""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.ImageFile import ImageFile

Pixels = NDArray[np.uint8]

LEAST_TILED = 16_000_000
"""Pictures with fewer pixels are decoded as a whole: there is little to save."""

_SAMPLES = {"L": 1, "RGB": 3, "RGBA": 4}
# of libheif's heif.h; its structures only ever grow at their end
_RGB, _INTERLEAVED_RGB, _INTERLEAVED = 1, 10, 10
_IGNORE_TRANSFORMATIONS, _TO_8_BITS = 1, 8 + 4 * ctypes.sizeof(ctypes.c_void_p)
_Pointer = ctypes.c_void_p


class _Error(ctypes.Structure):
    _fields_ = (("code", ctypes.c_int), ("detail", ctypes.c_int), ("message", ctypes.c_char_p))


class _Tiling(ctypes.Structure):
    _fields_ = (("version", ctypes.c_int), *((name, ctypes.c_uint32) for name in (
        "columns", "rows", "tile_width", "tile_height", "width", "height", "top", "left")),
        ("reserved", ctypes.c_uint32 * 32))  # fmt: skip

    def covers_once(self) -> bool:
        """Whether there are just as many tiles as the picture needs, and more than one."""
        if not self.tile_width or not self.tile_height or self.columns * self.rows < 2:
            return False
        needed = -(-self.width // self.tile_width), -(-self.height // self.tile_height)
        return needed == (self.columns, self.rows)


class _TilesError(Exception):
    """The tiles cannot be had one by one."""


def heif_memory(image: ImageFile) -> Pixels | None:
    """Decode the picture a HEIF reader stands at, and return it in the memory it was decoded to.

    Its reader would copy it into Pillow's, to be copied once more into numpy's.

    Returns
    -------
    (H, W) or (H, W, 3) or (H, W, 4) uint8, or None
        The picture, unless it is of a mode that needs converting.
    """
    held: Any = image._heif_file[image.tell()]  # type: ignore[attr-defined]
    samples = _SAMPLES.get(held.mode)
    if samples is None:
        return None
    if held.mode == "RGB" and held.size[0] * held.size[1] >= LEAST_TILED:
        turns = _quarter_turns(held)
        if turns is not None and held.info.get("tiling") and image.fp is not None:
            size = held.size[::-1] if turns % 2 else held.size
            image.fp.seek(0)
            with suppress(_TilesError):
                return np.rot90(_by_tiles(image.fp.read(), held._c_image.item_id, size), turns)
    data = held.data  # decodes, which may settle another size
    width, height = held.size
    # rows are padded to any number of bytes, which the library's own view as an array is not up to
    memory: Pixels = np.ndarray(
        (height, width, samples), np.uint8, data, strides=(held.stride, samples, 1)
    )
    return memory[..., 0] if samples == 1 else memory


def _quarter_turns(held: Any) -> int | None:
    """Return how often libheif turns the picture counter-clockwise; none if it does more to it.

    Nor if the turned picture would not be that of turned tiles: libheif turns before it spreads
    the colours, which are shared by neighbours.
    """
    turns = 0
    for kind, *values in held._c_image.transformations:
        if kind != "irot":
            return None
        turns += values[0] // 90
    odd = held.size[0] % 2 or held.size[1] % 2
    if turns % 4 and (odd or held.info.get("chroma") not in (420, 444)):
        return None
    return turns % 4


def _by_tiles(data: bytes, item: int, size: tuple[int, int]) -> Pixels:
    """Decode a grid of the given width and height as it is stored.

    Raises
    ------
    _TilesError
        If it is none, or a tile cannot be decoded.
    """
    loaded = library()
    if loaded is None:
        raise _TilesError
    with _handle(loaded, data, item) as handle, _options(loaded) as options:
        tiling = _Tiling()
        _check(loaded.heif_image_handle_get_image_tiling(handle, 0, ctypes.byref(tiling)))
        if (tiling.width, tiling.height) != size or not tiling.covers_once():
            raise _TilesError
        pixels: Pixels = np.zeros((tiling.height, tiling.width, 3), np.uint8)
        for row in range(tiling.rows):
            for column in range(tiling.columns):
                top, left = row * tiling.tile_height, column * tiling.tile_width
                part = pixels[top : top + tiling.tile_height, left : left + tiling.tile_width]
                _decode_tile(loaded, handle, options, column, row, part)
    return pixels


def _decode_tile(
    library: Any, handle: Any, options: Any, column: int, row: int, part: Pixels
) -> None:
    tile, stride = _Pointer(), ctypes.c_size_t()
    _check(
        library.heif_image_handle_decode_image_tile(
            handle, ctypes.byref(tile), _RGB, _INTERLEAVED_RGB, options, column, row
        )
    )
    try:
        plane = library.heif_image_get_plane_readonly2(tile, _INTERLEAVED, ctypes.byref(stride))
        width = library.heif_image_get_width(tile, _INTERLEAVED)
        height = library.heif_image_get_height(tile, _INTERLEAVED)
        if not plane or height < part.shape[0] or width < part.shape[1]:
            raise _TilesError
        memory = (ctypes.c_uint8 * (stride.value * height)).from_address(plane)
        whole: Pixels = np.ndarray((height, width, 3), np.uint8, memory, 0, (stride.value, 3, 1))
        part[:] = whole[: part.shape[0], : part.shape[1]]
    finally:
        library.heif_image_release(tile)


@contextmanager
def _handle(library: Any, data: bytes, item: int) -> Iterator[Any]:
    context, handle = library.heif_context_alloc(), _Pointer()
    try:
        _check(library.heif_context_read_from_memory_without_copy(context, data, len(data), None))
        library.heif_context_set_max_decoding_threads(context, 0)
        _check(library.heif_context_get_image_handle(context, item, ctypes.byref(handle)))
        yield handle
    finally:
        if handle:
            library.heif_image_handle_release(handle)
        library.heif_context_free(context)


@contextmanager
def _options(library: Any) -> Iterator[Any]:
    """Give the options pillow-heif decodes with, but for the turning."""
    options = library.heif_decoding_options_alloc()
    try:
        flags = (ctypes.c_uint8 * (_TO_8_BITS + 1)).from_address(options)
        flags[_IGNORE_TRANSFORMATIONS] = flags[_TO_8_BITS] = 1
        yield options
    finally:
        library.heif_decoding_options_free(options)


def _check(error: _Error) -> None:
    if error.code:
        raise _TilesError


@cache
def library() -> Any:
    """Return the libheif that pillow-heif brings, or ``None`` if it is too old for tiles.

    A locked-down worker cannot load it any more, so it has to be called once before.
    """
    module = importlib.import_module("_pillow_heif")
    text, number, size = ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
    wanted: dict[str, tuple[Any, list[Any]]] = {
        "heif_context_alloc": (_Pointer, []),
        "heif_context_free": (None, [_Pointer]),
        "heif_context_read_from_memory_without_copy": (_Error, [_Pointer, text, size, _Pointer]),
        "heif_context_set_max_decoding_threads": (None, [_Pointer, number]),
        "heif_context_get_image_handle": (_Error, [_Pointer, ctypes.c_uint32, _Pointer]),
        "heif_image_handle_release": (None, [_Pointer]),
        "heif_image_handle_get_image_tiling": (_Error, [_Pointer, number, _Pointer]),
        "heif_decoding_options_alloc": (_Pointer, []),
        "heif_decoding_options_free": (None, [_Pointer]),
        "heif_image_handle_decode_image_tile": (
            _Error,
            [_Pointer, _Pointer, number, number, _Pointer, ctypes.c_uint32, ctypes.c_uint32],
        ),
        "heif_image_get_plane_readonly2": (_Pointer, [_Pointer, number, _Pointer]),
        "heif_image_get_width": (number, [_Pointer, number]),
        "heif_image_get_height": (number, [_Pointer, number]),
        "heif_image_release": (None, [_Pointer]),
    }
    try:
        loaded = ctypes.CDLL(module.__file__)  # finds what the module is linked with
        for name, (result, arguments) in wanted.items():
            function = getattr(loaded, name)
            function.restype, function.argtypes = result, arguments
    except (AttributeError, OSError):
        return None
    return loaded
