# cython: language_level=3
"""The PDQ kernels: samples of pixels, and the hash and quality of samples."""

from libc.stdint cimport uint8_t
from libc.string cimport memcpy

cdef extern from "cpu.h" namespace "hashmatch" nogil:
    cdef enum Level:
        pass


cdef extern from "pdq/pdq.h" namespace "hashmatch::pdq" nogil:
    cdef struct Picture:
        const uint8_t* rows
        Py_ssize_t stride
        int height
        int width
        int channels

    cdef struct Digest:
        uint8_t bits[32]
        float coefficients[256]
        float median
        float above
        int gradients
        int doubtful

    int c_largest "hashmatch::pdq::LARGEST_SIZE"
    void c_downsample "hashmatch::pdq::downsample"(
        const Picture& picture, bint flips, Level level, float* out) except +
    void c_replay "hashmatch::pdq::replay"(
        const Picture& picture, Level level, float* out) except +
    void c_digest "hashmatch::pdq::digest"(
        const float* samples, float slack, Level level, Digest* out) noexcept


LARGEST_SIZE = c_largest


cdef Picture picture_of(const uint8_t[:, :] rows, int channels) except *:
    cdef Picture picture
    if channels not in (1, 3) or rows.shape[0] < 1 or rows.shape[1] < channels:
        raise ValueError("rows must hold whole pixels of 1 or 3 channels")
    if rows.shape[1] % channels or (rows.shape[1] > 1 and rows.strides[1] != 1):
        raise ValueError("the bytes of a row must be contiguous, whole pixels")
    if max(rows.shape[0], rows.shape[1] // channels) > c_largest:
        raise ValueError(f"a side may have {c_largest} pixels at most")
    picture.rows = &rows[0, 0]
    picture.stride = rows.strides[0]
    picture.height = <int>rows.shape[0]
    picture.width = <int>(rows.shape[1] // channels)
    picture.channels = channels
    return picture


cdef int check_samples(Py_ssize_t height, Py_ssize_t width) except -1:
    if height != 64 or width != 64:
        raise ValueError("samples are 64 x 64")
    return 0


def downsample(const uint8_t[:, :] rows, int channels, int level, float[:, :, ::1] out) -> None:
    """Fill ``out`` with the samples of a picture, exact sums of pixels, rounded once.

    ``rows`` is (H, W * channels), contiguous within a row. ``out`` is (1, 64, 64), or
    (4, 64, 64) for the picture as it is, mirrored along x, along y, and along both.
    """
    cdef Picture picture = picture_of(rows, channels)
    if out.shape[0] not in (1, 4):
        raise ValueError("samples are asked for one or four at a time")
    check_samples(out.shape[1], out.shape[2])
    with nogil:
        c_downsample(picture, out.shape[0] == 4, <Level>level, &out[0, 0, 0])


def replay(const uint8_t[:, :] rows, int channels, int level, float[:, ::1] out) -> None:
    """Fill ``out`` (64, 64) with samples rounded bit for bit as the C++ reference rounds them."""
    cdef Picture picture = picture_of(rows, channels)
    check_samples(out.shape[0], out.shape[1])
    with nogil:
        c_replay(picture, <Level>level, &out[0, 0])


def digest(const float[:, ::1] samples, float slack, int level, float[:, ::1] coefficients) -> tuple:
    """Return (bits, median, above, gradients, doubtful) of (64, 64) samples.

    ``bits`` is the hash; a bit is set where a coefficient exceeds ``median``, the 128th smallest,
    and ``above`` is the 129th. ``gradients`` is the quality before scaling and ``doubtful``
    counts the gradients within ``slack`` of a step. Fills ``coefficients`` (16, 16).
    """
    cdef Digest found
    check_samples(samples.shape[0], samples.shape[1])
    if coefficients.shape[0] != 16 or coefficients.shape[1] != 16:
        raise ValueError("coefficients are 16 x 16")
    with nogil:
        c_digest(&samples[0, 0], slack, <Level>level, &found)
        memcpy(&coefficients[0, 0], found.coefficients, sizeof(found.coefficients))
    return found.bits[:32], found.median, found.above, found.gradients, found.doubtful
