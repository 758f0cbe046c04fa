// Bytes -> the block masks of other libraries -> either a one-line refusal or a pattern that keeps
// its laws and goes back to the very same form.

#include <string>

#include "input.h"
#include "plan_laws.h"
#include "radial/base/error.h"

namespace radial::testing {
namespace {

std::vector<std::int32_t> ints(FuzzInput& input, std::size_t count, std::int32_t most) {
  std::vector<std::int32_t> values(count);
  for (std::int32_t& value : values) {
    value = input.pick(0, 31) == 0 ? input.odd_int() : input.pick(0, most);
  }
  return values;
}

void check(const BlockPattern& pattern) {
  check_pattern(pattern);
  check_order(pattern);
  check_forms(pattern);
}

void from_dense(FuzzInput& input, std::int32_t rows, std::int32_t columns) {
  std::vector<std::uint8_t> blocks(static_cast<std::size_t>(rows * columns));
  for (std::uint8_t& block : blocks) block = static_cast<std::uint8_t>(input.flag());
  const BlockPattern pattern = pattern_from_dense(blocks, rows, columns);
  check(pattern);
  RADIAL_HOLDS(to_dense(pattern) == blocks);
}

void from_csr(FuzzInput& input, std::int32_t rows, std::int32_t columns) {
  std::vector<std::int32_t> indptr(1), indices;
  for (std::int32_t row = 0; row < rows; ++row) {
    std::int32_t column = input.pick(0, 4) - 1;
    for (std::int32_t left = input.pick(0, columns); left > 0 && column < columns; --left) {
      indices.push_back(column);
      column += input.pick(0, 9);  // 0 repeats a column, which must be refused
    }
    indptr.push_back(static_cast<std::int32_t>(indices.size()));
  }
  if (input.pick(0, 7) == 0) indptr = ints(input, indptr.size(), columns);
  if (input.pick(0, 7) == 0) indices = ints(input, indices.size(), columns);
  const BlockPattern pattern = pattern_from_csr(indptr, indices, columns);
  check(pattern);
  RADIAL_HOLDS(to_csr(pattern).indptr == indptr && to_csr(pattern).indices == indices);
}

void from_flex(FuzzInput& input, std::int32_t rows, std::int32_t columns) {
  const auto count = static_cast<std::size_t>(rows);
  std::vector<std::int32_t> counts = ints(input, count, columns);
  std::vector<std::int32_t> lists(count * static_cast<std::size_t>(columns));
  for (std::size_t i = 0; i < lists.size(); ++i) {
    lists[i] = static_cast<std::int32_t>(i % static_cast<std::size_t>(columns));
  }
  if (input.flag()) lists = ints(input, lists.size(), columns);
  check(pattern_from_flex(counts, lists, columns));
}

void as_plan(FuzzInput& input, std::int32_t rows, std::int32_t columns) {
  const std::vector<std::uint8_t> blocks(static_cast<std::size_t>(rows * columns), 1);
  std::vector<BlockPattern> patterns(static_cast<std::size_t>(input.pick(0, 3)),
                                     pattern_from_dense(blocks, rows, columns));
  std::vector<std::int32_t> heads = ints(input, static_cast<std::size_t>(input.pick(0, 4)), 3);
  const std::int32_t block = input.pick(0, 7) == 0 ? input.odd_int() : 64;
  const std::int64_t query_tokens = std::int64_t{rows} * 64 - input.pick(0, 70);
  const std::int64_t key_tokens = std::int64_t{columns} * 64 - input.pick(0, 70);
  const BlockPlan plan =
      BlockPlan::from_patterns(patterns, heads, block, query_tokens, key_tokens, input.odd_int());
  for (std::int32_t head = 0; head < static_cast<std::int32_t>(heads.size()); ++head) {
    RADIAL_HOLDS(plan.kept_pairs(head) == query_tokens * key_tokens);
  }
  RADIAL_HOLDS(plan.text_begin() >= 0 && plan.text_begin() <= key_tokens);
}

void run(FuzzInput input) {
  const std::int32_t rows = input.pick(1, 24), columns = input.pick(1, 140);
  try {
    switch (input.pick(0, 3)) {
      case 0:
        return from_dense(input, rows, columns);
      case 1:
        return from_csr(input, rows, columns);
      case 2:
        return from_flex(input, rows, columns);
      default:
        return as_plan(input, rows, columns);
    }
  } catch (const InvalidArgument& error) {
    RADIAL_HOLDS(std::string(error.what()).find('\n') == std::string::npos);
  }
}

}  // namespace
}  // namespace radial::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  radial::testing::run({data, size});
  return 0;
}
