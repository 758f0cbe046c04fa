#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "radial/attention/attention.h"

// Small random attention problems, made from a seed.

namespace radial::testing {

/// A tensor [B, S, H, D] with memory of its own, perhaps with gaps.
struct HostTensor {
  std::vector<std::byte> memory;
  TensorView view;

  std::int64_t place(std::int64_t b, std::int64_t token, std::int64_t head) const {
    return b * view.strides[0] + token * view.strides[1] + head * view.strides[2];
  }
};

/// How the tensors lie in memory.
enum class Memory { kBshd, kBhsd, kGaps };

/// Contiguous in the order of `memory`; gaps and all hold the byte 0xa5.
HostTensor make_tensor(DType dtype, const std::array<std::int64_t, 4>& sizes, Memory memory);

/// Every element becomes NaN; gaps keep their bytes.
void poison(HostTensor& tensor);

/// Element `index` of the tensor's memory.
double get(const HostTensor& tensor, std::int64_t index);
void set(HostTensor& tensor, std::int64_t index, double value);

/// The same values in another element type and contiguous memory.
HostTensor converted(const HostTensor& tensor, DType dtype);

enum class Inputs {
  kNormal,
  kLargeLogits,  ///< scores of a few hundred
  kConstant,     ///< every token alike
  kDominant,     ///< one key outweighs all others
};

/// What a problem may be like; the seed chooses within it.
struct ProblemRange {
  DType dtype = DType::kFloat32;
  std::vector<std::int32_t> head_dims = {16, 32, 64, 80, 128, 256};
  std::vector<std::int32_t> block_sizes = {64, 128};
  std::int64_t min_tokens = 1, max_tokens = 200;
  std::int32_t max_heads = 3;
  Inputs inputs = Inputs::kNormal;
  double density = 0.5;  ///< of blocks; rows may come out empty
  bool text = true;      ///< may have a text tail with a length per sample
};

struct Problem {
  std::uint64_t seed = 0;
  std::int32_t heads = 0, key_heads = 0;
  std::optional<double> scale;
  BlockPlan plan;
  std::vector<std::int32_t> text_lengths;  // empty: none given
  HostTensor q, k, v, dout;                // padding text keys hold NaN
  std::string description;                 // one line

  std::int64_t batch() const { return q.view.sizes[0]; }
  std::int64_t query_tokens() const { return q.view.sizes[1]; }
  std::int64_t key_tokens() const { return k.view.sizes[1]; }
  std::int64_t head_dim() const { return q.view.sizes[3]; }
  double scale_value() const;
  /// End of the keys that sample `b` may see.
  std::int64_t valid_keys(std::int64_t b) const;
};

Problem random_problem(std::uint64_t seed, const ProblemRange& range);

/// Random tensors, lengths and scale for a plan; of the range, the types, head dims and inputs.
Problem problem_of(BlockPlan plan, std::int32_t heads, std::int32_t key_heads, std::uint64_t seed,
                   const ProblemRange& range);

/// The same problem in double precision.
Problem in_double(const Problem& problem);

}  // namespace radial::testing
