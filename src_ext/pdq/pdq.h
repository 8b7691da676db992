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

// A picture: `channels` is 1 (grey) or 3 (red, green, blue), side by side; `step` leads from pixel
// to pixel and `stride` from row to row, in bytes. Either may be negative for replay(); for
// downsample() the step is 1 in grey, and 3 or 4 in colour.
struct Picture {
    const std::uint8_t* rows;
    std::ptrdiff_t stride;
    std::ptrdiff_t step;
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

// Which mirrored pictures are wanted: bit 0 for the picture as it is, bit 1 for the mirrored one.
struct Mirrors {
    int along_x;
    int along_y;
};

// The samples as exact weighted sums of pixels, rounded once: SAMPLES floats for each combination
// of mirrors wanted, those along x changing fastest. Needs sizes of at most LARGEST_SIZE. The sums
// are exact up to 3 gigapixels, beyond which a double cannot hold them all.
void downsample(const Picture& picture, Mirrors mirrors, Level level, float* out);

// The samples bit for bit as the reference's chain of float operations rounds them.
void replay(const Picture& picture, Level level, float* out);

// What samples say.
struct Digest {
    std::uint8_t bits[COEFFICIENTS / 8];  // the highest coefficient's bit first
    float coefficients[COEFFICIENTS];     // the 16 x 16 low frequencies
    float median;                         // the 128th smallest coefficient
    float apart;  // how far the set bits' coefficients stay above the others in the worst case
    int gradients;                        // significant gradients, before scaling to 0..100
    int doubtful;  // how many of them may count one more or one less
};

// How far samples may be from the reference's.
struct Tolerance {
    float gradient;     // of a gradient, in steps
    float coefficient;  // of coefficient (i, j), after division by 1 / (i + 1) + 1 / (j + 1)
};

// Coefficients, bits and gradients by the reference's own order of float operations.
void digest(const float* samples, Tolerance tolerance, Level level, Digest* out) noexcept;

}  // namespace pdq
}  // namespace hashmatch
