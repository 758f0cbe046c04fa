#pragma once

#include "attention/cuda/sm90/backward/params.cuh"
#include "attention/cuda/sm90/backward/shared_storage.cuh"

namespace radial::sm90 {

/// Work item `index` of the launch. A round takes the columns of `slots_in_turn` slots, one of each
/// slot in turn. Long columns of a slot run one round before its others (those of the first round's
/// slots: in the last round), so that no column waits for one many times as long.
__device__ inline WorkItem work_item(const BackwardKernelParams& p, std::uint32_t index) {
  const int width = p.slots_in_turn;
  const std::uint32_t round = index / (p.plan.num_columns * width);
  const int of_round = static_cast<int>(index % (p.plan.num_columns * width));
  const int place = of_round / width;
  int slot = static_cast<int>(round) * width + of_round % width;
  if (slot >= p.num_slots) return {-1, 0, 0, 0, 0};
  if (place < p.plan.num_long) slot = (slot + width) % p.num_slots;
  WorkItem item;
  item.longs_last = slot < width && p.num_slots > width;
  item.slot = p.first_slot + slot;
  item.column = p.plan.order[place];
  const int sample = item.slot / p.key_heads;
  const std::int64_t keys =
      p.maybe_text_lengths ? p.text_begin + p.maybe_text_lengths[sample] : p.key_tokens;
  const std::int64_t valid = keys - 128ll * item.column;
  item.valid_keys = static_cast<int>(valid < 0 ? 0 : valid > 128 ? 128 : valid);
  const int first_head = (item.slot % p.key_heads) * p.group;
  item.num_tiles = 0;
#pragma unroll 1
  for (int g = 0; g < p.group; ++g) {
    const int pattern = p.plan.maybe_head_patterns ? p.plan.maybe_head_patterns[first_head + g] : 0;
    const std::int32_t* offsets = p.plan.offsets + pattern * (p.plan.num_columns + 1ll);
    item.num_tiles += 2 * (offsets[item.column + 1] - offsets[item.column]);
  }
  return item;
}

/// Calls `visit(head, tile, turn)` for each query tile of the item, `head` in [0, H). Every role of
/// the CTA walks the same way.
template <typename Visit>
__device__ __forceinline__ void for_each_tile(const BackwardKernelParams& p, const WorkItem& item,
                                              Visit&& visit) {
  int head = (item.slot % p.key_heads) * p.group;
  const int end_head = head + p.group;
#pragma unroll 1
  for (; head < end_head; ++head) {
    const int pattern = p.plan.maybe_head_patterns ? p.plan.maybe_head_patterns[head] : 0;
    const std::int32_t* offsets =
        p.plan.offsets + pattern * (p.plan.num_columns + 1ll) + item.column;
    int half = 2 * offsets[0];
    const int end = 2 * offsets[1];
#pragma unroll 1
    for (; half < end; ++half) {
      const ColumnEntry entry = p.plan.entries[half / 2];
      const std::uint32_t turn = item.longs_last ? entry.turn_longs_last : entry.turn_longs_first;
      visit(head, 2 * entry.query_block + half % 2, turn);
    }
  }
}

}  // namespace radial::sm90
