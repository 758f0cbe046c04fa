// The C interface of block plans.

#include <algorithm>
#include <span>
#include <vector>

#include "c_api/boundary.h"
#include "c_api/handles.h"

namespace radial::c_api {
namespace {

// Sizes in ABI version 1.
constexpr std::size_t kPlanShapeSize = 48;
constexpr std::size_t kPlanInfoSize = 56;
constexpr std::size_t kPlanStatsSize = 72;

std::size_t count_of(std::int64_t value, std::string_view name) {
  RADIAL_REQUIRE(value >= 0, name, ": expected at least 0, got ", value);
  return static_cast<std::size_t>(value);
}

/// `count` values from `data` on; null is allowed where there are none.
template <typename T>
std::span<const T> values(const T* data, std::size_t count, std::string_view name) {
  if (count > 0) required(data, name);
  return {data, count};
}

const BlockPattern& pattern_of(const radial_plan* plan, std::int32_t index) {
  const std::span<const BlockPattern> patterns = required(plan, "plan").value.patterns();
  RADIAL_REQUIRE(index >= 0 && index < static_cast<std::int32_t>(patterns.size()),
                 "pattern: expected 0 to ", patterns.size() - 1, ", got ", index);
  return patterns[static_cast<std::size_t>(index)];
}

/// Makes a pattern handle of what `make` returns.
template <typename Make>
radial_status new_pattern(radial_pattern** pattern, Make&& make) {
  return guarded([&] {
    required(pattern, "pattern");
    *pattern = new radial_pattern{make()};
  });
}

}  // namespace
}  // namespace radial::c_api

using namespace radial;         // NOLINT: the C interface lives outside of it
using namespace radial::c_api;  // NOLINT

radial_status radial_plan_create(const radial_mask* mask, radial_plan** plan) {
  return guarded([&] {
    required(plan, "plan");
    *plan = new radial_plan{BlockPlan::build(required(mask, "mask").value)};
  });
}

void radial_plan_destroy(radial_plan* plan) { delete plan; }

radial_status radial_pattern_from_dense(const uint8_t* blocks, int32_t num_query_blocks,
                                        int32_t num_key_blocks, radial_pattern** pattern) {
  return new_pattern(pattern, [&] {
    const std::size_t count =
        count_of(num_query_blocks, "num_query_blocks") * count_of(num_key_blocks, "num_key_blocks");
    return pattern_from_dense(values(blocks, count, "blocks"), num_query_blocks, num_key_blocks);
  });
}

radial_status radial_pattern_from_csr(const int32_t* indptr, int32_t num_query_blocks,
                                      const int32_t* indices, int64_t num_indices,
                                      int32_t num_key_blocks, radial_pattern** pattern) {
  return new_pattern(pattern, [&] {
    const std::size_t rows = count_of(num_query_blocks, "num_query_blocks");
    return pattern_from_csr(values(indptr, rows + 1, "indptr"),
                            values(indices, count_of(num_indices, "num_indices"), "indices"),
                            num_key_blocks);
  });
}

radial_status radial_pattern_from_flex(const int32_t* kv_num_blocks, const int32_t* kv_indices,
                                       int32_t num_query_blocks, int32_t num_key_blocks,
                                       radial_pattern** pattern) {
  return new_pattern(pattern, [&] {
    const std::size_t rows = count_of(num_query_blocks, "num_query_blocks");
    const std::size_t columns = count_of(num_key_blocks, "num_key_blocks");
    return pattern_from_flex(values(kv_num_blocks, rows, "kv_num_blocks"),
                             values(kv_indices, rows * columns, "kv_indices"), num_key_blocks);
  });
}

void radial_pattern_destroy(radial_pattern* pattern) { delete pattern; }

radial_status radial_plan_from_patterns(const radial_pattern* const* patterns, int32_t num_patterns,
                                        const radial_plan_shape* shape, radial_plan** plan) {
  return guarded([&] {
    required(plan, "plan");
    const radial_plan_shape known =
        read_struct(shape, "shape", radial_plan_shape_init(), kPlanShapeSize);
    std::vector<BlockPattern> copies;
    for (const radial_pattern* pattern :
         values(patterns, count_of(num_patterns, "num_patterns"), "patterns")) {
      copies.push_back(required(pattern, "patterns").value);
    }
    std::vector<std::int32_t> head_patterns;
    if (known.head_patterns) {
      const auto heads = values(known.head_patterns, count_of(known.num_heads, "shape.num_heads"),
                                "shape.head_patterns");
      head_patterns.assign(heads.begin(), heads.end());
    }
    *plan = new radial_plan{BlockPlan::from_patterns(std::move(copies), std::move(head_patterns),
                                                     known.block_size, known.query_tokens,
                                                     known.key_tokens, known.text_tokens)};
  });
}

