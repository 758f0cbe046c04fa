#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "radial/base/export.h"
#include "radial/mask/radial_mask.h"
#include "radial/plan/block_pattern.h"

namespace radial {

/// Figures about a pattern, for people and for balance.
struct PlanStats {
  std::int64_t kept_blocks = 0;
  std::int64_t all_blocks = 0;
  double density = 0;                                                       ///< kept / all
  std::int32_t shortest_row = 0, median_row = 0, longest_row = 0;           ///< key blocks
  std::int32_t shortest_column = 0, median_column = 0, longest_column = 0;  ///< query blocks
  double runs_per_row = 0;
  std::int32_t empty_rows = 0;
};

/// Compressed sparse rows of a block mask.
struct BlockCsr {
  std::vector<std::int32_t> indptr;   // [QB + 1]
  std::vector<std::int32_t> indices;  // [kept], ascending in each row
};

/// Counts and index lists as PyTorch's FlexAttention keeps them (BlockMask's kv_num_blocks and
/// kv_indices, and the transposed q_ lists). All blocks are full in its sense, but for the tail.
struct FlexLists {
  std::vector<std::int32_t> kv_num_blocks;  // [QB]
  std::vector<std::int32_t> kv_indices;     // [QB, KB], unused places 0
};

/// Which key blocks each query block computes: what attention runs on. Immutable, shared by heads,
/// layers, steps and samples; may hold several patterns and a pattern number per head. The last
/// block is ragged where the token count is no multiple of the block.
class RADIAL_API BlockPlan {
 public:
  /// The plan of a mask. Time and memory grow with the kept blocks, no n x n matrix is made.
  static BlockPlan build(const RadialMask& mask);

  /// A plan from patterns of one's own over `query_tokens` x `key_tokens`; `head_patterns` names
  /// the pattern of each head (empty: all heads use the first). Throws InvalidArgument unless the
  /// patterns have ceil(tokens / block_size) rows and columns.
  static BlockPlan from_patterns(std::vector<BlockPattern> patterns,
                                 std::vector<std::int32_t> head_patterns, std::int32_t block_size,
                                 std::int64_t query_tokens, std::int64_t key_tokens,
                                 std::int64_t text_tokens = 0);

  std::int32_t block_size() const { return block_size_; }      ///< tokens per block edge
  std::int64_t query_tokens() const { return query_tokens_; }  ///< Sq
  std::int64_t key_tokens() const { return key_tokens_; }      ///< Sk
  /// First key of the text tail (= key_tokens() when there is none); per-sample lengths count from
  /// here.
  std::int64_t text_begin() const { return text_begin_; }
  std::int64_t text_tokens() const { return key_tokens_ - text_begin_; }

  std::span<const BlockPattern> patterns() const { return patterns_; }
  std::span<const std::int32_t> head_patterns() const { return head_patterns_; }
  /// Pattern of head `head`.
  const BlockPattern& pattern(std::int32_t head) const {
    return patterns_[head_patterns_.empty() ? 0 : head_patterns_[head]];
  }

  /// Tokens of the last query (key) block, in [1, block_size].
  std::int32_t query_tail() const;
  std::int32_t key_tail() const;

  PlanStats stats(std::int32_t pattern = 0) const;
  /// Pairs (query token, key token) that `head` computes.
  std::int64_t kept_pairs(std::int32_t head = 0) const;

  /// What the plan was made from ("radial 1, decay 0.2, ..."); "custom" for one's own.
  const std::string& description() const { return description_; }
  /// One line each: defects that the rule has by definition, such as rows that see nothing.
  std::span<const std::string> warnings() const { return warnings_; }

 private:
  std::int32_t block_size_ = 128;
  std::int64_t query_tokens_ = 0, key_tokens_ = 0, text_begin_ = 0;
  std::vector<BlockPattern> patterns_;
  std::vector<std::int32_t> head_patterns_;
  std::string description_;
  std::vector<std::string> warnings_;
};

/// Patterns from and to the forms other libraries use. Each throws InvalidArgument on indices out
/// of range, lists that do not ascend, or counts that do not fit.
RADIAL_API BlockPattern pattern_from_dense(std::span<const std::uint8_t> blocks,  // [QB, KB]
                                           std::int32_t num_query_blocks,
                                           std::int32_t num_key_blocks);
RADIAL_API BlockPattern pattern_from_csr(std::span<const std::int32_t> indptr,
                                         std::span<const std::int32_t> indices,
                                         std::int32_t num_key_blocks);
RADIAL_API BlockPattern pattern_from_flex(std::span<const std::int32_t> kv_num_blocks,  // [QB]
                                          std::span<const std::int32_t> kv_indices,     // [QB, KB]
                                          std::int32_t num_key_blocks);
RADIAL_API std::vector<std::uint8_t> to_dense(const BlockPattern& pattern);  // [QB, KB]
RADIAL_API BlockCsr to_csr(const BlockPattern& pattern);
RADIAL_API FlexLists to_flex(const BlockPattern& pattern);
/// One line of '0' and '1' per query block, a newline after each.
RADIAL_API std::string to_text(const BlockPattern& pattern);

/// The least and the largest density that turning the rule's density parameter reaches.
struct DensityRange {
  double least = 0;
  double most = 1;
};

/// Empty if the rule has no density parameter.
RADIAL_API std::optional<DensityRange> density_range(const VideoLayout& layout,
                                                     const MaskOptions& options);

/// The options with the rule's density parameter chosen so that the plan's density comes as near to
/// `density` as it can (bisection). Throws InvalidArgument if the rule has no such parameter or the
/// density is outside what it reaches (the message says the range).
RADIAL_API MaskOptions options_for_density(const VideoLayout& layout, const MaskOptions& options,
                                           double density);

}  // namespace radial
