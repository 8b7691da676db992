// A CRC is a chain: each step waits for the one before. The instruction has a latency of three
// cycles and a throughput of one, so four blocks are taken through it side by side.
#include "checksum/crc32c.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "cpu.h"

#if HM_X86
#include <nmmintrin.h>
#endif
#if HM_ARM64 && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

#if HM_X86 && (defined(__GNUC__) || defined(__clang__))
#define HM_TARGET_SSE42 __attribute__((target("sse4.2,crc32")))
#else
#define HM_TARGET_SSE42
#endif

namespace hashmatch {
namespace {

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Tables make_tables() {
    Tables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) ? 0x82F63B78U : 0U);
        tables[0][byte] = crc;
    }
    for (std::size_t k = 1; k < 8; ++k) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t before = tables[k - 1][byte];
            tables[k][byte] = (before >> 8) ^ tables[0][before & 0xFFU];
        }
    }
    return tables;
}

constexpr Tables TABLES = make_tables();

std::uint32_t crc_scalar(const std::uint8_t* data, std::size_t size) noexcept {
    std::uint32_t crc = ~0U;
    for (; size >= 8; data += 8, size -= 8) {
        crc ^= static_cast<std::uint32_t>(data[0]) | static_cast<std::uint32_t>(data[1]) << 8 |
               static_cast<std::uint32_t>(data[2]) << 16 | static_cast<std::uint32_t>(data[3]) << 24;
        crc = TABLES[7][crc & 0xFFU] ^ TABLES[6][(crc >> 8) & 0xFFU] ^
              TABLES[5][(crc >> 16) & 0xFFU] ^ TABLES[4][crc >> 24] ^ TABLES[3][data[4]] ^
              TABLES[2][data[5]] ^ TABLES[1][data[6]] ^ TABLES[0][data[7]];
    }
    for (; size; ++data, --size) crc = (crc >> 8) ^ TABLES[0][(crc ^ *data) & 0xFFU];
    return ~crc;
}

#if HM_X86
inline std::uint64_t word(const std::uint8_t* data) noexcept {
    std::uint64_t value;
    std::memcpy(&value, data, 8);
    return value;
}

HM_TARGET_SSE42 std::uint32_t crc_sse42(const std::uint8_t* data, std::size_t size) noexcept {
    std::uint64_t crc = 0xFFFFFFFFU;
    for (; size >= 8; data += 8, size -= 8) crc = _mm_crc32_u64(crc, word(data));
    auto narrow = static_cast<std::uint32_t>(crc);
    for (; size; ++data, --size) narrow = _mm_crc32_u8(narrow, *data);
    return ~narrow;
}

// Four whole blocks of a multiple of eight bytes, one behind the other.
HM_TARGET_SSE42 void crc4_sse42(const std::uint8_t* data, std::size_t block,
                                std::uint32_t* out) noexcept {
    const std::uint8_t *a = data, *b = a + block, *c = b + block, *d = c + block;
    std::uint64_t w = 0xFFFFFFFFU, x = w, y = w, z = w;
    for (std::size_t at = 0; at < block; at += 8) {
        w = _mm_crc32_u64(w, word(a + at));
        x = _mm_crc32_u64(x, word(b + at));
        y = _mm_crc32_u64(y, word(c + at));
        z = _mm_crc32_u64(z, word(d + at));
    }
    out[0] = ~static_cast<std::uint32_t>(w);
    out[1] = ~static_cast<std::uint32_t>(x);
    out[2] = ~static_cast<std::uint32_t>(y);
    out[3] = ~static_cast<std::uint32_t>(z);
}
#endif

#if HM_ARM64 && defined(__ARM_FEATURE_CRC32)
std::uint32_t crc_arm(const std::uint8_t* data, std::size_t size) noexcept {
    std::uint32_t crc = ~0U;
    for (; size >= 8; data += 8, size -= 8) {
        std::uint64_t value;
        std::memcpy(&value, data, 8);
        crc = __crc32cd(crc, value);
    }
    for (; size; ++data, --size) crc = __crc32cb(crc, *data);
    return ~crc;
}
#endif

}  // namespace

void block_checksums(const std::uint8_t* data, std::size_t size, std::size_t block,
                     std::uint32_t* out, int level) noexcept {
    std::size_t at = 0;
    auto one = &crc_scalar;
#if HM_X86
    if (level >= AVX2) {  // every processor with AVX2 has SSE4.2
        one = &crc_sse42;
        if (block % 8 == 0) {
            for (; size - at >= 4 * block; at += 4 * block, out += 4)
                crc4_sse42(data + at, block, out);
        }
    }
#elif HM_ARM64 && defined(__ARM_FEATURE_CRC32)
    if (level >= NEON) one = &crc_arm;
#endif
    for (; at < size; at += block) *out++ = one(data + at, std::min(block, size - at));
}

}  // namespace hashmatch
