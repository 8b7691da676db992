// Weighted sums of rows of bytes: where both the PDQ samples and the resize spend their time.
//
// Everything here is integer arithmetic, so every level gives the same sums. The header is
// included by one source file of each kernel that needs it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "simd.h"

namespace hashmatch {
namespace {

constexpr std::size_t STRIP = 2048;  // columns at a time, so that their sums stay in cache

inline void sum_rows_scalar(const std::uint8_t* rows, std::ptrdiff_t stride, std::size_t from,
                     std::size_t to, const std::int16_t* weights, int taps,
                     std::int32_t* out) noexcept {
    std::fill(out + from, out + to, 0);
    for (int k = 0; k < taps; ++k) {
        const std::uint8_t* row = rows + k * stride;
        const std::int32_t weight = weights[k];
        for (std::size_t x = from; x < to; ++x) out[x] += weight * row[x];
    }
}

#if HM_X86

// Both vector versions take rows in pairs: bytes of two rows side by side, widened to 16 bits,
// times two weights, added to 32 bits by one multiply-add. Interleaving works within 128 bits, so
// column 16 L + 4 q + i of a block is lane 4 L + i of vector q; the sums are put in order last.

inline std::int32_t pair(const std::int16_t* weights, int k, int taps) noexcept {
    const std::uint32_t low = static_cast<std::uint16_t>(weights[k]);
    const std::uint32_t high = k + 1 < taps ? static_cast<std::uint16_t>(weights[k + 1]) : 0U;
    return static_cast<std::int32_t>(low | (high << 16));
}

constexpr int PAIRS = 4;  // row pairs taken at once

// Rows k .. k + 2 * PAIRS of a sum, in pairs with their weights.
struct RowPairs {
    const std::uint8_t* row[2 * PAIRS];
    std::int32_t weight[PAIRS];
    int count;
};

inline RowPairs row_pairs(const std::uint8_t* rows, std::ptrdiff_t stride,
                          const std::int16_t* weights, int taps, int k) noexcept {
    RowPairs pairs;
    pairs.count = 0;
    for (; pairs.count < PAIRS && k < taps; ++pairs.count, k += 2) {
        pairs.row[2 * pairs.count] = rows + k * stride;
        pairs.row[2 * pairs.count + 1] = rows + (k + 1 < taps ? k + 1 : k) * stride;
        pairs.weight[pairs.count] = pair(weights, k, taps);
    }
    return pairs;
}

HM_TARGET_AVX2 inline __m256i load_some(const std::uint8_t* from, std::size_t count) noexcept {
    if (count >= 32) return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    alignas(32) std::uint8_t bytes[32] = {};
    std::copy(from, from + count, bytes);
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(bytes));
}

HM_TARGET_AVX2 inline void sum_rows_avx2(const std::uint8_t* rows, std::ptrdiff_t stride,
                                         std::size_t bytes, const std::int16_t* weights, int taps,
                                         std::int32_t* out) noexcept {
    const __m256i zero = _mm256_setzero_si256();
    for (std::size_t from = 0; from < bytes; from += STRIP) {
        const std::size_t to = std::min(bytes, from + STRIP);
        for (int k = 0; k < taps; k += 2 * PAIRS) {
            const RowPairs pairs = row_pairs(rows, stride, weights, taps, k);
            for (std::size_t x = from; x < to; x += 32) {
                auto* at = reinterpret_cast<__m256i*>(out + x);
                __m256i sum[4] = {zero, zero, zero, zero};
                if (k > 0) {
                    for (int q = 0; q < 4; ++q) sum[q] = _mm256_loadu_si256(at + q);
                }
                for (int p = 0; p < pairs.count; ++p) {
                    const __m256i weight = _mm256_set1_epi32(pairs.weight[p]);
                    const __m256i a = load_some(pairs.row[2 * p] + x, bytes - x);
                    const __m256i b = load_some(pairs.row[2 * p + 1] + x, bytes - x);
                    const __m256i low = _mm256_unpacklo_epi8(a, b);
                    const __m256i high = _mm256_unpackhi_epi8(a, b);
                    const __m256i wide[4] = {
                        _mm256_unpacklo_epi8(low, zero), _mm256_unpackhi_epi8(low, zero),
                        _mm256_unpacklo_epi8(high, zero), _mm256_unpackhi_epi8(high, zero)};
                    for (int q = 0; q < 4; ++q) {
                        sum[q] = _mm256_add_epi32(sum[q], _mm256_madd_epi16(wide[q], weight));
                    }
                }
                for (int q = 0; q < 4; ++q) _mm256_storeu_si256(at + q, sum[q]);
            }
        }
        for (std::size_t x = from; x < to; x += 32) {
            auto* at = reinterpret_cast<__m256i*>(out + x);
            __m256i sum[4];
            for (int q = 0; q < 4; ++q) sum[q] = _mm256_loadu_si256(at + q);
            _mm256_storeu_si256(at, _mm256_permute2x128_si256(sum[0], sum[1], 0x20));
            _mm256_storeu_si256(at + 1, _mm256_permute2x128_si256(sum[2], sum[3], 0x20));
            _mm256_storeu_si256(at + 2, _mm256_permute2x128_si256(sum[0], sum[1], 0x31));
            _mm256_storeu_si256(at + 3, _mm256_permute2x128_si256(sum[2], sum[3], 0x31));
        }
    }
}

HM_TARGET_AVX512 inline void sum_rows_avx512(const std::uint8_t* rows, std::ptrdiff_t stride,
                                             std::size_t bytes, const std::int16_t* weights,
                                             int taps, std::int32_t* out) noexcept {
    const __m512i zero = _mm512_setzero_si512();
    for (std::size_t from = 0; from < bytes; from += STRIP) {
        const std::size_t to = std::min(bytes, from + STRIP);
        for (int k = 0; k < taps; k += 2 * PAIRS) {
            const RowPairs pairs = row_pairs(rows, stride, weights, taps, k);
            for (std::size_t x = from; x < to; x += 64) {
                const std::size_t left = bytes - x;
                const __mmask64 mask = left < 64 ? (__mmask64{1} << left) - 1 : ~__mmask64{0};
                __m512i sum[4] = {zero, zero, zero, zero};
                if (k > 0) {
                    for (int q = 0; q < 4; ++q) sum[q] = _mm512_loadu_si512(out + x + 16 * q);
                }
                for (int p = 0; p < pairs.count; ++p) {
                    const __m512i weight = _mm512_set1_epi32(pairs.weight[p]);
                    const __m512i a = _mm512_maskz_loadu_epi8(mask, pairs.row[2 * p] + x);
                    const __m512i b = _mm512_maskz_loadu_epi8(mask, pairs.row[2 * p + 1] + x);
                    const __m512i low = _mm512_unpacklo_epi8(a, b);
                    const __m512i high = _mm512_unpackhi_epi8(a, b);
                    const __m512i wide[4] = {
                        _mm512_unpacklo_epi8(low, zero), _mm512_unpackhi_epi8(low, zero),
                        _mm512_unpacklo_epi8(high, zero), _mm512_unpackhi_epi8(high, zero)};
                    for (int q = 0; q < 4; ++q) {
                        sum[q] = _mm512_add_epi32(sum[q], _mm512_madd_epi16(wide[q], weight));
                    }
                }
                for (int q = 0; q < 4; ++q) _mm512_storeu_si512(out + x + 16 * q, sum[q]);
            }
        }
        for (std::size_t x = from; x < to; x += 64) {
            __m512i sum[4];
            for (int q = 0; q < 4; ++q) sum[q] = _mm512_loadu_si512(out + x + 16 * q);
            const __m512i a = _mm512_shuffle_i32x4(sum[0], sum[1], 0x44);  // 00 01 10 11
            const __m512i b = _mm512_shuffle_i32x4(sum[2], sum[3], 0x44);
            const __m512i c = _mm512_shuffle_i32x4(sum[0], sum[1], 0xEE);  // 02 03 12 13
            const __m512i d = _mm512_shuffle_i32x4(sum[2], sum[3], 0xEE);
            _mm512_storeu_si512(out + x, _mm512_shuffle_i32x4(a, b, 0x88));
            _mm512_storeu_si512(out + x + 16, _mm512_shuffle_i32x4(a, b, 0xDD));
            _mm512_storeu_si512(out + x + 32, _mm512_shuffle_i32x4(c, d, 0x88));
            _mm512_storeu_si512(out + x + 48, _mm512_shuffle_i32x4(c, d, 0xDD));
        }
    }
}

#endif

#if HM_ARM64

inline void sum_rows_neon(const std::uint8_t* rows, std::ptrdiff_t stride, std::size_t bytes,
                   const std::int16_t* weights, int taps, std::int32_t* out) noexcept {
    const std::size_t whole = bytes / 16 * 16;
    for (std::size_t x = 0; x < whole; x += 16) {
        int32x4_t sum[4] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
        for (int k = 0; k < taps; ++k) {
            const uint8x16_t row = vld1q_u8(rows + k * stride + x);
            const int16x8_t low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(row)));
            const int16x8_t high = vreinterpretq_s16_u16(vmovl_u8(vget_high_u8(row)));
            sum[0] = vmlal_n_s16(sum[0], vget_low_s16(low), weights[k]);
            sum[1] = vmlal_n_s16(sum[1], vget_high_s16(low), weights[k]);
            sum[2] = vmlal_n_s16(sum[2], vget_low_s16(high), weights[k]);
            sum[3] = vmlal_n_s16(sum[3], vget_high_s16(high), weights[k]);
        }
        for (int q = 0; q < 4; ++q) vst1q_s32(out + x + 4 * q, sum[q]);
    }
    sum_rows_scalar(rows, stride, whole, bytes, weights, taps, out);
}

#endif

// How many sums `out` of sum_rows() must have room for: whole vectors of them.
inline std::size_t room_for(std::size_t bytes) noexcept { return (bytes + 63) / 64 * 64; }

// out[x] = sum over k of weights[k] * rows[k * stride + x], for x < bytes. Exact: the caller sees
// to it that no sum leaves 32 bits.
inline void sum_rows(const std::uint8_t* rows, std::ptrdiff_t stride, std::size_t bytes,
              const std::int16_t* weights, int taps, Level level, std::int32_t* out) noexcept {
    switch (level) {
#if HM_X86
        case AVX512:
            return sum_rows_avx512(rows, stride, bytes, weights, taps, out);
        case AVX2:
            return sum_rows_avx2(rows, stride, bytes, weights, taps, out);
#endif
#if HM_ARM64
        case NEON:
            return sum_rows_neon(rows, stride, bytes, weights, taps, out);
#endif
        default:
            for (std::size_t from = 0; from < bytes; from += STRIP) {
                sum_rows_scalar(rows, stride, from, std::min(bytes, from + STRIP), weights, taps,
                                out);
            }
    }
}

}  // namespace
}  // namespace hashmatch
