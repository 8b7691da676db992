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
        Py_ssize_t step
        int height
        int width
        int channels

    cdef struct Mirrors:
        int along_x
        int along_y

    cdef struct Tolerance:
        float gradient
        float coefficient

    cdef struct Digest:
        uint8_t bits[32]
        float coefficients[256]
        float median
        float apart
        int gradients
        int doubtful

    int c_largest "hashmatch::pdq::LARGEST_SIZE"
    void c_downsample "hashmatch::pdq::downsample"(
        const Picture& picture, Mirrors mirrors, Level level, float* out) except +
    void c_replay "hashmatch::pdq::replay"(
        const Picture& picture, Level level, float* out) except +
    void c_digest "hashmatch::pdq::digest"(
        const float* samples, Tolerance tolerance, Level level, Digest* out) noexcept


LARGEST_SIZE = c_largest


cdef Picture picture_of(const uint8_t[:, :, :] pixels) except *:
    cdef Picture picture
    cdef Py_ssize_t channels = pixels.shape[2]
    if channels not in (1, 3) or pixels.shape[0] < 1 or pixels.shape[1] < 1:
        raise ValueError("pixels are (H, W, 1) or (H, W, 3)")
    if channels == 3 and pixels.strides[2] != 1:
        raise ValueError("the channels of a pixel must lie side by side")
    if max(pixels.shape[0], pixels.shape[1]) > c_largest:
        raise ValueError(f"a side may have {c_largest} pixels at most")
    picture.rows = &pixels[0, 0, 0]
    picture.stride = pixels.strides[0]
    picture.step = pixels.strides[1] if pixels.shape[1] > 1 else channels
    picture.height = <int>pixels.shape[0]
    picture.width = <int>pixels.shape[1]
    picture.channels = <int>channels
    return picture


cdef int check_samples(Py_ssize_t height, Py_ssize_t width) except -1:
    if height != 64 or width != 64:
        raise ValueError("samples are 64 x 64")
    return 0


def downsample(
    const uint8_t[:, :, :] pixels, int along_x, int along_y, int level, float[:, :, ::1] out
) -> None:
    """Fill ``out`` with the samples of a picture, exact sums of pixels, rounded once.

    ``pixels`` is (H, W, 1) grey, contiguous within a row, or (H, W, 3) colour, 3 or 4 bytes from
    pixel to pixel. Bit 0 of ``along_x`` asks for the picture as it is along x, bit 1 for the
    mirrored one, likewise ``along_y``; ``out`` is (n, 64, 64) for the n combinations, those along
    x changing fastest.
    """
    cdef Picture picture = picture_of(pixels)
    cdef Mirrors mirrors
    if picture.step != 1 if picture.channels == 1 else picture.step not in (3, 4):
        raise ValueError("the pixels of a row must lie side by side")
    if along_x not in (1, 2, 3) or along_y not in (1, 2, 3):
        raise ValueError("mirrors are 1, 2 or both, 3")
    if out.shape[0] != (1 + (along_x == 3)) * (1 + (along_y == 3)):
        raise ValueError("out must have room for what is asked for")
    check_samples(out.shape[1], out.shape[2])
    mirrors.along_x = along_x
    mirrors.along_y = along_y
    with nogil:
        c_downsample(picture, mirrors, <Level>level, &out[0, 0, 0])


def replay(const uint8_t[:, :, :] pixels, int level, float[:, ::1] out) -> None:
    """Fill ``out`` (64, 64) with samples rounded bit for bit as the C++ reference rounds them.

    ``pixels`` is (H, W, 1) or (H, W, 3) of any strides, but for the channels of a pixel.
    """
    cdef Picture picture = picture_of(pixels)
    check_samples(out.shape[0], out.shape[1])
    with nogil:
        c_replay(picture, <Level>level, &out[0, 0])


def digest(
    const float[:, ::1] samples,
    float gradient_tolerance,
    float coefficient_tolerance,
    int level,
    float[:, ::1] coefficients,
) -> tuple:
    """Return (bits, median, apart, gradients, doubtful) of (64, 64) samples.

    ``bits`` is the hash; a bit is set where a coefficient exceeds ``median``, the 128th smallest.
    ``apart`` is how far the coefficients of set bits stay above the others if coefficient (i, j)
    is off by ``coefficient_tolerance * (1 / (i + 1) + 1 / (j + 1))`` at most. ``gradients`` is the
    quality before scaling, and ``doubtful`` counts the gradients within ``gradient_tolerance`` of
    a step. Fills ``coefficients`` (16, 16).
    """
    cdef Digest found
    cdef Tolerance tolerance
    check_samples(samples.shape[0], samples.shape[1])
    if coefficients.shape[0] != 16 or coefficients.shape[1] != 16:
        raise ValueError("coefficients are 16 x 16")
    tolerance.gradient = gradient_tolerance
    tolerance.coefficient = coefficient_tolerance
    with nogil:
        c_digest(&samples[0, 0], tolerance, <Level>level, &found)
        memcpy(&coefficients[0, 0], found.coefficients, sizeof(found.coefficients))
    return found.bits[:32], found.median, found.apart, found.gradients, found.doubtful


def digest_turned(
    const float[:, :, ::1] samples,
    ways: tuple,
    float gradient_tolerance,
    float coefficient_tolerance,
    int level,
) -> list:
    """Return (bits, apart, gradients, doubtful), as ``digest`` does, of several turned samples.

    ``samples`` is (n, 64, 64); each of ``ways`` is a number below n, and whether those samples
    are to be transposed first.
    """
    cdef Digest found[8]
    cdef Py_ssize_t which[8]
    cdef bint swapped[8]
    cdef float turned[64 * 64]
    cdef const float* one
    cdef Tolerance tolerance
    cdef int count = len(ways), w, i, j
    check_samples(samples.shape[1], samples.shape[2])
    if count > 8:
        raise ValueError("there are eight ways at most")
    for w in range(count):
        which[w], swapped[w] = ways[w]
        if not 0 <= which[w] < samples.shape[0]:
            raise ValueError("a way takes samples that are not there")
    tolerance.gradient = gradient_tolerance
    tolerance.coefficient = coefficient_tolerance
    with nogil:
        for w in range(count):
            one = &samples[which[w], 0, 0]
            if swapped[w]:
                for i in range(64):
                    for j in range(64):
                        turned[j * 64 + i] = one[i * 64 + j]
                one = turned
            c_digest(one, tolerance, <Level>level, &found[w])
    return [
        (found[w].bits[:32], found[w].apart, found[w].gradients, found[w].doubtful)
        for w in range(count)
    ]
