// Weighted sums of runs of a row, at each SIMD level.
#pragma once

#include <cstddef>

#include "cpu.h"

namespace hashmatch {
namespace pdq {

// out[i] = (sum over k of weights[k] * values[starts[i] + k]) / divisor. Every product and sum is
// a whole number below 2^53, so the sum is exact and its order is free; it is rounded once.
void dots(const double* values, const int* starts, std::size_t count, const double* weights,
          std::size_t taps, double divisor, Level level, double* out) noexcept;

}  // namespace pdq
}  // namespace hashmatch
