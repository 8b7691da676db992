#include "mih/tags.h"

#include "scan/bits.h"
#include "simd.h"

namespace hashmatch {
namespace {

std::size_t tags_scalar(const std::uint16_t* tags, std::size_t count, std::uint16_t value,
                        int limit, std::uint32_t* places) noexcept {
    std::size_t found = 0;
    for (std::size_t at = 0; at < count; ++at) {
        places[found] = static_cast<std::uint32_t>(at);
        found += bit_count(static_cast<std::uint64_t>(tags[at] ^ value)) <= limit;
    }
    return found;
}

#if HM_X86

HM_TARGET_AVX2 std::size_t tags_avx2(const std::uint16_t* tags, std::size_t count,
                                     std::uint16_t value, int limit,
                                     std::uint32_t* places) noexcept {
    const __m256i table = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                           0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i low = _mm256_set1_epi8(15), ones = _mm256_set1_epi8(1);
    const __m256i wanted = _mm256_set1_epi16(static_cast<short>(value));
    const __m256i beyond = _mm256_set1_epi16(static_cast<short>(limit));
    std::size_t found = 0, at = 0;
    for (; at + 16 <= count; at += 16) {
        const __m256i x = _mm256_xor_si256(
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(tags + at)), wanted);
        const __m256i bytes = _mm256_add_epi8(
            _mm256_shuffle_epi8(table, _mm256_and_si256(x, low)),
            _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(x, 4), low)));
        const __m256i far = _mm256_cmpgt_epi16(_mm256_maddubs_epi16(bytes, ones), beyond);
        // two mask bits per tag; keep the lower one
        auto mask = ~static_cast<std::uint32_t>(_mm256_movemask_epi8(far)) & 0x55555555U;
        for (; mask; mask &= mask - 1)
            places[found++] =
                static_cast<std::uint32_t>(at) + static_cast<std::uint32_t>(lowest_bit(mask)) / 2;
    }
    for (; at < count; ++at) {
        places[found] = static_cast<std::uint32_t>(at);
        found += _mm_popcnt_u32(static_cast<unsigned>(tags[at] ^ value)) <= limit;
    }
    return found;
}

HM_TARGET_AVX512 std::size_t tags_avx512(const std::uint16_t* tags, std::size_t count,
                                         std::uint16_t value, int limit,
                                         std::uint32_t* places) noexcept {
    const __m512i wanted = _mm512_set1_epi16(static_cast<short>(value));
    const __m512i within = _mm512_set1_epi16(static_cast<short>(limit));
    std::size_t found = 0, at = 0;
    for (; at < count; at += 32) {
        const std::size_t left = count - at;
        const __mmask32 there = left >= 32 ? ~__mmask32{0} : (__mmask32{1} << left) - 1;
        const __m512i x = _mm512_xor_si512(_mm512_maskz_loadu_epi16(there, tags + at), wanted);
        std::uint32_t mask =
            _mm512_mask_cmple_epi16_mask(there, _mm512_popcnt_epi16(x), within);
        for (; mask; mask &= mask - 1)
            places[found++] =
                static_cast<std::uint32_t>(at) + static_cast<std::uint32_t>(lowest_bit(mask));
    }
    return found;
}

#endif

#if HM_ARM64

std::size_t tags_neon(const std::uint16_t* tags, std::size_t count, std::uint16_t value,
                      int limit, std::uint32_t* places) noexcept {
    const uint16x8_t wanted = vdupq_n_u16(value);
    const uint16x8_t within = vdupq_n_u16(static_cast<std::uint16_t>(limit));
    std::size_t found = 0, at = 0;
    for (; at + 8 <= count; at += 8) {
        const uint16x8_t x = veorq_u16(vld1q_u16(tags + at), wanted);
        const uint16x8_t bits = vpaddlq_u8(vcntq_u8(vreinterpretq_u8_u16(x)));
        std::uint64_t mask = vget_lane_u64(
            vreinterpret_u64_u8(vmovn_u16(vcleq_u16(bits, within))), 0);
        for (std::uint32_t lane = 0; mask; ++lane, mask >>= 8)
            if (mask & 1) places[found++] = static_cast<std::uint32_t>(at) + lane;
    }
    for (; at < count; ++at) {
        places[found] = static_cast<std::uint32_t>(at);
        found += bit_count(static_cast<std::uint64_t>(tags[at] ^ value)) <= limit;
    }
    return found;
}

#endif

}  // namespace

TagKernel tag_kernel(int level) noexcept {
#if HM_X86
    if (level == AVX512) return &tags_avx512;
    if (level == AVX2) return &tags_avx2;
#endif
#if HM_ARM64
    if (level == NEON) return &tags_neon;
#endif
    return &tags_scalar;
}

}  // namespace hashmatch
