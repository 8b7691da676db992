// The sum along a row of column sums, at each SIMD level.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu.h"

namespace hashmatch {
namespace pdq {

// Sum of values[x] * weights[x]. Every product and sum is a whole number below 2^53, so the
// result is exact and its order is free.
double dot(const std::int32_t* values, const double* weights, std::size_t count,
           Level level) noexcept;

}  // namespace pdq
}  // namespace hashmatch
