// PDQ from 8-bit pixels: the 64 x 64 samples, the 16 x 16 DCT, the bits and the quality.
//
// Algorithm: "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm" (Meta,
// 2019) and the C++ of ThreatExchange, called the reference below. It filters luma twice with a
// box along each axis and picks 64 x 64 samples. All of that is linear and separable.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu.h"

namespace hashmatch {
namespace pdq {

constexpr int SIDE = 64;                     // samples along an axis
constexpr int SAMPLES = SIDE * SIDE;
constexpr int COEFFICIENTS = 16 * 16;
constexpr int LARGEST_SIZE = 1 << 18;        // beyond, 32-bit column sums could overflow

// A picture: `channels` is 1 (grey) or 3 (red, green, blue); the bytes of a row are contiguous,
// `stride` leads from row to row and may be negative.
struct Picture {
    const std::uint8_t* rows;
    std::ptrdiff_t stride;
    int height;
    int width;
    int channels;
};

// Width of the reference's box along an axis of so many pixels, and how far it reaches ahead.
inline int window(int size) noexcept { return (size + 127) / 128; }
inline int ahead(int size) noexcept { return window(size) / 2; }

// The pixel that sample i is picked at.
inline int center(int size, int i) noexcept {
    return static_cast<int>((i + 0.5) * size / SIDE);
}

// The samples as exact weighted sums of pixels, rounded once. With `flips` also those of the
// picture mirrored: `out` holds SAMPLES floats for the picture, then for it mirrored along x,
// along y, and along both. Needs sizes of at most LARGEST_SIZE.
void downsample(const Picture& picture, bool flips, Level level, float* out);

// The samples bit for bit as the reference's chain of float operations rounds them.
void replay(const Picture& picture, Level level, float* out);

// What samples say.
struct Digest {
    std::uint8_t bits[COEFFICIENTS / 8];  // the highest coefficient's bit first
    float coefficients[COEFFICIENTS];     // the 16 x 16 low frequencies
    float median;                         // the 128th smallest coefficient
    float above;                          // the 129th: a bit is set from here on
    int gradients;                        // significant gradients, before scaling to 0..100
    int doubtful;  // how many of them lie within the slack of counting one more or one less
};

// Coefficients, bits and gradients by the reference's own order of float operations.
void digest(const float* samples, float slack, Level level, Digest* out) noexcept;

}  // namespace pdq
}  // namespace hashmatch
