// Multi-index hashing over bands of sixteen bits: exact search in a small part of the codes.
//
// A code is cut into bands. Each band has a table: the codes sorted by their value in that band
// (a counting sort, so codes of one value keep their order). Of each code the table holds, in
// that order, its value in the *next* band, the tag. If a code lies within the radius r of a
// query, and thresholds t_b >= -1 with sum(t_b + 1) = r + 1 are given to the bands, then with
// e_b = d_b - (t_b + 1), d_b being the distance within band b, the sum of all e_b is negative.
// Going around the ring of bands from behind the place where the running sum is greatest, every
// running sum is negative (the cycle lemma; used for searching as the pigeonring principle by
// Qin and Xiao, VLDB 2018). So there is a band b with d_b <= t_b *and*
// d_b + d_{b+1} < t_b + t_{b+1} + 2, and so on for every longer chain. The first condition says
// which buckets to visit, the second is decided by the tags, which lie one behind the other, and
// hardly any code that is too far away passes it.
//
// What passes is followed along the chain. A code's place in the next table is known but for its
// rank among the codes of its tag's bucket, and the table holds that rank, the link. Every few
// bands a table is an anchor and holds the row of each code instead. There the code itself is
// fetched and its distance taken.
#pragma once

#include <cstddef>
#include <cstdint>

#include "scan/found.h"

namespace hashmatch {

constexpr std::size_t BAND_VALUES = 65536;
constexpr int MOST_BANDS = 128;

// Tables of `rows` codes of 2 * `bands` bytes.
struct Mih {
    const std::uint8_t* codes;
    std::size_t rows;
    int bands;
    const std::uint32_t* starts;   // bands x (BAND_VALUES + 1): where each value's bucket begins
    const std::uint16_t* tags;     // bands x rows: the value in the next band, around the ring
    const std::uint32_t* anchors;  // anchored bands x rows: the row
    const std::uint8_t* links;     // other bands x rows, of link_size bytes: rank in the bucket
    int link_size;                 // 0 (every band is anchored), 1 or 2
    const std::uint8_t* removed;   // one bit per row that must not be found, or null
};

// Every fourth band is anchored, and the last; every band is where a bucket is too long for links.
bool is_anchor(int band, int bands, int link_size) noexcept;

// Fills starts and returns the length of the longest bucket.
std::size_t count_bands(const std::uint8_t* codes, std::size_t rows, int bands,
                        std::uint32_t* starts) noexcept;

// Fills tags, anchors and links.
void fill_bands(const std::uint8_t* codes, std::size_t rows, int bands,
                const std::uint32_t* starts, int link_size, std::uint16_t* tags,
                std::uint32_t* anchors, std::uint8_t* links);

// Appends to found[q], in no order, every row within `radius` bits of query q; but where more
// than `budget` tags would have to be compared, it only sets deferred[q].
void mih_radius(const Mih& mih, const std::uint8_t* queries, std::size_t count, int radius,
                std::size_t budget, int level, Found* found, std::uint8_t* deferred);

}  // namespace hashmatch
