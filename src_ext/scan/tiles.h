// Codes laid out for SIMD: sixteen at a time, word by word.
//
// A tile holds the first 32-bit word of sixteen codes, then their second words, and so on, so one
// vector instruction compares a word of many codes with the same word of a query, and no sum has
// to cross lanes. A block of tiles is made once and then meets every query of a batch while it is
// in the first-level cache. Codes shorter than a multiple of four bytes are padded with zeros, as
// queries are.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hashmatch {

constexpr std::size_t TILE = 16;

void make_tiles(const std::uint8_t* codes, std::size_t count, std::size_t size,
                std::size_t words, std::uint32_t* tiles) noexcept;

// One query against a block of tiles. For each tile, `early` words are summed first, and only if
// some code is still within `limit` the rest. Writes the position and distance of every code
// within the limit and returns how many there are; `positions` and `distances` have room for all.
using TileKernel = std::size_t (*)(const std::uint32_t* tiles, std::size_t count,
                                   std::size_t words, std::size_t early,
                                   const std::uint32_t* query, std::int32_t limit,
                                   std::uint32_t* positions, std::int32_t* distances) noexcept;

TileKernel tile_kernel(int level) noexcept;

}  // namespace hashmatch
