#include "sums.h"

#include <algorithm>

namespace hashmatch {
namespace pdq {
namespace {

constexpr std::size_t STRIP = 2048;  // columns at a time, so that their sums stay in cache

void sum_rows_scalar(const std::uint8_t* rows, std::ptrdiff_t stride, std::size_t bytes,
                     const std::int16_t* weights, int taps, std::int32_t* out) noexcept {
    for (std::size_t from = 0; from < bytes; from += STRIP) {
        const std::size_t to = std::min(bytes, from + STRIP);
        std::fill(out + from, out + to, 0);
        for (int k = 0; k < taps; ++k) {
            const std::uint8_t* row = rows + k * stride;
            const std::int32_t weight = weights[k];
            for (std::size_t x = from; x < to; ++x) out[x] += weight * row[x];
        }
    }
}

double dot_scalar(const std::int32_t* values, const double* weights, std::size_t count) noexcept {
    double sum = 0.0;
    for (std::size_t x = 0; x < count; ++x) sum += values[x] * weights[x];
    return sum;
}

}  // namespace

void sum_rows(const std::uint8_t* rows, std::ptrdiff_t stride, std::size_t bytes,
              const std::int16_t* weights, int taps, Level level, std::int32_t* out) noexcept {
    (void)level;
    sum_rows_scalar(rows, stride, bytes, weights, taps, out);
}

double dot(const std::int32_t* values, const double* weights, std::size_t count,
           Level level) noexcept {
    (void)level;
    return dot_scalar(values, weights, count);
}

}  // namespace pdq
}  // namespace hashmatch
