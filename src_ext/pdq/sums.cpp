#include "sums.h"

#include <algorithm>

#if HM_X86
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)  // its own headers' undefined vectors, GCC bug 105593
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#endif
#if HM_ARM64
#include <arm_neon.h>
#endif

namespace hashmatch {
namespace pdq {
namespace {

constexpr std::size_t STRIP = 2048;  // columns at a time, so that their sums stay in cache

void sum_rows_scalar(const std::uint8_t* rows, std::ptrdiff_t stride, std::size_t from,
                     std::size_t to, const std::int16_t* weights, int taps,
                     std::int32_t* out) noexcept {
    std::fill(out + from, out + to, 0);
    for (int k = 0; k < taps; ++k) {
        const std::uint8_t* row = rows + k * stride;
        const std::int32_t weight = weights[k];
        for (std::size_t x = from; x < to; ++x) out[x] += weight * row[x];
    }
}

double dot_scalar(const std::int32_t* values, const double* weights, std::size_t from,
                  std::size_t count) noexcept {
    double sum = 0.0;
    for (std::size_t x = from; x < count; ++x) sum += values[x] * weights[x];
    return sum;
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

HM_TARGET_AVX2 void sum_rows_avx2(const std::uint8_t* rows, std::ptrdiff_t stride,
                                  std::size_t bytes, const std::int16_t* weights, int taps,
                                  std::int32_t* out) noexcept {
    const __m256i zero = _mm256_setzero_si256();
    const std::size_t whole = bytes / 32 * 32;
    for (std::size_t from = 0; from < whole; from += STRIP) {
        const std::size_t to = std::min(whole, from + STRIP);
        for (int k = 0; k < taps; k += 2 * PAIRS) {
            const std::uint8_t* row[2 * PAIRS];
            __m256i weight[PAIRS];
            int pairs = 0;
            for (; pairs < PAIRS && k + 2 * pairs < taps; ++pairs) {
                const int at = k + 2 * pairs;
                row[2 * pairs] = rows + at * stride;
                row[2 * pairs + 1] = at + 1 < taps ? rows + (at + 1) * stride : row[2 * pairs];
                weight[pairs] = _mm256_set1_epi32(pair(weights, at, taps));
            }
            for (std::size_t x = from; x < to; x += 32) {
                auto* at = reinterpret_cast<__m256i*>(out + x);
                __m256i sum[4] = {zero, zero, zero, zero};
                if (k > 0) {
                    for (int q = 0; q < 4; ++q) sum[q] = _mm256_loadu_si256(at + q);
                }
                for (int p = 0; p < pairs; ++p) {
                    const __m256i a = _mm256_loadu_si256(
                        reinterpret_cast<const __m256i*>(row[2 * p] + x));
                    const __m256i b = _mm256_loadu_si256(
                        reinterpret_cast<const __m256i*>(row[2 * p + 1] + x));
                    const __m256i low = _mm256_unpacklo_epi8(a, b);
                    const __m256i high = _mm256_unpackhi_epi8(a, b);
                    const __m256i wide[4] = {
                        _mm256_unpacklo_epi8(low, zero), _mm256_unpackhi_epi8(low, zero),
                        _mm256_unpacklo_epi8(high, zero), _mm256_unpackhi_epi8(high, zero)};
                    for (int q = 0; q < 4; ++q) {
                        sum[q] = _mm256_add_epi32(sum[q], _mm256_madd_epi16(wide[q], weight[p]));
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
    sum_rows_scalar(rows, stride, whole, bytes, weights, taps, out);
}

HM_TARGET_AVX512 void sum_rows_avx512(const std::uint8_t* rows, std::ptrdiff_t stride,
                                      std::size_t bytes, const std::int16_t* weights, int taps,
                                      std::int32_t* out) noexcept {
    const __m512i zero = _mm512_setzero_si512();
    const std::size_t whole = bytes / 64 * 64;
    for (std::size_t from = 0; from < whole; from += STRIP) {
        const std::size_t to = std::min(whole, from + STRIP);
        for (int k = 0; k < taps; k += 2 * PAIRS) {
            const std::uint8_t* row[2 * PAIRS];
            __m512i weight[PAIRS];
            int pairs = 0;
            for (; pairs < PAIRS && k + 2 * pairs < taps; ++pairs) {
                const int at = k + 2 * pairs;
                row[2 * pairs] = rows + at * stride;
                row[2 * pairs + 1] = at + 1 < taps ? rows + (at + 1) * stride : row[2 * pairs];
                weight[pairs] = _mm512_set1_epi32(pair(weights, at, taps));
            }
            for (std::size_t x = from; x < to; x += 64) {
                __m512i sum[4] = {zero, zero, zero, zero};
                if (k > 0) {
                    for (int q = 0; q < 4; ++q) sum[q] = _mm512_loadu_si512(out + x + 16 * q);
                }
                for (int p = 0; p < pairs; ++p) {
                    const __m512i a = _mm512_loadu_si512(row[2 * p] + x);
                    const __m512i b = _mm512_loadu_si512(row[2 * p + 1] + x);
                    const __m512i low = _mm512_unpacklo_epi8(a, b);
                    const __m512i high = _mm512_unpackhi_epi8(a, b);
                    const __m512i wide[4] = {
                        _mm512_unpacklo_epi8(low, zero), _mm512_unpackhi_epi8(low, zero),
                        _mm512_unpacklo_epi8(high, zero), _mm512_unpackhi_epi8(high, zero)};
                    for (int q = 0; q < 4; ++q) {
                        sum[q] = _mm512_add_epi32(sum[q], _mm512_madd_epi16(wide[q], weight[p]));
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
    sum_rows_scalar(rows, stride, whole, bytes, weights, taps, out);
}

HM_TARGET_AVX2 double dot_avx2(const std::int32_t* values, const double* weights,
                               std::size_t count) noexcept {
    __m256d sum[2] = {_mm256_setzero_pd(), _mm256_setzero_pd()};
    std::size_t x = 0;
    for (; x + 8 <= count; x += 8) {
        for (int q = 0; q < 2; ++q) {
            const __m128i four =
                _mm_loadu_si128(reinterpret_cast<const __m128i*>(values + x + 4 * q));
            sum[q] = _mm256_fmadd_pd(_mm256_cvtepi32_pd(four), _mm256_loadu_pd(weights + x + 4 * q),
                                     sum[q]);
        }
    }
    double parts[4];
    _mm256_storeu_pd(parts, _mm256_add_pd(sum[0], sum[1]));
    return ((parts[0] + parts[1]) + (parts[2] + parts[3])) + dot_scalar(values, weights, x, count);
}

HM_TARGET_AVX512 double dot_avx512(const std::int32_t* values, const double* weights,
                                   std::size_t count) noexcept {
    __m512d sum[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};
    std::size_t x = 0;
    for (; x + 16 <= count; x += 16) {
        for (int q = 0; q < 2; ++q) {
            const __m256i eight =
                _mm256_loadu_si256(reinterpret_cast<const __m256i*>(values + x + 8 * q));
            sum[q] = _mm512_fmadd_pd(_mm512_cvtepi32_pd(eight),
                                     _mm512_loadu_pd(weights + x + 8 * q), sum[q]);
        }
    }
    for (; x < count; x += 8) {
        const auto left = static_cast<unsigned>(std::min<std::size_t>(8, count - x));
        const auto mask = static_cast<__mmask8>((1U << left) - 1U);
        sum[0] = _mm512_fmadd_pd(
            _mm512_cvtepi32_pd(_mm256_maskz_loadu_epi32(mask, values + x)),
            _mm512_maskz_loadu_pd(mask, weights + x), sum[0]);
    }
    return _mm512_reduce_add_pd(_mm512_add_pd(sum[0], sum[1]));
}

#endif

#if HM_ARM64

void sum_rows_neon(const std::uint8_t* rows, std::ptrdiff_t stride, std::size_t bytes,
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

double dot_neon(const std::int32_t* values, const double* weights, std::size_t count) noexcept {
    float64x2_t sum[2] = {vdupq_n_f64(0.0), vdupq_n_f64(0.0)};
    std::size_t x = 0;
    for (; x + 4 <= count; x += 4) {
        const int32x4_t four = vld1q_s32(values + x);
        sum[0] = vfmaq_f64(sum[0], vcvtq_f64_s64(vmovl_s32(vget_low_s32(four))),
                           vld1q_f64(weights + x));
        sum[1] = vfmaq_f64(sum[1], vcvtq_f64_s64(vmovl_s32(vget_high_s32(four))),
                           vld1q_f64(weights + x + 2));
    }
    return vaddvq_f64(vaddq_f64(sum[0], sum[1])) + dot_scalar(values, weights, x, count);
}

#endif

}  // namespace

void sum_rows(const std::uint8_t* rows, std::ptrdiff_t stride, std::size_t bytes,
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

double dot(const std::int32_t* values, const double* weights, std::size_t count,
           Level level) noexcept {
    switch (level) {
#if HM_X86
        case AVX512:
            return dot_avx512(values, weights, count);
        case AVX2:
            return dot_avx2(values, weights, count);
#endif
#if HM_ARM64
        case NEON:
            return dot_neon(values, weights, count);
#endif
        default:
            return dot_scalar(values, weights, 0, count);
    }
}

}  // namespace pdq
}  // namespace hashmatch
