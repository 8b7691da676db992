#include "values/values.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "simd.h"

namespace hashmatch {
namespace {

std::uint32_t leading(const std::uint8_t* value) noexcept {
    return static_cast<std::uint32_t>(value[0]) << 24 | static_cast<std::uint32_t>(value[1]) << 16 |
           static_cast<std::uint32_t>(value[2]) << 8 | value[3];
}

std::uint32_t prefix(const std::uint8_t* value, int bits) noexcept {
    return bits ? leading(value) >> (32 - bits) : 0;
}

void sum_up(std::uint32_t* starts, std::size_t count) noexcept {
    std::uint32_t before = 0;
    for (std::size_t i = 0; i <= count; ++i) {
        const std::uint32_t here = starts[i];
        starts[i] = before;
        before += here;
    }
}

struct Key {
    std::uint64_t head;  // the first eight bytes, most significant first
    std::uint32_t position;
};

}  // namespace

void count_values(const Values& values, int bits, std::uint32_t* firsts,
                  std::uint32_t* prefixes) noexcept {
    for (std::size_t i = 0; i < values.count; ++i) {
        const std::uint8_t* value = values.bytes + i * values.size;
        ++firsts[value[0]];
        ++prefixes[prefix(value, bits)];
    }
    sum_up(firsts, 256);
    sum_up(prefixes, std::size_t{1} << bits);
}

void group_values(const Values& values, const std::uint32_t* firsts, std::uint32_t* order) {
    std::uint32_t next[256];
    std::copy(firsts, firsts + 256, next);
    for (std::size_t i = 0; i < values.count; ++i)
        order[next[values.bytes[i * values.size]]++] = static_cast<std::uint32_t>(i);
}

void sort_values(const Values& values, std::uint32_t* order, std::size_t count) {
    const std::size_t head = std::min<std::size_t>(values.size, 8);
    std::vector<Key> keys(count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint8_t* value = values.bytes + order[i] * values.size;
        std::uint64_t key = 0;
        for (std::size_t b = 0; b < head; ++b) key |= std::uint64_t{value[b]} << (56 - 8 * b);
        keys[i] = {key, order[i]};
    }
    std::sort(keys.begin(), keys.end(), [&](const Key& a, const Key& b) {
        if (a.head != b.head) return a.head < b.head;
        const int rest = std::memcmp(values.bytes + a.position * values.size + head,
                                     values.bytes + b.position * values.size + head,
                                     values.size - head);
        return rest ? rest < 0 : a.position < b.position;
    });
    for (std::size_t i = 0; i < count; ++i) order[i] = keys[i].position;
}

void find_values(const Values& sorted, int bits, const std::uint32_t* prefixes,
                 const std::uint8_t* queries, std::size_t count, std::int64_t* first,
                 std::int64_t* last) noexcept {
    // two misses per query, of the table and of the values; a group of queries waits for each once
    constexpr std::size_t GROUP = 16;
    const std::size_t size = sorted.size;
    for (std::size_t from = 0; from < count; from += GROUP) {
        const std::size_t to = std::min(count, from + GROUP);
        for (std::size_t q = from; q < to; ++q)
            HM_PREFETCH(prefixes + prefix(queries + q * size, bits));
        for (std::size_t q = from; q < to; ++q) {
            const std::uint32_t p = prefix(queries + q * size, bits);
            first[q] = prefixes[p];
            last[q] = prefixes[p + 1];
            const std::uint8_t* at = sorted.bytes + static_cast<std::size_t>(first[q]) * size;
            HM_PREFETCH(at);
            HM_PREFETCH(at + 64);
        }
        for (std::size_t q = from; q < to; ++q) {
            const std::uint8_t* query = queries + q * size;
            auto low = static_cast<std::size_t>(first[q]), high = static_cast<std::size_t>(last[q]);
            for (std::size_t end = high; low < end;) {
                const std::size_t middle = low + (end - low) / 2;
                if (std::memcmp(sorted.bytes + middle * size, query, size) < 0)
                    low = middle + 1;
                else
                    end = middle;
            }
            std::size_t behind = low;
            while (behind < high && !std::memcmp(sorted.bytes + behind * size, query, size))
                ++behind;
            first[q] = static_cast<std::int64_t>(low);
            last[q] = static_cast<std::int64_t>(behind);
        }
    }
}

}  // namespace hashmatch
