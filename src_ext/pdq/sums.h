// The two sums that the downsample spends its time in, at each SIMD level.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu.h"

namespace hashmatch {
namespace pdq {

// out[x] = sum over k of weights[k] * rows[k * stride + x], for x < bytes. Exact: the caller sees
// to it that no sum leaves 32 bits.
void sum_rows(const std::uint8_t* rows, std::ptrdiff_t stride, std::size_t bytes,
              const std::int16_t* weights, int taps, Level level, std::int32_t* out) noexcept;

// Sum of values[x] * weights[x]. Every product and sum is a whole number below 2^53, so the
// result is exact and its order is free.
double dot(const std::int32_t* values, const double* weights, std::size_t count,
           Level level) noexcept;

}  // namespace pdq
}  // namespace hashmatch
