#include "digest/blake2b.h"

#include <cstring>

namespace hashmatch {
namespace {

constexpr std::size_t BLOCK = 128;

constexpr std::uint64_t IV[8] = {
    0x6a09e667f3bcc908u, 0xbb67ae8584caa73bu, 0x3c6ef372fe94f82bu, 0xa54ff53a5f1d36f1u,
    0x510e527fade682d1u, 0x9b05688c2b3e6c1fu, 0x1f83d9abfb41bd6bu, 0x5be0cd19137e2179u,
};

// the order in which each round takes the words of the message; rounds 10 and 11 repeat 0 and 1
constexpr std::uint8_t SIGMA[12][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
};

std::uint64_t load(const std::uint8_t* bytes) {
    std::uint64_t word = 0;
    for (int i = 7; i >= 0; --i) word = word << 8 | bytes[i];
    return word;
}

std::uint64_t turn(std::uint64_t word, int bits) { return word >> bits | word << (64 - bits); }

void mix(std::uint64_t& a, std::uint64_t& b, std::uint64_t& c, std::uint64_t& d, std::uint64_t x,
         std::uint64_t y) {
    a += b + x;
    d = turn(d ^ a, 32);
    c += d;
    b = turn(b ^ c, 24);
    a += b + y;
    d = turn(d ^ a, 16);
    c += d;
    b = turn(b ^ c, 63);
}

// Takes one block into the state; `taken` counts the message's bytes up to its end.
void compress(std::uint64_t state[8], const std::uint8_t block[BLOCK], std::uint64_t taken,
              bool last) {
    std::uint64_t m[16], v[16];
    for (int i = 0; i < 16; ++i) m[i] = load(block + 8 * i);
    for (int i = 0; i < 8; ++i) {
        v[i] = state[i];
        v[i + 8] = IV[i];
    }
    v[12] ^= taken;
    if (last) v[14] = ~v[14];
    for (const auto& s : SIGMA) {
        mix(v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);
        mix(v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);
        mix(v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);
        mix(v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);
        mix(v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);
        mix(v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);
        mix(v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);
        mix(v[3], v[4], v[9], v[14], m[s[14]], m[s[15]]);
    }
    for (int i = 0; i < 8; ++i) state[i] ^= v[i] ^ v[i + 8];
}

// The state before the first block, which is the same for all messages of one purpose.
struct Start {
    std::uint64_t state[8];
    std::size_t length;

    Start(const std::uint8_t* person, std::size_t digest_length) : length(digest_length) {
        std::memcpy(state, IV, sizeof state);
        state[0] ^= 0x01010000u ^ static_cast<std::uint64_t>(length);  // fan-out 1, depth 1, no key
        state[6] ^= load(person);
        state[7] ^= load(person + 8);
    }

    void digest(const std::uint8_t* data, std::size_t size, std::uint8_t* out) const {
        std::uint64_t h[8];
        std::memcpy(h, state, sizeof h);
        std::size_t at = 0;
        for (; size - at > BLOCK; at += BLOCK) compress(h, data + at, at + BLOCK, false);
        std::uint8_t block[BLOCK] = {};
        if (size > at) std::memcpy(block, data + at, size - at);
        compress(h, block, size, true);
        for (std::size_t i = 0; i < length; ++i) {
            out[i] = static_cast<std::uint8_t>(h[i / 8] >> 8 * (i % 8));
        }
    }
};

}  // namespace

void digest_rows(const std::uint8_t* rows, std::size_t count, std::size_t size,
                 const std::uint8_t* person, std::size_t length, std::uint8_t* out) noexcept {
    const Start start(person, length);
    for (std::size_t i = 0; i < count; ++i) start.digest(rows + i * size, size, out + i * length);
}

void digest_spans(const std::uint8_t* data, const std::int64_t* offsets, std::size_t count,
                  const std::uint8_t* person, std::size_t length, std::uint8_t* out) noexcept {
    const Start start(person, length);
    for (std::size_t i = 0; i < count; ++i) {
        const auto size = static_cast<std::size_t>(offsets[i + 1] - offsets[i]);
        start.digest(data + offsets[i], size, out + i * length);
    }
}

}  // namespace hashmatch
