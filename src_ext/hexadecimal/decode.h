// Hexadecimal digits to bytes, many rows at a time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hashmatch {

// Decodes `digits` (even) characters from text + starts[row] into codes + row * digits / 2, and
// says in good[row] whether all of them were hexadecimal. The caller has checked the bounds.
void decode_rows(const std::uint8_t* text, const std::int64_t* starts, std::size_t count,
                 std::size_t digits, std::uint8_t* codes, std::uint8_t* good) noexcept;

}  // namespace hashmatch
