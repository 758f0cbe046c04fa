#include "support/any_problem.h"

#include <stdexcept>

#include "support/random_layout.h"
#include "support/run_attention.h"

namespace radial::testing {
namespace {

ProblemRange any_range(RandomLayouts& random, std::string_view implementation) {
  std::vector<DType> dtypes;
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kFloat16, DType::kFloat64}) {
    if (!head_dims_of(implementation, dtype).empty()) dtypes.push_back(dtype);
  }
  if (dtypes.empty()) {
    throw std::invalid_argument(std::string(implementation) + " takes none of the head dims tried");
  }
  ProblemRange range;
  range.dtype =
      dtypes[static_cast<std::size_t>(random.pick(0, static_cast<int>(dtypes.size()) - 1))];
  range.head_dims = head_dims_of(implementation, range.dtype);
  range.block_sizes = block_sizes_of(implementation, range.dtype);
  range.max_heads = random.pick(1, 6);
  const Inputs kinds[] = {Inputs::kNormal,      Inputs::kNormal,   Inputs::kNormal,
                          Inputs::kLargeLogits, Inputs::kConstant, Inputs::kDominant};
  range.inputs = kinds[random.pick(0, 5)];
  const double densities[] = {0.1, 0.4, 0.8, 1};
  range.density = densities[random.pick(0, 3)];
  const int size = random.pick(0, 19);
  if (size < 3) {
    range.max_tokens = 9;
  } else if (size == 19) {  // long runs of blocks, few heads so that the reference is quick
    range.min_tokens = 600;
    range.max_tokens = 1300;
    range.max_heads = 1;
  } else {
    range.max_tokens = 320;
  }
  return range;
}

/// The mask of a random layout under one rule, or under two with a pattern per head.
BlockPlan mask_plan(RandomLayouts& random, const ProblemRange& range, std::int32_t heads) {
  const std::vector<RuleInfo> rules = mask_rules();
  const VideoLayout layout = random.layout(static_cast<int>(range.max_tokens));
  const int block = range.block_sizes[static_cast<std::size_t>(
      random.pick(0, static_cast<int>(range.block_sizes.size()) - 1))];
  const auto one = [&] {
    const RuleInfo& rule =
        rules[static_cast<std::size_t>(random.pick(0, static_cast<int>(rules.size()) - 1))];
    MaskOptions options = random.options(rule, layout);
    options.block_size = block;
    return BlockPlan::build(RadialMask(layout, options));
  };
  BlockPlan first = one();
  if (random.pick(0, 1) == 0) return first;
  const BlockPlan second = one();
  std::vector<std::int32_t> head_patterns;
  for (std::int32_t head = 0; head < heads; ++head) head_patterns.push_back(random.pick(0, 1));
  return BlockPlan::from_patterns({first.pattern(0), second.pattern(0)}, std::move(head_patterns),
                                  block, first.query_tokens(), first.key_tokens(),
                                  first.text_tokens());
}

}  // namespace

Problem any_problem(std::uint64_t seed, std::string_view implementation) {
  RandomLayouts random(static_cast<unsigned>(seed));
  const ProblemRange range = any_range(random, implementation);
  if (random.pick(0, 1) == 0) return random_problem(seed, range);
  const std::int32_t key_heads = random.pick(1, 2);
  const std::int32_t heads = key_heads * random.pick(1, std::max(1, range.max_heads / key_heads));
  BlockPlan plan = mask_plan(random, range, heads);
  return problem_of(std::move(plan), heads, key_heads, seed, range);
}

}  // namespace radial::testing
