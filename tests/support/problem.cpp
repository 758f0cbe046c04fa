#include "support/problem.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <sstream>

#include "attention/dispatch.h"

namespace radial::testing {
namespace {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least +
           static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(most - least + 1));
  }
  bool chance(double probability) {
    return static_cast<double>(engine_() >> 11) * 0x1p-53 < probability;
  }
  template <typename T>
  T one_of(const std::vector<T>& values) {
    return values[static_cast<std::size_t>(
        between(0, static_cast<std::int64_t>(values.size()) - 1))];
  }
  double normal() { return normal_(engine_); }

 private:
  std::mt19937_64 engine_;
  std::normal_distribution<double> normal_;
};

template <typename Body>
void for_each_row(const HostTensor& tensor, const Body& body) {
  const auto& sizes = tensor.view.sizes;
  for (std::int64_t b = 0; b < sizes[0]; ++b) {
    for (std::int64_t token = 0; token < sizes[1]; ++token) {
      for (std::int64_t head = 0; head < sizes[2]; ++head) body(b, token, head);
    }
  }
}

BlockPattern random_pattern(Random& random, std::int32_t rows, std::int32_t columns,
                            double density) {
  std::vector<std::uint8_t> blocks(static_cast<std::size_t>(rows) * columns);
  for (auto& block : blocks) block = random.chance(density);
  return pattern_from_dense(blocks, rows, columns);
}

BlockPlan random_plan(Random& random, const ProblemRange& range, std::int32_t heads,
                      std::int64_t query_tokens, std::int64_t key_tokens,
                      std::int64_t text_tokens) {
  const std::int32_t block = random.one_of(range.block_sizes);
  const auto rows = static_cast<std::int32_t>((query_tokens + block - 1) / block);
  const auto columns = static_cast<std::int32_t>((key_tokens + block - 1) / block);
  std::vector<BlockPattern> patterns;
  const std::int64_t count = random.between(1, 2);
  for (std::int64_t i = 0; i < count; ++i) {
    patterns.push_back(random_pattern(random, rows, columns, range.density));
  }
  std::vector<std::int32_t> head_patterns;
  if (count > 1) {
    for (std::int32_t head = 0; head < heads; ++head) {
      head_patterns.push_back(static_cast<std::int32_t>(random.between(0, count - 1)));
    }
  }
  return BlockPlan::from_patterns(std::move(patterns), std::move(head_patterns), block,
                                  query_tokens, key_tokens, text_tokens);
}

void fill(Random& random, HostTensor& tensor, Inputs inputs, double size) {
  const std::int64_t head_dim = tensor.view.sizes[3];
  std::vector<double> same(static_cast<std::size_t>(head_dim));
  for (double& value : same) value = size * random.normal();
  for_each_row(tensor, [&](std::int64_t b, std::int64_t token, std::int64_t head) {
    for (std::int64_t d = 0; d < head_dim; ++d) {
      const double value =
          inputs == Inputs::kConstant ? same[static_cast<std::size_t>(d)] : size * random.normal();
      set(tensor, tensor.place(b, token, head) + d, value);
    }
  });
}

/// One key of every sample and head becomes a multiple of a query.
void make_dominant(Random& random, Problem& problem) {
  const std::int64_t token = random.between(0, problem.key_tokens() - 1);
  for (std::int64_t b = 0; b < problem.batch(); ++b) {
    for (std::int64_t head = 0; head < problem.key_heads; ++head) {
      for (std::int64_t d = 0; d < problem.head_dim(); ++d) {
        const double value = get(problem.q, problem.q.place(b, 0, head) + d);
        set(problem.k, problem.k.place(b, token, head) + d, 8 * value);
      }
    }
  }
}

void poison_padding(Problem& problem) {
  for (HostTensor* tensor : {&problem.k, &problem.v}) {
    for_each_row(*tensor, [&](std::int64_t b, std::int64_t token, std::int64_t head) {
      if (token < problem.valid_keys(b)) return;
      for (std::int64_t d = 0; d < problem.head_dim(); ++d) {
        set(*tensor, tensor->place(b, token, head) + d, std::nan(""));
      }
    });
  }
}

std::string describe(const Problem& problem) {
  std::ostringstream text;
  const BlockPlan& plan = problem.plan;
  text << "seed " << problem.seed << ": " << name_of(problem.q.view.dtype) << " B "
       << problem.batch() << " Sq " << problem.query_tokens() << " Sk " << problem.key_tokens()
       << " H " << problem.heads << " Hkv " << problem.key_heads << " D " << problem.head_dim()
       << " block " << plan.block_size() << " density " << plan.stats().density << " text "
       << plan.text_tokens();
  for (const std::int32_t length : problem.text_lengths) text << " " << length;
  return text.str();
}

}  // namespace

void poison(HostTensor& tensor) {
  const auto row = static_cast<std::size_t>(tensor.view.sizes[3]) * size_of(tensor.view.dtype);
  for_each_row(tensor, [&](std::int64_t b, std::int64_t token, std::int64_t head) {
    const auto place = static_cast<std::size_t>(tensor.place(b, token, head));
    std::memset(tensor.memory.data() + place * size_of(tensor.view.dtype), 0xff, row);
  });
}

HostTensor make_tensor(DType dtype, const std::array<std::int64_t, 4>& sizes, Memory memory) {
  const auto [batch, tokens, heads, head_dim] = sizes;
  const std::int64_t gap = memory == Memory::kGaps ? 8 : 0;
  const std::int64_t row = head_dim + gap;
  HostTensor tensor;
  const std::array<std::int64_t, 4> strides =
      memory == Memory::kBhsd
          ? std::array<std::int64_t, 4>{heads * tokens * row, row, tokens * row, 1}
          : std::array<std::int64_t, 4>{tokens * (heads * row + gap), heads * row + gap, row, 1};
  tensor.memory.assign(static_cast<std::size_t>(batch * strides[0]) * size_of(dtype),
                       std::byte{0xa5});
  tensor.view = {tensor.memory.data(), dtype, {}, sizes, strides};
  return tensor;
}

