// Pillow's 8-bit grey and 8-bit Lanczos resize, to the bit.
//
// Pillow turns colours to grey with 16-bit weights, and resizes in two passes: along x, then along
// y, each a sum of pixels times 22-bit weights, rounded to 8 bits (Pillow, src/libImaging/Convert.c
// and Resample.c). All of it is integer arithmetic, so any order of summation gives its result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cpu.h"

namespace hashmatch {
namespace resample {

constexpr int PRECISION = 22;  // bits of a weight after the point
constexpr int LANES = 16;      // rows resized side by side

// The weights that turn `in` pixels into `out`. A weight is fine + 256 * coarse, each of 16 bits;
// if `split` is false, `fine` is all of it.
struct Filter {
    int in = 0, out = 0;
    bool split = false;
    bool symmetric = false;  // whether the mirrored picture gives the mirrored result
    std::vector<int> starts, counts;
    std::vector<std::size_t> offsets;
    std::vector<std::int16_t> fine, coarse;
    // the same in pairs that begin at an even pixel: two weights in 32 bits, the first one low
    std::vector<int> pair_starts, pair_counts;
    std::vector<std::size_t> pair_offsets;
    std::vector<std::int32_t> fine_pairs, coarse_pairs;
};

// With `mirrored`, the result is that of the mirrored picture.
Filter make_filter(int in, int out, bool mirrored);

// Grey of interleaved red, green and blue, `step` bytes from pixel to pixel, 3 or 4.
void grey(const std::uint8_t* colours, int step, int width, Level level,
          std::uint8_t* out) noexcept;

struct Rows {
    const std::uint8_t* first;
    std::ptrdiff_t stride;
    int height;
    int width;
    int step;  // bytes from pixel to pixel: 1 in grey; 3 or 4 for colours to be turned to grey
};

struct Target {
    std::uint8_t* first;
    std::ptrdiff_t stride;
};

// Resizes rows along x by each filter in turn; grey is made once for all.
void across(const Rows& rows, const std::vector<const Filter*>& filters,
            const std::vector<Target>& targets, Level level);

// Resizes grey rows along y.
void down(const Rows& rows, const Filter& filter, Level level, const Target& target);

// Sums of the side x side equal blocks of a square plane.
void block_sums(const std::uint8_t* plane, int size, int side, Level level,
                std::int64_t* out) noexcept;

}  // namespace resample
}  // namespace hashmatch
