#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace radial {

/// One row of a block mask as bits.
class RowBits {
 public:
  explicit RowBits(std::int32_t num_columns)
      : num_columns_(num_columns), words_((static_cast<std::size_t>(num_columns) + 63) / 64, 0) {}

  void clear() { std::ranges::fill(words_, 0); }

  void set(std::int32_t column) {
    words_[static_cast<std::size_t>(column) / 64] |= std::uint64_t{1} << (column % 64);
  }

  /// Sets columns [begin, end).
  void set_range(std::int64_t begin, std::int64_t end) {
    if (begin >= end) return;
    const auto first = static_cast<std::size_t>(begin) / 64;
    const auto last = static_cast<std::size_t>(end - 1) / 64;
    const std::uint64_t from_begin = ~std::uint64_t{0} << (begin % 64);
    const std::uint64_t to_end = ~std::uint64_t{0} >> (63 - (end - 1) % 64);
    if (first == last) {
      words_[first] |= from_begin & to_end;
      return;
    }
    words_[first] |= from_begin;
    for (std::size_t word = first + 1; word < last; ++word) words_[word] = ~std::uint64_t{0};
    words_[last] |= to_end;
  }

  void set_all() { set_range(0, num_columns_); }

  bool all_set() const {
    const std::uint64_t last = ~std::uint64_t{0} >> (63 - (num_columns_ - 1) % 64);
    return words_.back() == last && std::ranges::all_of(words_.begin(), words_.end() - 1,
                                                        [](std::uint64_t word) { return !~word; });
  }

  std::span<const std::uint64_t> bits() const { return words_; }

 private:
  std::int32_t num_columns_;
  std::vector<std::uint64_t> words_;
};

}  // namespace radial