double get(const HostTensor& tensor, std::int64_t index) {
  return with_element(tensor.view.dtype, [&]<typename Element>(std::type_identity<Element>) {
    Element value;
    std::memcpy(&value, tensor.memory.data() + index * static_cast<std::int64_t>(sizeof(Element)),
                sizeof(Element));
    return to_double(value);
  });
}

void set(HostTensor& tensor, std::int64_t index, double value) {
  with_element(tensor.view.dtype, [&]<typename Element>(std::type_identity<Element>) {
    const Element rounded = from_double<Element>(value);
    std::memcpy(tensor.memory.data() + index * static_cast<std::int64_t>(sizeof(Element)), &rounded,
                sizeof(Element));
  });
}

HostTensor converted(const HostTensor& tensor, DType dtype) {
  HostTensor result = make_tensor(dtype, tensor.view.sizes, Memory::kBshd);
  for_each_row(tensor, [&](std::int64_t b, std::int64_t token, std::int64_t head) {
    for (std::int64_t d = 0; d < tensor.view.sizes[3]; ++d) {
      set(result, result.place(b, token, head) + d, get(tensor, tensor.place(b, token, head) + d));
    }
  });
  return result;
}

double Problem::scale_value() const {
  return scale.value_or(1 / std::sqrt(static_cast<double>(head_dim())));
}

std::int64_t Problem::valid_keys(std::int64_t b) const {
  return text_lengths.empty() ? key_tokens()
                              : plan.text_begin() + text_lengths[static_cast<std::size_t>(b)];
}

namespace {

/// Text lengths, scale and tensors of a problem that has its plan and heads.
void fill_in(Random& random, Problem& problem, const ProblemRange& range, std::int64_t batch,
             std::int64_t head_dim) {
  const BlockPlan& plan = problem.plan;
  for (std::int64_t b = 0; plan.text_tokens() > 0 && b < batch; ++b) {
    problem.text_lengths.push_back(
        static_cast<std::int32_t>(random.between(0, plan.text_tokens())));
  }
  if (random.chance(0.3)) problem.scale = random.chance(0.5) ? 0.3 : -0.05;

  const std::vector<Memory> memories = {Memory::kBshd, Memory::kBhsd, Memory::kGaps};
  const std::array<std::int64_t, 4> q_sizes{batch, plan.query_tokens(), problem.heads, head_dim};
  const std::array<std::int64_t, 4> k_sizes{batch, plan.key_tokens(), problem.key_heads, head_dim};
  problem.q = make_tensor(range.dtype, q_sizes, random.one_of(memories));
  problem.k = make_tensor(range.dtype, k_sizes, random.one_of(memories));
  problem.v = make_tensor(range.dtype, k_sizes, random.one_of(memories));
  problem.dout = make_tensor(range.dtype, q_sizes, random.one_of(memories));
  // Scores are normal with deviation 1; with 10 times larger Q and K, 100.
  const double size = range.inputs == Inputs::kLargeLogits ? 10 : 1;
  if (range.inputs == Inputs::kLargeLogits) problem.scale.reset();
  fill(random, problem.q, range.inputs, size);
  fill(random, problem.k, range.inputs, size);
  fill(random, problem.v, range.inputs, 1);
  fill(random, problem.dout, range.inputs, 1);
  if (range.inputs == Inputs::kDominant) make_dominant(random, problem);
  poison_padding(problem);
  problem.description = describe(problem);
}

}  // namespace

Problem random_problem(std::uint64_t seed, const ProblemRange& range) {
  Random random(seed);
  Problem problem;
  problem.seed = seed;
  problem.key_heads = static_cast<std::int32_t>(random.between(1, 2));
  problem.heads = problem.key_heads * static_cast<std::int32_t>(random.between(
                                          1, std::max(1, range.max_heads / problem.key_heads)));
  const std::int64_t batch = random.between(1, 2);
  const std::int64_t query_tokens = random.between(range.min_tokens, range.max_tokens);
  const std::int64_t key_tokens =
      random.chance(0.5) ? query_tokens : random.between(range.min_tokens, range.max_tokens);
  const std::int64_t text_tokens = range.text && random.chance(0.4)
                                       ? random.between(1, std::min<std::int64_t>(key_tokens, 90))
                                       : 0;
  const std::int64_t head_dim = random.one_of(range.head_dims);
  problem.plan = random_plan(random, range, problem.heads, query_tokens, key_tokens, text_tokens);
  fill_in(random, problem, range, batch, head_dim);
  return problem;
}

Problem problem_of(BlockPlan plan, std::int32_t heads, std::int32_t key_heads, std::uint64_t seed,
                   const ProblemRange& range) {
  Random random(seed);
  Problem problem;
  problem.seed = seed;
  problem.heads = heads;
  problem.key_heads = key_heads;
  problem.plan = std::move(plan);
  const std::int64_t batch = random.between(1, 2);
  fill_in(random, problem, range, batch, random.one_of(range.head_dims));
  return problem;
}

Problem in_double(const Problem& problem) {
  Problem result = problem;
  result.q = converted(problem.q, DType::kFloat64);
  result.k = converted(problem.k, DType::kFloat64);
  result.v = converted(problem.v, DType::kFloat64);
  result.dout = converted(problem.dout, DType::kFloat64);
  return result;
}

}  // namespace radial::testing
