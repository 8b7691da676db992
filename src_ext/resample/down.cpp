#include <algorithm>
#include <vector>

#include "resample.h"
#include "sum_rows.h"

namespace hashmatch {
namespace resample {
namespace {

HM_INLINE void finish_here(const std::int32_t* HM_RESTRICT fine,
                           const std::int32_t* HM_RESTRICT coarse, int width,
                           std::uint8_t* HM_RESTRICT out) noexcept {
    for (int x = 0; x < width; ++x) {
        const std::int32_t sum = fine[x] + (coarse != nullptr ? coarse[x] * 256 : 0);
        const std::int32_t value = (sum + (1 << (PRECISION - 1))) >> PRECISION;
        out[x] = static_cast<std::uint8_t>(std::min(std::max(value, 0), 255));
    }
}

HM_TARGET_AVX2 void finish_avx2(const std::int32_t* fine, const std::int32_t* coarse, int width,
                                std::uint8_t* out) noexcept {
    if (coarse != nullptr) return finish_here(fine, coarse, width, out);
    finish_here(fine, nullptr, width, out);
}

void finish_scalar(const std::int32_t* fine, const std::int32_t* coarse, int width,
                   std::uint8_t* out) noexcept {
    if (coarse != nullptr) return finish_here(fine, coarse, width, out);
    finish_here(fine, nullptr, width, out);
}

HM_INLINE void block_sums_here(const std::uint8_t* plane, int size, int side,
                               std::int64_t* out) noexcept {
    const int block = size / side;
    for (int i = 0; i < side * side; ++i) out[i] = 0;
    for (int y = 0; y < size; ++y) {
        for (int j = 0; j < side; ++j) {
            const std::uint8_t* run = plane + static_cast<std::size_t>(y) * size + j * block;
            std::uint32_t sum = 0;
            for (int x = 0; x < block; ++x) sum += run[x];
            out[y / block * side + j] += sum;
        }
    }
}

HM_TARGET_AVX2 void block_sums_avx2(const std::uint8_t* plane, int size, int side,
                                    std::int64_t* out) noexcept {
    block_sums_here(plane, size, side, out);
}

}  // namespace

void down(const Rows& rows, const Filter& filter, Level level, const Target& target) {
    const std::size_t width = rows.width;
    std::vector<std::int32_t> fine(room_for(width)), coarse(filter.split ? room_for(width) : 0);
    for (int o = 0; o < filter.out; ++o) {
        const std::uint8_t* first = rows.first + filter.starts[o] * rows.stride;
        const std::size_t offset = filter.offsets[o];
        sum_rows(first, rows.stride, width, &filter.fine[offset], filter.counts[o], level,
                 fine.data());
        if (filter.split) {
            sum_rows(first, rows.stride, width, &filter.coarse[offset], filter.counts[o], level,
                     coarse.data());
        }
        const std::int32_t* more = filter.split ? coarse.data() : nullptr;
        std::uint8_t* out = target.first + o * target.stride;
        if (level == AVX2 || level == AVX512) {
            finish_avx2(fine.data(), more, rows.width, out);
        } else {
            finish_scalar(fine.data(), more, rows.width, out);
        }
    }
}

void block_sums(const std::uint8_t* plane, int size, int side, Level level,
                std::int64_t* out) noexcept {
    if (level == AVX2 || level == AVX512) return block_sums_avx2(plane, size, side, out);
    block_sums_here(plane, size, side, out);
}

}  // namespace resample
}  // namespace hashmatch
