// Sorted fixed-length values, found through a table of where each prefix begins.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hashmatch {

// Values of at least four bytes, one behind the other.
struct Values {
    const std::uint8_t* bytes;
    std::size_t count;
    std::size_t size;
};

// Counts values by their first byte and by their first `bits` bits (at most 28): afterwards
// firsts[b] is where the values beginning with byte b start once they are sorted, and
// prefixes[p] the same for prefix p. Both have one element more than there are of them.
void count_values(const Values& values, int bits, std::uint32_t* firsts,
                  std::uint32_t* prefixes) noexcept;

// Writes the positions of the values, grouped by first byte, in the order they have.
void group_values(const Values& values, const std::uint32_t* firsts, std::uint32_t* order);

// Sorts positions by the value they stand for, then by position.
void sort_values(const Values& values, std::uint32_t* order, std::size_t count);

// Finds each query among sorted values: first[q] up to last[q] are its positions.
void find_values(const Values& sorted, int bits, const std::uint32_t* prefixes,
                 const std::uint8_t* queries, std::size_t count, std::int64_t* first,
                 std::int64_t* last) noexcept;

}  // namespace hashmatch
