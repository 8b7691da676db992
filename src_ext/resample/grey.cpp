#include "resample.h"
#include "simd.h"

namespace hashmatch {
namespace resample {
namespace {

// Pillow's weights over 65536. Green's exceeds 16 signed bits and is taken in two halves.
constexpr int RED = 19595, GREEN = 38470, BLUE = 7471, HALF = 1 << 15;

void grey_scalar(const std::uint8_t* colours, int from, int width, std::uint8_t* out) noexcept {
    const std::uint8_t* pixel = colours + 3 * static_cast<std::ptrdiff_t>(from);
    for (int x = from; x < width; ++x, pixel += 3) {
        out[x] = static_cast<std::uint8_t>(
            (RED * pixel[0] + GREEN * pixel[1] + BLUE * pixel[2] + HALF) >> 16);
    }
}

#if HM_X86

// Four pixels in each 128 bits: red and green as 16-bit pairs, blue and green again.
#define HM_RED_GREEN 0, -1, 1, -1, 3, -1, 4, -1, 6, -1, 7, -1, 9, -1, 10, -1
#define HM_BLUE_GREEN 2, -1, 1, -1, 5, -1, 4, -1, 8, -1, 7, -1, 11, -1, 10, -1

HM_TARGET_AVX2 void grey_avx2(const std::uint8_t* colours, int width, std::uint8_t* out) noexcept {
    const __m256i spread = _mm256_setr_epi32(0, 1, 2, 2, 3, 4, 5, 5);
    const __m256i red_green = _mm256_setr_epi8(HM_RED_GREEN, HM_RED_GREEN);
    const __m256i blue_green = _mm256_setr_epi8(HM_BLUE_GREEN, HM_BLUE_GREEN);
    const __m256i first = _mm256_set1_epi32(RED | (GREEN / 2 << 16));
    const __m256i second = _mm256_set1_epi32(BLUE | (GREEN / 2 << 16));
    const __m256i half = _mm256_set1_epi32(HALF);
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    int x = 0;
    for (; x + 35 <= width; x += 32) {  // a load reads up to three pixels beyond its own
        __m256i sum[4];
        for (int q = 0; q < 4; ++q) {
            const __m256i bytes = _mm256_permutevar8x32_epi32(
                _mm256_loadu_si256(
                    reinterpret_cast<const __m256i*>(colours + 3 * (x + 8 * q))),
                spread);
            const __m256i a = _mm256_madd_epi16(_mm256_shuffle_epi8(bytes, red_green), first);
            const __m256i b = _mm256_madd_epi16(_mm256_shuffle_epi8(bytes, blue_green), second);
            sum[q] = _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(a, b), half), 16);
        }
        const __m256i packed = _mm256_packus_epi16(_mm256_packus_epi32(sum[0], sum[1]),
                                                   _mm256_packus_epi32(sum[2], sum[3]));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + x),
                            _mm256_permutevar8x32_epi32(packed, order));
    }
    grey_scalar(colours, x, width, out);
}

HM_TARGET_AVX512 void grey_avx512(const std::uint8_t* colours, int width,
                                  std::uint8_t* out) noexcept {
    const __m512i spread =
        _mm512_setr_epi32(0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 8, 9, 10, 11, 11);
    const __m512i red_green = _mm512_broadcast_i32x4(_mm_setr_epi8(HM_RED_GREEN));
    const __m512i blue_green = _mm512_broadcast_i32x4(_mm_setr_epi8(HM_BLUE_GREEN));
    const __m512i first = _mm512_set1_epi32(RED | (GREEN / 2 << 16));
    const __m512i second = _mm512_set1_epi32(BLUE | (GREEN / 2 << 16));
    const __m512i half = _mm512_set1_epi32(HALF);
    int x = 0;
    for (; x < width; x += 16) {
        const int left = width - x < 16 ? width - x : 16;
        const auto wanted = static_cast<__mmask64>((std::uint64_t{1} << (3 * left)) - 1);
        const __m512i bytes = _mm512_permutexvar_epi32(
            spread, _mm512_maskz_loadu_epi8(wanted, colours + 3 * static_cast<std::ptrdiff_t>(x)));
        const __m512i a = _mm512_madd_epi16(_mm512_shuffle_epi8(bytes, red_green), first);
        const __m512i b = _mm512_madd_epi16(_mm512_shuffle_epi8(bytes, blue_green), second);
        const __m512i sum = _mm512_srli_epi32(_mm512_add_epi32(_mm512_add_epi32(a, b), half), 16);
        _mm512_mask_cvtepi32_storeu_epi8(out + x, static_cast<__mmask16>((1U << left) - 1), sum);
    }
}

#endif

}  // namespace

void grey(const std::uint8_t* colours, int width, Level level, std::uint8_t* out) noexcept {
    switch (level) {
#if HM_X86
        case AVX512:
            return grey_avx512(colours, width, out);
        case AVX2:
            return grey_avx2(colours, width, out);
#endif
        default:  // which a compiler for ARM turns into NEON by itself
            return grey_scalar(colours, 0, width, out);
    }
}

}  // namespace resample
}  // namespace hashmatch
