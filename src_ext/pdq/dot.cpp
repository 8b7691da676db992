#include "dot.h"

#include <algorithm>

#include "simd.h"

namespace hashmatch {
namespace pdq {
namespace {

double dot_scalar(const std::int32_t* values, const double* weights, std::size_t from,
                  std::size_t count) noexcept {
    double sum = 0.0;
    for (std::size_t x = from; x < count; ++x) sum += values[x] * weights[x];
    return sum;
}

#if HM_X86

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
