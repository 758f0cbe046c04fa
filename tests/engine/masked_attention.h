#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include <cstdint>
#include <vector>

#include "radial/plan/block_plan.h"
#include "video/nn/attention.h"

namespace radial::video {

/// Dense attention under the boolean token mask that the plan's blocks stand for.
inline AttentionFunction masked_attention(const BlockPlan& plan) {
  std::vector<std::uint8_t> blocks = to_dense(plan.pattern(0));
  const std::int64_t rows = plan.pattern(0).num_query_blocks();
  const at::Tensor mask = at::from_blob(blocks.data(), {rows, rows}, at::kByte)
                              .to(at::kBool)
                              .repeat_interleave(plan.block_size(), 0)
                              .repeat_interleave(plan.block_size(), 1)
                              .narrow(0, 0, plan.query_tokens())
                              .narrow(1, 0, plan.key_tokens());
  return [mask](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
    return at::scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2),
                                            mask)
        .transpose(1, 2);
  };
}

}  // namespace radial::video
