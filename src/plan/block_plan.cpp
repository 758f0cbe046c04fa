#include "radial/plan/block_plan.h"

#include <algorithm>
#include <limits>

#include "radial/base/error.h"

namespace radial {
namespace {

std::int32_t blocks_of(std::int64_t tokens, std::int32_t block_size) {
  return static_cast<std::int32_t>((tokens + block_size - 1) / block_size);
}

std::int32_t tail_of(std::int64_t tokens, std::int32_t block_size) {
  const auto rest = static_cast<std::int32_t>(tokens % block_size);
  return rest == 0 ? block_size : rest;
}

void check_shape(std::int32_t block_size, std::int64_t query_tokens, std::int64_t key_tokens,
                 std::int64_t text_tokens) {
  constexpr std::int64_t kMaxTokens = std::numeric_limits<std::int32_t>::max();
  RADIAL_REQUIRE(block_size == 64 || block_size == 128, "block_size: expected 64 or 128, got ",
                 block_size);
  RADIAL_REQUIRE(query_tokens > 0 && query_tokens <= kMaxTokens,
                 "query_tokens: expected 1 to 2^31 - 1, got ", query_tokens);
  RADIAL_REQUIRE(key_tokens > 0 && key_tokens <= kMaxTokens,
                 "key_tokens: expected 1 to 2^31 - 1, got ", key_tokens);
  RADIAL_REQUIRE(text_tokens >= 0 && text_tokens <= key_tokens, "text_tokens: expected 0 to ",
                 key_tokens, " (key_tokens), got ", text_tokens);
}

std::int32_t median(std::span<const std::int32_t> sizes, std::span<const std::int32_t> order) {
  return sizes[static_cast<std::size_t>(order[order.size() / 2])];
}

}  // namespace

BlockPlan BlockPlan::from_patterns(std::vector<BlockPattern> patterns,
                                   std::vector<std::int32_t> head_patterns, std::int32_t block_size,
                                   std::int64_t query_tokens, std::int64_t key_tokens,
                                   std::int64_t text_tokens) {
  check_shape(block_size, query_tokens, key_tokens, text_tokens);
  RADIAL_REQUIRE(!patterns.empty(), "patterns: expected at least one, got none");
  const std::int32_t rows = blocks_of(query_tokens, block_size);
  const std::int32_t columns = blocks_of(key_tokens, block_size);
  for (const BlockPattern& pattern : patterns) {
    RADIAL_REQUIRE(pattern.num_query_blocks() == rows && pattern.num_key_blocks() == columns,
                   "patterns: expected ", rows, " x ", columns, " blocks for ", query_tokens, " x ",
                   key_tokens, " tokens in blocks of ", block_size, ", got ",
                   pattern.num_query_blocks(), " x ", pattern.num_key_blocks());
  }
  for (const std::int32_t index : head_patterns) {
    RADIAL_REQUIRE(index >= 0 && index < static_cast<std::int32_t>(patterns.size()),
                   "head_patterns: expected numbers in [0, ", patterns.size(), "), got ", index);
  }
  BlockPlan plan;
  plan.block_size_ = block_size;
  plan.query_tokens_ = query_tokens;
  plan.key_tokens_ = key_tokens;
  plan.text_begin_ = key_tokens - text_tokens;
  plan.patterns_ = std::move(patterns);
  plan.head_patterns_ = std::move(head_patterns);
  plan.description_ = "custom";
  return plan;
}

std::int32_t BlockPlan::query_tail() const { return tail_of(query_tokens_, block_size_); }
std::int32_t BlockPlan::key_tail() const { return tail_of(key_tokens_, block_size_); }

PlanStats BlockPlan::stats(std::int32_t index) const {
  const BlockPattern& pattern = patterns_[static_cast<std::size_t>(index)];
  const auto row_sizes = pattern.row_sizes();
  const auto column_sizes = pattern.column_sizes();
  PlanStats stats;
  stats.kept_blocks = pattern.kept_blocks();
  stats.all_blocks = std::int64_t{pattern.num_query_blocks()} * pattern.num_key_blocks();
  stats.density = static_cast<double>(stats.kept_blocks) / static_cast<double>(stats.all_blocks);
  stats.longest_row = row_sizes[static_cast<std::size_t>(pattern.row_order().front())];
  stats.median_row = median(row_sizes, pattern.row_order());
  stats.shortest_row = row_sizes[static_cast<std::size_t>(pattern.row_order().back())];
  stats.longest_column = column_sizes[static_cast<std::size_t>(pattern.column_order().front())];
  stats.median_column = median(column_sizes, pattern.column_order());
  stats.shortest_column = column_sizes[static_cast<std::size_t>(pattern.column_order().back())];
  stats.runs_per_row = static_cast<double>(pattern.runs_by_row().size()) /
                       static_cast<double>(pattern.num_query_blocks());
  stats.empty_rows = static_cast<std::int32_t>(std::ranges::count(row_sizes, 0));
  return stats;
}

std::int64_t BlockPlan::kept_pairs(std::int32_t head) const {
  const BlockPattern& blocks = pattern(head);
  const std::int32_t last_row = blocks.num_query_blocks() - 1;
  const std::int32_t last_column = blocks.num_key_blocks() - 1;
  const std::int64_t missing_queries = block_size_ - query_tail();
  const std::int64_t missing_keys = block_size_ - key_tail();
  std::int64_t pairs = blocks.kept_blocks() * block_size_ * block_size_;
  pairs -= blocks.row_size(last_row) * missing_queries * block_size_;
  pairs -= blocks.column_size(last_column) * missing_keys * block_size_;
  if (blocks.contains(last_row, last_column)) pairs += missing_queries * missing_keys;
  return pairs;
}

}  // namespace radial
