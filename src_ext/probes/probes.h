// Slightly changed views of one picture, for hashes of what it may have been before a crop, a
// border, a caption or a small turn.
//
// PDQ looks at 64 x 64 samples of a blurred picture. A changed view is the same blurred picture
// sampled at other places, so the pixels are read once: they are reduced to a small plane, the
// plane to a blurred grid three times as fine as PDQ's samples, and every view is 64 x 64 points
// between the grid's. A point outside takes the nearest point inside, which continues a cropped
// picture beyond its edge.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hashmatch {
namespace probes {

constexpr int GRID = 192;  // grid points along an axis
constexpr int SIDE = 64;   // samples along an axis, as in PDQ

// An 8-bit picture: `channels` is 1 (grey) or 3 (red, green, blue, side by side). A row's pixels
// are `pitch` bytes apart, at least `channels`; `stride` leads from row to row and may be negative.
struct Picture {
    const std::uint8_t* rows;
    std::ptrdiff_t stride;
    int height;
    int width;
    int channels;
    int pitch;
};

// Mean luma of blocks of `block` x `block` pixels, the last of a row or column being smaller
// where the size is no multiple. `out` holds ceil(height / block) * ceil(width / block) floats.
void reduce(const Picture& picture, int block, float* out);

// A plane that reduce() made, with the size of the picture in pixels.
struct Plane {
    const float* luma;
    int height;  // blocks
    int width;
    int block;
    int full_height;  // pixels
    int full_width;
};

// Per row and per column of a part of a plane: the mean, the standard deviation, and which share
// of its values differ by more than `step` from the ones two rows (or columns) further on; that
// share is 0 for the last two. The part is [top, bottom) x [left, right) in blocks. `rows` holds
// 3 * (bottom - top) floats, `columns` 3 * (right - left).
void profiles(const Plane& plane, int top, int bottom, int left, int right, float step,
              float* rows, float* columns);

// A part of a picture, in pixels; the sides may lie between pixels.
struct Box {
    double top;
    double bottom;
    double left;
    double right;
};

// The grid over a box: each point is a mean of the pixels around it, weighted by a triangle whose
// half width is 1/128 of the box, which is what PDQ's two boxes amount to. GRID * GRID floats.
void grid(const Plane& plane, const Box& box, float* out);

// Where a view samples: over [top, bottom] x [left, right], where the grid's box is [0, 1], after
// a turn by `degrees` about the middle. `aspect` is the box's width by its height. With left
// greater than right the view is mirrored, with top greater than bottom turned upside down.
struct View {
    double top;
    double bottom;
    double left;
    double right;
    double degrees;
    double aspect;
};

// The samples of a view, SIDE * SIDE floats.
void sample(const float* grid, const View& view, float* out) noexcept;

}  // namespace probes
}  // namespace hashmatch
