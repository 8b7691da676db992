// Comparing a run of tags with one value.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hashmatch {

// Writes the places in tags[0, count) that differ from `value` in at most `limit` bits and
// returns how many there are. `places` has room for `count` and 64 more.
using TagKernel = std::size_t (*)(const std::uint16_t* tags, std::size_t count,
                                  std::uint16_t value, int limit, std::uint32_t* places) noexcept;

TagKernel tag_kernel(int level) noexcept;

}  // namespace hashmatch
