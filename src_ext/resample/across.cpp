// Resizing along x.
//
// The vector versions take sixteen rows (eight with AVX2) side by side, one in each lane: two
// neighbouring pixels of a row make a 32-bit lane, and a multiply-add with two weights of the
// filter advances every row by two pixels. So no sum has to be gathered from lanes, whatever the
// filter's length.
#include <algorithm>
#include <vector>

#include "resample.h"
#include "simd.h"

namespace hashmatch {
namespace resample {
namespace {

std::uint8_t rounded(std::int32_t sum) noexcept {
    const std::int32_t value = (sum + (1 << (PRECISION - 1))) >> PRECISION;
    return static_cast<std::uint8_t>(std::min(std::max(value, 0), 255));
}

void across_scalar(const std::uint8_t* row, const Filter& filter, std::uint8_t* out) noexcept {
    for (int o = 0; o < filter.out; ++o) {
        const std::uint8_t* pixels = row + filter.starts[o];
        const std::int16_t* fine = &filter.fine[filter.offsets[o]];
        std::int32_t sum = 0;
        for (int k = 0; k < filter.counts[o]; ++k) sum += pixels[k] * fine[k];
        if (filter.split) {
            const std::int16_t* coarse = &filter.coarse[filter.offsets[o]];
            std::int32_t more = 0;
            for (int k = 0; k < filter.counts[o]; ++k) more += pixels[k] * coarse[k];
            sum += more * 256;
        }
        out[o] = rounded(sum);
    }
}

#if HM_X86

// A pair of neighbouring pixels, 16 bits each, of sixteen rows.
struct alignas(64) Pairs {
    std::int32_t row[LANES];
};

// Eight rows of eight 16-bit values to eight columns.
HM_INLINE void transpose8(__m128i v[8]) noexcept {
    __m128i a[8];
    for (int i = 0; i < 4; ++i) {
        a[2 * i] = _mm_unpacklo_epi16(v[i], v[i + 4]);
        a[2 * i + 1] = _mm_unpackhi_epi16(v[i], v[i + 4]);
    }
    __m128i b[8];
    for (int i = 0; i < 4; ++i) {
        b[2 * i] = _mm_unpacklo_epi16(a[i], a[i + 4]);
        b[2 * i + 1] = _mm_unpackhi_epi16(a[i], a[i + 4]);
    }
    for (int i = 0; i < 4; ++i) {
        v[2 * i] = _mm_unpacklo_epi16(b[i], b[i + 4]);
        v[2 * i + 1] = _mm_unpackhi_epi16(b[i], b[i + 4]);
    }
}

// Sixteen rows of bytes, `stride` apart and a multiple of 16 long, to pairs.
HM_TARGET_AVX2 void to_pairs(const std::uint8_t* rows, std::ptrdiff_t stride, int width,
                             Pairs* pairs) noexcept {
    for (int x = 0; x < width; x += 16) {
        for (int half = 0; half < 2; ++half) {
            __m128i v[8];
            for (int l = 0; l < 8; ++l) {
                v[l] = _mm_loadu_si128(
                    reinterpret_cast<const __m128i*>(rows + (8 * half + l) * stride + x));
            }
            transpose8(v);
            for (int i = 0; i < 8; ++i) {
                _mm256_store_si256(reinterpret_cast<__m256i*>(pairs[x / 2 + i].row + 8 * half),
                                   _mm256_cvtepu8_epi16(v[i]));
            }
        }
    }
}

// columns[o][lane] to rows of `out`; sixteen columns of sixteen bytes at a time.
HM_TARGET_AVX2 void to_rows(const std::uint8_t (*columns)[LANES], int count, int rows,
                            const Target& out) noexcept {
    int o = 0;
    for (; o + 16 <= count; o += 16) {
        __m128i v[16];
        for (int i = 0; i < 16; ++i) {
            v[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(columns[o + i]));
        }
        for (int stage = 0; stage < 4; ++stage) {
            __m128i w[16];
            for (int i = 0; i < 8; ++i) {
                w[2 * i] = _mm_unpacklo_epi8(v[i], v[i + 8]);
                w[2 * i + 1] = _mm_unpackhi_epi8(v[i], v[i + 8]);
            }
            for (int i = 0; i < 16; ++i) v[i] = w[i];
        }
        for (int l = 0; l < rows; ++l) {
            _mm_storeu_si128(reinterpret_cast<__m128i*>(out.first + l * out.stride + o), v[l]);
        }
    }
    for (; o < count; ++o) {
        for (int l = 0; l < rows; ++l) out.first[l * out.stride + o] = columns[o][l];
    }
}

template <bool SPLIT>
HM_TARGET_AVX2 void across_avx2(const Pairs* pairs, const Filter& filter,
                                std::uint8_t (*columns)[LANES]) noexcept {
    const __m256i half = _mm256_set1_epi32(1 << (PRECISION - 1));
    for (int o = 0; o < filter.out; ++o) {
        const Pairs* at = pairs + filter.pair_starts[o];
        const std::int32_t* fine = &filter.fine_pairs[filter.pair_offsets[o]];
        const std::int32_t* coarse = SPLIT ? &filter.coarse_pairs[filter.pair_offsets[o]] : nullptr;
        __m256i sum[2] = {half, half};
        __m256i more[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
        for (int p = 0; p < filter.pair_counts[o]; ++p) {
            const __m256i weight = _mm256_set1_epi32(fine[p]);
            for (int h = 0; h < 2; ++h) {
                const __m256i pixels =
                    _mm256_load_si256(reinterpret_cast<const __m256i*>(at[p].row + 8 * h));
                sum[h] = _mm256_add_epi32(sum[h], _mm256_madd_epi16(pixels, weight));
                if (SPLIT) {
                    more[h] = _mm256_add_epi32(
                        more[h], _mm256_madd_epi16(pixels, _mm256_set1_epi32(coarse[p])));
                }
            }
        }
        for (int h = 0; h < 2; ++h) {
            if (SPLIT) sum[h] = _mm256_add_epi32(sum[h], _mm256_slli_epi32(more[h], 8));
            sum[h] = _mm256_srai_epi32(sum[h], PRECISION);
        }
        // packing saturates, which is Pillow's clipping to 0..255
        const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(sum[0], sum[1]), 0xD8);
        const __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(words),
                                               _mm256_extracti128_si256(words, 1));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(columns[o]), bytes);
    }
}

template <bool SPLIT>
HM_TARGET_AVX512 void across_avx512(const Pairs* pairs, const Filter& filter,
                                    std::uint8_t (*columns)[LANES]) noexcept {
    const __m512i half = _mm512_set1_epi32(1 << (PRECISION - 1));
    for (int o = 0; o < filter.out; ++o) {
        const Pairs* at = pairs + filter.pair_starts[o];
        const std::int32_t* fine = &filter.fine_pairs[filter.pair_offsets[o]];
        const std::int32_t* coarse = SPLIT ? &filter.coarse_pairs[filter.pair_offsets[o]] : nullptr;
        const int count = filter.pair_counts[o];
        __m512i sum[2] = {half, _mm512_setzero_si512()};
        __m512i more[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
        int p = 0;
        for (; p + 2 <= count; p += 2) {
            for (int h = 0; h < 2; ++h) {
                const __m512i pixels = _mm512_load_si512(at[p + h].row);
                sum[h] = _mm512_add_epi32(
                    sum[h], _mm512_madd_epi16(pixels, _mm512_set1_epi32(fine[p + h])));
                if (SPLIT) {
                    more[h] = _mm512_add_epi32(
                        more[h], _mm512_madd_epi16(pixels, _mm512_set1_epi32(coarse[p + h])));
                }
            }
        }
        if (p < count) {
            const __m512i pixels = _mm512_load_si512(at[p].row);
            sum[0] = _mm512_add_epi32(sum[0],
                                      _mm512_madd_epi16(pixels, _mm512_set1_epi32(fine[p])));
            if (SPLIT) {
                more[0] = _mm512_add_epi32(
                    more[0], _mm512_madd_epi16(pixels, _mm512_set1_epi32(coarse[p])));
            }
        }
        __m512i total = _mm512_add_epi32(sum[0], sum[1]);
        if (SPLIT) {
            total = _mm512_add_epi32(total, _mm512_slli_epi32(_mm512_add_epi32(more[0], more[1]), 8));
        }
        total = _mm512_max_epi32(_mm512_srai_epi32(total, PRECISION), _mm512_setzero_si512());
        _mm_storeu_si128(reinterpret_cast<__m128i*>(columns[o]), _mm512_cvtusepi32_epi8(total));
    }
}

void across_vectors(const Rows& rows, const std::vector<const Filter*>& filters,
                    const std::vector<Target>& targets, Level level) {
    const int padded = (rows.width + 15) / 16 * 16;
    int widest = 0;
    for (const Filter* filter : filters) widest = std::max(widest, filter->out);
    std::vector<std::uint8_t> block(static_cast<std::size_t>(padded) * LANES);
    std::vector<Pairs> pairs(padded / 2);
    std::vector<std::uint8_t> columns(static_cast<std::size_t>(widest) * LANES);
    auto* resized = reinterpret_cast<std::uint8_t(*)[LANES]>(columns.data());
    for (int y = 0; y < rows.height; y += LANES) {
        const int count = std::min(LANES, rows.height - y);
        for (int l = 0; l < count; ++l) {
            const std::uint8_t* row = rows.first + (y + l) * rows.stride;
            std::uint8_t* out = &block[static_cast<std::size_t>(l) * padded];
            if (rows.step > 1) {
                grey(row, rows.step, rows.width, level, out);
            } else {
                std::copy(row, row + rows.width, out);
            }
        }
        to_pairs(block.data(), padded, padded, pairs.data());
        for (std::size_t f = 0; f < filters.size(); ++f) {
            const Filter& filter = *filters[f];
            if (level == AVX512) {
                (filter.split ? across_avx512<true> : across_avx512<false>)(pairs.data(), filter,
                                                                            resized);
            } else {
                (filter.split ? across_avx2<true> : across_avx2<false>)(pairs.data(), filter,
                                                                        resized);
            }
            to_rows(resized, filter.out, count,
                    {targets[f].first + y * targets[f].stride, targets[f].stride});
        }
    }
}

#endif

}  // namespace

void across(const Rows& rows, const std::vector<const Filter*>& filters,
            const std::vector<Target>& targets, Level level) {
#if HM_X86
    if (level == AVX2 || level == AVX512) return across_vectors(rows, filters, targets, level);
#endif
    std::vector<std::uint8_t> luma(rows.step > 1 ? rows.width : 0);
    for (int y = 0; y < rows.height; ++y) {
        const std::uint8_t* row = rows.first + y * rows.stride;
        if (rows.step > 1) {
            grey(row, rows.step, rows.width, level, luma.data());
            row = luma.data();
        }
        for (std::size_t f = 0; f < filters.size(); ++f) {
            across_scalar(row, *filters[f], targets[f].first + y * targets[f].stride);
        }
    }
}

}  // namespace resample
}  // namespace hashmatch