radial_status radial_plan_get_info(const radial_plan* plan, radial_plan_info* info) {
  return guarded([&] {
    check_writable(info, "info", kPlanInfoSize);
    const BlockPlan& known = required(plan, "plan").value;
    radial_plan_info result = radial_plan_info_init();
    result.query_tokens = known.query_tokens();
    result.key_tokens = known.key_tokens();
    result.text_tokens = known.text_tokens();
    result.block_size = known.block_size();
    result.num_query_blocks = known.pattern(0).num_query_blocks();
    result.num_key_blocks = known.pattern(0).num_key_blocks();
    result.num_patterns = static_cast<std::int32_t>(known.patterns().size());
    result.num_warnings = static_cast<std::int32_t>(known.warnings().size());
    write_struct(info, result);
  });
}

const char* radial_plan_description(const radial_plan* plan) {
  return plan ? plan->value.description().c_str() : "";
}

const char* radial_plan_warning(const radial_plan* plan, int32_t index) {
  if (!plan || index < 0) return "";
  const auto warnings = plan->value.warnings();
  const auto place = static_cast<std::size_t>(index);
  return place < warnings.size() ? warnings[place].c_str() : "";
}

radial_status radial_plan_get_stats(const radial_plan* plan, int32_t pattern,
                                    radial_plan_stats* stats) {
  return guarded([&] {
    check_writable(stats, "stats", kPlanStatsSize);
    pattern_of(plan, pattern);
    const PlanStats known = plan->value.stats(pattern);
    radial_plan_stats result = radial_plan_stats_init();
    result.kept_blocks = known.kept_blocks;
    result.all_blocks = known.all_blocks;
    result.density = known.density;
    result.runs_per_row = known.runs_per_row;
    result.shortest_row = known.shortest_row;
    result.median_row = known.median_row;
    result.longest_row = known.longest_row;
    result.shortest_column = known.shortest_column;
    result.median_column = known.median_column;
    result.longest_column = known.longest_column;
    result.empty_rows = known.empty_rows;
    write_struct(stats, result);
  });
}

radial_status radial_plan_kept_pairs(const radial_plan* plan, int32_t head, int64_t* pairs) {
  return guarded([&] {
    const BlockPlan& known = required(plan, "plan").value;
    const std::size_t heads = known.head_patterns().size();
    RADIAL_REQUIRE(head >= 0 && (heads == 0 || static_cast<std::size_t>(head) < heads),
                   "head: expected 0 to ", heads == 0 ? 0 : heads - 1, ", got ", head);
    required(pairs, "pairs") = known.kept_pairs(head);
  });
}

radial_status radial_plan_to_dense(const radial_plan* plan, int32_t pattern, uint8_t* blocks) {
  return guarded([&] {
    required(blocks, "blocks");
    std::ranges::copy(to_dense(pattern_of(plan, pattern)), blocks);
  });
}

radial_status radial_plan_to_csr(const radial_plan* plan, int32_t pattern, int32_t* indptr,
                                 int32_t* indices) {
  return guarded([&] {
    required(indptr, "indptr");
    const BlockCsr csr = to_csr(pattern_of(plan, pattern));
    if (!csr.indices.empty()) required(indices, "indices");
    std::ranges::copy(csr.indptr, indptr);
    std::ranges::copy(csr.indices, indices);
  });
}

radial_status radial_plan_to_flex(const radial_plan* plan, int32_t pattern, int32_t* kv_num_blocks,
                                  int32_t* kv_indices) {
  return guarded([&] {
    required(kv_num_blocks, "kv_num_blocks");
    required(kv_indices, "kv_indices");
    const FlexLists lists = to_flex(pattern_of(plan, pattern));
    std::ranges::copy(lists.kv_num_blocks, kv_num_blocks);
    std::ranges::copy(lists.kv_indices, kv_indices);
  });
}

radial_status radial_device_plan_create(const radial_plan* plan, int32_t device_index,
                                        radial_device_plan** device_plan) {
  return guarded([&] {
    required(device_plan, "device_plan");
    *device_plan = new radial_device_plan{{required(plan, "plan").value, device_index}};
  });
}

void radial_device_plan_destroy(radial_device_plan* device_plan) { delete device_plan; }

size_t radial_device_plan_bytes(const radial_device_plan* device_plan) {
  std::size_t bytes = 0;
  guarded([&] { bytes = required(device_plan, "device_plan").value.bytes(); });
  return bytes;
}
