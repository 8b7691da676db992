// CRC-32C (Castagnoli) of the blocks of a buffer.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hashmatch {

// Writes one checksum per block of `block` bytes, the last block being as long as what is left.
void block_checksums(const std::uint8_t* data, std::size_t size, std::size_t block,
                     std::uint32_t* out, int level) noexcept;

}  // namespace hashmatch
