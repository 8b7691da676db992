// Weighted sums of a picture's rows, as luma: where the samples' time goes.
#pragma once

#include <cstdint>
#include <vector>

#include "pdq/pdq.h"

namespace hashmatch {
namespace pdq {

constexpr int MOST_WAYS = 2;

// Rows next to each other, and what each of them weighs in up to two sums of them.
struct RowWeights {
    int first = 0;                                    // the first row
    int ways = 0;
    std::vector<std::int16_t> of[MOST_WAYS];          // equally long, none negative
};

// Makes out[way][x] the weighted sum of pixel x of the rows: 299 red + 587 green + 114 blue, or
// grey. Every sum is a whole number below 2^53, so it is exact whatever the level. `out` needs
// room for luma_room(width) sums each.
void luma_rows(const Picture& picture, const RowWeights& weights, Level level,
               double* const out[MOST_WAYS]);

inline std::size_t luma_room(int width) noexcept {
    return (static_cast<std::size_t>(width) + 63) / 64 * 64;
}

}  // namespace pdq
}  // namespace hashmatch
