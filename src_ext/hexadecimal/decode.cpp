#include "hexadecimal/decode.h"

namespace hashmatch {
namespace {

constexpr std::uint8_t WRONG = 0x80;

struct Nibbles {
    std::uint8_t of[256];
    constexpr Nibbles() : of() {
        for (int c = 0; c < 256; ++c) of[c] = WRONG;
        for (int c = 0; c < 10; ++c) of['0' + c] = static_cast<std::uint8_t>(c);
        for (int c = 0; c < 6; ++c) {
            of['a' + c] = static_cast<std::uint8_t>(10 + c);
            of['A' + c] = static_cast<std::uint8_t>(10 + c);
        }
    }
};

constexpr Nibbles NIBBLES;

}  // namespace

void decode_rows(const std::uint8_t* text, const std::int64_t* starts, std::size_t count,
                 std::size_t digits, std::uint8_t* codes, std::uint8_t* good) noexcept {
    const std::size_t size = digits / 2;
    for (std::size_t row = 0; row < count; ++row, codes += size) {
        const std::uint8_t* from = text + starts[row];
        std::uint8_t seen = 0;
        for (std::size_t i = 0; i < size; ++i) {
            const std::uint8_t high = NIBBLES.of[from[2 * i]], low = NIBBLES.of[from[2 * i + 1]];
            seen |= high | low;
            codes[i] = static_cast<std::uint8_t>(high << 4 | (low & 0x0f));
        }
        good[row] = !(seen & WRONG);
    }
}

}  // namespace hashmatch
