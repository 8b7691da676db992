// BLAKE2b (RFC 7693) over many short messages, unkeyed, with a personalisation.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hashmatch {

// Writes `length` (1..64) bytes per row to `out`; `person` is 16 bytes.
void digest_rows(const std::uint8_t* rows, std::size_t count, std::size_t size,
                 const std::uint8_t* person, std::size_t length, std::uint8_t* out) noexcept;

// The same over spans of different lengths: row i is data[offsets[i] .. offsets[i + 1]).
void digest_spans(const std::uint8_t* data, const std::int64_t* offsets, std::size_t count,
                  const std::uint8_t* person, std::size_t length, std::uint8_t* out) noexcept;

}  // namespace hashmatch
