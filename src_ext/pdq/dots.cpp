#include "pdq/dots.h"

#include <algorithm>

#include "simd.h"

namespace hashmatch {
namespace pdq {
namespace {

double dot_scalar(const double* values, const double* weights, std::size_t from,
                  std::size_t taps) noexcept {
    double sum = 0.0;
    for (std::size_t k = from; k < taps; ++k) sum += values[k] * weights[k];
    return sum;
}

#if HM_X86

HM_TARGET_AVX2 void dots_avx2(const double* values, const int* starts, std::size_t count,
                              const double* weights, std::size_t taps, double divisor,
                              double* out) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        const double* run = values + starts[i];
        __m256d sum[2] = {_mm256_setzero_pd(), _mm256_setzero_pd()};
        std::size_t k = 0;
        for (; k + 8 <= taps; k += 8) {
            for (int q = 0; q < 2; ++q) {
                sum[q] = _mm256_fmadd_pd(_mm256_loadu_pd(run + k + 4 * q),
                                         _mm256_loadu_pd(weights + k + 4 * q), sum[q]);
            }
        }
        double parts[4];
        _mm256_storeu_pd(parts, _mm256_add_pd(sum[0], sum[1]));
        out[i] = (((parts[0] + parts[1]) + (parts[2] + parts[3])) +
                  dot_scalar(run, weights, k, taps)) / divisor;
    }
}

HM_TARGET_AVX512 inline __m512d dot_avx512(const double* run, const double* weights,
                                           std::size_t taps) noexcept {
    __m512d sum[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};
    std::size_t k = 0;
    for (; k + 16 <= taps; k += 16) {
        for (int q = 0; q < 2; ++q) {
            sum[q] = _mm512_fmadd_pd(_mm512_loadu_pd(run + k + 8 * q),
                                     _mm512_loadu_pd(weights + k + 8 * q), sum[q]);
        }
    }
    for (int q = 0; k < taps; k += 8, ++q) {
        const auto left = static_cast<unsigned>(std::min<std::size_t>(8, taps - k));
        const auto mask = static_cast<__mmask8>((1U << left) - 1U);
        sum[q] = _mm512_fmadd_pd(_mm512_maskz_loadu_pd(mask, run + k),
                                 _mm512_maskz_loadu_pd(mask, weights + k), sum[q]);
    }
    return _mm512_add_pd(sum[0], sum[1]);
}

// In lane 2 L the sum of the pair in lanes 2 L of a, in lane 2 L + 1 that of b.
HM_TARGET_AVX512 inline __m512d pairs(__m512d a, __m512d b) noexcept {
    return _mm512_add_pd(_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b));
}

// Neighbouring quarters of a, then of b, added.
HM_TARGET_AVX512 inline __m512d quarters(__m512d a, __m512d b) noexcept {
    return _mm512_add_pd(_mm512_shuffle_f64x2(a, b, 0x88), _mm512_shuffle_f64x2(a, b, 0xDD));
}

// Eight at a time, so that their lanes are added up together.
HM_TARGET_AVX512 void dots_avx512(const double* values, const int* starts, std::size_t count,
                                  const double* weights, std::size_t taps, double divisor,
                                  double* out) noexcept {
    for (std::size_t i = 0; i < count; i += 8) {
        const std::size_t here = std::min<std::size_t>(8, count - i);
        __m512d sum[8];
        for (std::size_t w = 0; w < 8; ++w) {
            sum[w] = dot_avx512(values + starts[i + std::min(w, here - 1)], weights, taps);
        }
        const __m512d all = quarters(quarters(pairs(sum[0], sum[1]), pairs(sum[2], sum[3])),
                                     quarters(pairs(sum[4], sum[5]), pairs(sum[6], sum[7])));
        _mm512_mask_storeu_pd(out + i, static_cast<__mmask8>((1U << here) - 1U),
                              _mm512_div_pd(all, _mm512_set1_pd(divisor)));
    }
}

#endif

#if HM_ARM64

void dots_neon(const double* values, const int* starts, std::size_t count, const double* weights,
               std::size_t taps, double divisor, double* out) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        const double* run = values + starts[i];
        float64x2_t sum[2] = {vdupq_n_f64(0.0), vdupq_n_f64(0.0)};
        std::size_t k = 0;
        for (; k + 4 <= taps; k += 4) {
            sum[0] = vfmaq_f64(sum[0], vld1q_f64(run + k), vld1q_f64(weights + k));
            sum[1] = vfmaq_f64(sum[1], vld1q_f64(run + k + 2), vld1q_f64(weights + k + 2));
        }
        out[i] = (vaddvq_f64(vaddq_f64(sum[0], sum[1])) + dot_scalar(run, weights, k, taps)) / divisor;
    }
}

#endif

}  // namespace

void dots(const double* values, const int* starts, std::size_t count, const double* weights,
          std::size_t taps, double divisor, Level level, double* out) noexcept {
    switch (level) {
#if HM_X86
        case AVX512:
            return dots_avx512(values, starts, count, weights, taps, divisor, out);
        case AVX2:
            return dots_avx2(values, starts, count, weights, taps, divisor, out);
#endif
#if HM_ARM64
        case NEON:
            return dots_neon(values, starts, count, weights, taps, divisor, out);
#endif
        default:
            for (std::size_t i = 0; i < count; ++i) {
                out[i] = dot_scalar(values + starts[i], weights, 0, taps) / divisor;
            }
    }
}

}  // namespace pdq
}  // namespace hashmatch
