#include "resample.h"
#include "simd.h"

namespace hashmatch {
namespace resample {
namespace {

// Pillow's weights over 65536. Green's exceeds 16 signed bits and is taken in two halves.
constexpr int RED = 19595, GREEN = 38470, BLUE = 7471, HALF = 1 << 15;

void grey_scalar(const std::uint8_t* colours, int step, int from, int width,
                 std::uint8_t* out) noexcept {
    const std::uint8_t* pixel = colours + step * static_cast<std::ptrdiff_t>(from);
    for (int x = from; x < width; ++x, pixel += step) {
        out[x] = static_cast<std::uint8_t>(
            (RED * pixel[0] + GREEN * pixel[1] + BLUE * pixel[2] + HALF) >> 16);
    }
}

#if HM_X86

// Four pixels in each 128 bits: red and green as 16-bit pairs, blue and green again. Pixels of
// three bytes are first spread so that four of them begin each 128 bits.
template <int STEP>
inline __m128i red_green() noexcept {
    constexpr int S = STEP;
    return _mm_setr_epi8(0, -1, 1, -1, S, -1, S + 1, -1, 2 * S, -1, 2 * S + 1, -1, 3 * S, -1,
                         3 * S + 1, -1);
}

template <int STEP>
inline __m128i blue_green() noexcept {
    constexpr int S = STEP;
    return _mm_setr_epi8(2, -1, 1, -1, S + 2, -1, S + 1, -1, 2 * S + 2, -1, 2 * S + 1, -1,
                         3 * S + 2, -1, 3 * S + 1, -1);
}

template <int STEP>
HM_TARGET_AVX2 void grey_avx2(const std::uint8_t* colours, int width, std::uint8_t* out) noexcept {
    const __m256i spread = _mm256_setr_epi32(0, 1, 2, 2, 3, 4, 5, 5);
    const __m256i pick_first = _mm256_broadcastsi128_si256(red_green<STEP>());
    const __m256i pick_second = _mm256_broadcastsi128_si256(blue_green<STEP>());
    const __m256i first = _mm256_set1_epi32(RED | (GREEN / 2 << 16));
    const __m256i second = _mm256_set1_epi32(BLUE | (GREEN / 2 << 16));
    const __m256i half = _mm256_set1_epi32(HALF);
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    int x = 0;
    for (; x + 35 <= width; x += 32) {  // a load reads what follows its pixels
        __m256i sum[4];
        for (int q = 0; q < 4; ++q) {
            __m256i bytes = _mm256_loadu_si256(
                reinterpret_cast<const __m256i*>(colours + STEP * (x + 8 * q)));
            if (STEP == 3) bytes = _mm256_permutevar8x32_epi32(bytes, spread);
            const __m256i a = _mm256_madd_epi16(_mm256_shuffle_epi8(bytes, pick_first), first);
            const __m256i b = _mm256_madd_epi16(_mm256_shuffle_epi8(bytes, pick_second), second);
            sum[q] = _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(a, b), half), 16);
        }
        const __m256i packed = _mm256_packus_epi16(_mm256_packus_epi32(sum[0], sum[1]),
                                                   _mm256_packus_epi32(sum[2], sum[3]));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + x),
                            _mm256_permutevar8x32_epi32(packed, order));
    }
    grey_scalar(colours, STEP, x, width, out);
}

template <int STEP>
HM_TARGET_AVX512 void grey_avx512(const std::uint8_t* colours, int width,
                                  std::uint8_t* out) noexcept {
    const __m512i spread =
        _mm512_setr_epi32(0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 8, 9, 10, 11, 11);
    const __m512i pick_first = _mm512_broadcast_i32x4(red_green<STEP>());
    const __m512i pick_second = _mm512_broadcast_i32x4(blue_green<STEP>());
    const __m512i first = _mm512_set1_epi32(RED | (GREEN / 2 << 16));
    const __m512i second = _mm512_set1_epi32(BLUE | (GREEN / 2 << 16));
    const __m512i half = _mm512_set1_epi32(HALF);
    for (int x = 0; x < width; x += 16) {
        const std::uint8_t* pixels = colours + STEP * static_cast<std::ptrdiff_t>(x);
        const int left = width - x;
        __m512i bytes;
        if (left >= 22) {  // sixteen pixels and what follows them
            bytes = _mm512_loadu_si512(pixels);
        } else {  // to the last channel of the last pixel
            const int count = STEP * ((left < 16 ? left : 16) - 1) + 3;
            bytes = _mm512_maskz_loadu_epi8((std::uint64_t{1} << count) - 1, pixels);
        }
        if (STEP == 3) bytes = _mm512_permutexvar_epi32(spread, bytes);
        const __m512i a = _mm512_madd_epi16(_mm512_shuffle_epi8(bytes, pick_first), first);
        const __m512i b = _mm512_madd_epi16(_mm512_shuffle_epi8(bytes, pick_second), second);
        const __m512i sum = _mm512_srli_epi32(_mm512_add_epi32(_mm512_add_epi32(a, b), half), 16);
        const __m128i greys = _mm512_cvtepi32_epi8(sum);
        if (left >= 16) {
            _mm_storeu_si128(reinterpret_cast<__m128i*>(out + x), greys);
        } else {
            _mm_mask_storeu_epi8(out + x, static_cast<__mmask16>((1U << left) - 1), greys);
        }
    }
}

#endif

}  // namespace

void grey(const std::uint8_t* colours, int step, int width, Level level,
          std::uint8_t* out) noexcept {
    switch (level) {
#if HM_X86
        case AVX512:
            return (step == 3 ? grey_avx512<3> : grey_avx512<4>)(colours, width, out);
        case AVX2:
            return (step == 3 ? grey_avx2<3> : grey_avx2<4>)(colours, width, out);
#endif
        default:  // which a compiler for ARM turns into NEON by itself
            return grey_scalar(colours, step, 0, width, out);
    }
}

}  // namespace resample
}  // namespace hashmatch
