# cython: language_level=3
"""Pillow's 8-bit grey and Lanczos resize."""

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int64_t, uint8_t
from libcpp cimport bool as cbool
from libcpp.vector cimport vector

cdef extern from "cpu.h" namespace "hashmatch" nogil:
    cdef enum Level:
        pass


cdef extern from "resample/resample.h" namespace "hashmatch::resample" nogil:
    cdef cppclass CFilter "hashmatch::resample::Filter":
        int size_in "in"
        int size_out "out"
        cbool symmetric
        vector[int] starts
        vector[int] counts

    cdef struct Rows:
        const uint8_t* first
        ptrdiff_t stride
        int height
        int width
        int step

    cdef struct Target:
        uint8_t* first
        ptrdiff_t stride

    CFilter c_make_filter "hashmatch::resample::make_filter"(
        int size_in, int size_out, bint mirrored) except +
    void c_grey "hashmatch::resample::grey"(
        const uint8_t* colours, int step, int width, Level level, uint8_t* out) noexcept
    void c_across "hashmatch::resample::across"(
        const Rows& rows, const vector[const CFilter*]& filters,
        const vector[Target]& targets, Level level) except +
    void c_down "hashmatch::resample::down"(
        const Rows& rows, const CFilter& filter, Level level, const Target& target) except +
    void c_block_sums "hashmatch::resample::block_sums"(
        const uint8_t* plane, int size, int side, Level level, int64_t* out) noexcept


cdef class Filter:
    """The weights that turn ``size_in`` pixels into ``size_out``.

    With ``mirrored``, the result is that of the mirrored picture.
    """

    cdef CFilter filter

    def __init__(self, int size_in, int size_out, bint mirrored=False) -> None:
        if size_in < 1 or size_out < 1:
            raise ValueError("sizes begin at 1")
        with nogil:
            self.filter = c_make_filter(size_in, size_out, mirrored)

    @property
    def symmetric(self) -> bool:
        """Whether a mirrored picture gives the mirrored result, so that no other is needed."""
        return self.filter.symmetric


cdef Rows rows_of(const uint8_t[:, :, :] pixels) except *:
    cdef Rows rows
    cdef Py_ssize_t channels = pixels.shape[2]
    cdef Py_ssize_t step = pixels.strides[1] if pixels.shape[1] > 1 else channels
    if channels not in (1, 3) or pixels.shape[0] < 1 or pixels.shape[1] < 1:
        raise ValueError("pixels are (H, W, 1) or (H, W, 3)")
    if channels == 3 and pixels.strides[2] != 1:
        raise ValueError("the channels of a pixel must lie side by side")
    if step != 1 if channels == 1 else step not in (3, 4):
        raise ValueError("the pixels of a row must lie side by side")
    if max(pixels.shape[0], pixels.shape[1]) > 1 << 28:
        raise ValueError("a side may have 2**28 pixels at most")
    rows.first = &pixels[0, 0, 0]
    rows.stride = pixels.strides[0]
    rows.height = <int>pixels.shape[0]
    rows.width = <int>pixels.shape[1]
    rows.step = <int>step
    return rows


def grey(const uint8_t[:, :, :] pixels, uint8_t[:, ::1] out, int level) -> None:
    """Fill ``out`` (H, W) with the grey of colours, ``pixels`` (H, W, 3)."""
    cdef Rows rows = rows_of(pixels)
    cdef int y
    if rows.step == 1:
        raise ValueError("there are no colours")
    if out.shape[0] != rows.height or out.shape[1] != rows.width:
        raise ValueError("the array has another shape than the picture")
    with nogil:
        for y in range(rows.height):
            c_grey(rows.first + y * rows.stride, rows.step, rows.width, <Level>level, &out[y, 0])


def across(const uint8_t[:, :, :] pixels, list filters, list outs, int level) -> None:
    """Resize a picture along x by each filter; ``outs`` are (H, size_out) uint8 arrays.

    ``pixels`` is (H, W, 1) grey, contiguous within a row, or (H, W, 3) colour, 3 or 4 bytes from
    pixel to pixel, which is turned to grey first.
    """
    cdef Rows rows = rows_of(pixels)
    cdef vector[const CFilter*] wanted
    cdef vector[Target] targets
    cdef Target target
    cdef Filter filter
    cdef uint8_t[:, ::1] out
    if len(filters) != len(outs):
        raise ValueError("each filter needs an array")
    for filter, array in zip(filters, outs):
        out = array
        if filter is None or filter.filter.size_in != rows.width:
            raise ValueError("the filter is for another width")
        if out.shape[0] != rows.height or out.shape[1] != filter.filter.size_out:
            raise ValueError("the array has another shape than the result")
        wanted.push_back(&filter.filter)
        target.first = &out[0, 0]
        target.stride = out.strides[0]
        targets.push_back(target)
    with nogil:
        c_across(rows, wanted, targets, <Level>level)


def down(
    const uint8_t[:, :, :] pixels, Filter weights not None, uint8_t[:, ::1] out, int level
) -> None:
    """Resize (H, W, 1) grey, contiguous within a row, along y; ``out`` is (size_out, W) uint8."""
    cdef Rows rows = rows_of(pixels)
    cdef Target target
    if rows.step != 1:
        raise ValueError("only grey is resized along y")
    if weights.filter.size_in != rows.height:
        raise ValueError("the filter is for another height")
    if out.shape[0] != weights.filter.size_out or out.shape[1] != rows.width:
        raise ValueError("the array has another shape than the result")
    target.first = &out[0, 0]
    target.stride = out.strides[0]
    with nogil:
        c_down(rows, weights.filter, <Level>level, target)


def block_sums(const uint8_t[:, ::1] plane, int level, int64_t[:, ::1] out) -> None:
    """Fill ``out`` (n, n) with the sums of the n x n equal blocks of a square ``plane``."""
    cdef int size = <int>plane.shape[0]
    cdef int side = <int>out.shape[0]
    if plane.shape[1] != size or out.shape[1] != side or side < 1 or size < 1 or size % side:
        raise ValueError("a square plane must divide into square blocks")
    with nogil:
        c_block_sums(&plane[0, 0], size, side, <Level>level, &out[0, 0])
