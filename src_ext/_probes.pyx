# cython: language_level=3
"""Slightly changed views of one picture, as samples for PDQ's transform."""

from libc.stdint cimport uint8_t


cdef extern from "probes/probes.h" namespace "hashmatch::probes" nogil:
    int c_grid_side "hashmatch::probes::GRID"
    int c_side "hashmatch::probes::SIDE"

    cdef struct Picture:
        const uint8_t* rows
        Py_ssize_t stride
        int height
        int width
        int channels
        int pitch

    cdef struct Plane:
        const float* luma
        int height
        int width
        int block
        int full_height
        int full_width

    cdef struct Box:
        double top
        double bottom
        double left
        double right

    cdef struct View:
        double top
        double bottom
        double left
        double right
        double degrees
        double aspect

    void c_reduce "hashmatch::probes::reduce"(
        const Picture& picture, int block, float* out) except +
    void c_profiles "hashmatch::probes::profiles"(
        const Plane& plane, int top, int bottom, int left, int right, float step,
        float* rows, float* columns) except +
    void c_grid "hashmatch::probes::grid"(
        const Plane& plane, const Box& box, float* out) except +
    void c_sample "hashmatch::probes::sample"(
        const float* grid, const View& view, float* out) noexcept


GRID = c_grid_side
SIDE = c_side


cdef Plane plane_of(const float[:, ::1] luma, int block, int height, int width) except *:
    cdef Plane plane
    if block < 1 or height < 1 or width < 1:
        raise ValueError("a plane has a positive block and size")
    if luma.shape[0] != -(-height // block) or luma.shape[1] != -(-width // block):
        raise ValueError("the plane's shape does not fit the picture's size")
    plane.luma = &luma[0, 0]
    plane.height = <int>luma.shape[0]
    plane.width = <int>luma.shape[1]
    plane.block = block
    plane.full_height = height
    plane.full_width = width
    return plane


def reduce(const uint8_t[:, :, :] pixels, int block, float[:, ::1] out) -> None:
    """Fill ``out`` with the mean luma of blocks of pixels.

    ``pixels`` is (H, W, 1 or 3); a pixel's bytes must be side by side, pixels at most 4 apart.
    """
    cdef Picture picture
    if pixels.shape[0] < 1 or pixels.shape[1] < 1 or pixels.shape[2] not in (1, 3):
        raise ValueError("pixels must have shape (H, W, 1 or 3)")
    picture.height = <int>pixels.shape[0]
    picture.width = <int>pixels.shape[1]
    picture.channels = <int>pixels.shape[2]
    picture.pitch = <int>pixels.strides[1] if pixels.shape[1] > 1 else picture.channels
    if not picture.channels <= picture.pitch <= 4:
        raise ValueError("a row's pixels must lie in order, at most 4 bytes apart")
    if picture.channels > 1 and pixels.strides[2] != 1:
        raise ValueError("the bytes of a pixel must lie side by side")
    if not 1 <= block <= 4096:  # the sum of a block must fit 32 bits
        raise ValueError("a block has 1 to 4096 pixels a side")
    picture.rows = &pixels[0, 0, 0]
    picture.stride = pixels.strides[0]
    plane_of(out, block, picture.height, picture.width)
    with nogil:
        c_reduce(picture, block, &out[0, 0])


def profiles(
    const float[:, ::1] plane, int top, int bottom, int left, int right, float step,
    float[:, ::1] rows, float[:, ::1] columns,
) -> None:
    """Fill ``rows`` and ``columns``, (n, 3), with mean, deviation and share of steps of each."""
    cdef Plane described = plane_of(plane, 1, <int>plane.shape[0], <int>plane.shape[1])
    if not (0 <= top < bottom <= plane.shape[0] and 0 <= left < right <= plane.shape[1]):
        raise ValueError("the part must lie inside the plane")
    if (rows.shape[0], rows.shape[1]) != (bottom - top, 3):
        raise ValueError("rows must have shape (bottom - top, 3)")
    if (columns.shape[0], columns.shape[1]) != (right - left, 3):
        raise ValueError("columns must have shape (right - left, 3)")
    with nogil:
        c_profiles(described, top, bottom, left, right, step, &rows[0, 0], &columns[0, 0])


def grid(
    const float[:, ::1] plane, int block, int height, int width,
    double top, double bottom, double left, double right, float[:, ::1] out,
) -> None:
    """Fill ``out``, (192, 192), with the blurred grid over a box given in pixels."""
    cdef Plane described = plane_of(plane, block, height, width)
    cdef Box box
    if not (0 <= top < bottom <= height and 0 <= left < right <= width):
        raise ValueError("the box must lie inside the picture")
    if out.shape[0] != c_grid_side or out.shape[1] != c_grid_side:
        raise ValueError("a grid is 192 x 192")
    box.top = top
    box.bottom = bottom
    box.left = left
    box.right = right
    with nogil:
        c_grid(described, box, &out[0, 0])


def sample(const float[:, ::1] grid, const double[:, ::1] views, float[:, :, ::1] out) -> None:
    """Fill ``out``, (n, 64, 64), with the samples of ``views``, (n, 6).

    A view is top, bottom, left, right, degrees and aspect.
    """
    cdef View view
    cdef Py_ssize_t i
    if grid.shape[0] != c_grid_side or grid.shape[1] != c_grid_side:
        raise ValueError("a grid is 192 x 192")
    if views.shape[1] != 6 or out.shape[0] != views.shape[0]:
        raise ValueError("views must have shape (n, 6) and out as many samples")
    if out.shape[1] != c_side or out.shape[2] != c_side:
        raise ValueError("samples are 64 x 64")
    with nogil:
        for i in range(views.shape[0]):
            view.top = views[i, 0]
            view.bottom = views[i, 1]
            view.left = views[i, 2]
            view.right = views[i, 3]
            view.degrees = views[i, 4]
            view.aspect = views[i, 5]
            c_sample(&grid[0, 0], view, &out[i, 0, 0])
