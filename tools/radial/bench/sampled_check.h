#pragma once

#include <cstdint>
#include <vector>

#include "radial/base/dtype.h"
#include "radial/plan/block_plan.h"

namespace radial::tools {

struct AttentionSizes {
  std::int64_t batch = 1;
  std::int32_t heads = 12, key_heads = 12, head_dim = 128;
  DType dtype = DType::kBFloat16;
};

/// Inputs as rounded to the dtype and results, on the host, contiguous BSHD.
struct HostResults {
  const BlockPlan& plan;
  AttentionSizes sizes;
  const std::vector<float>&q, &k, &v, &dout;
  std::vector<float> out, lse, dq, dk, dv;

  std::size_t query_row(std::int64_t b, std::int64_t token, std::int32_t head) const {
    return static_cast<std::size_t>(((b * plan.query_tokens() + token) * sizes.heads + head) *
                                    sizes.head_dim);
  }
  std::size_t key_row(std::int64_t b, std::int64_t token, std::int32_t key_head) const {
    return static_cast<std::size_t>(((b * plan.key_tokens() + token) * sizes.key_heads + key_head) *
                                    sizes.head_dim);
  }
  float lse_of(std::int64_t b, std::int64_t token, std::int32_t head) const {
    return lse[static_cast<std::size_t>((b * sizes.heads + head) * plan.query_tokens() + token)];
  }
};

/// Relative L2 distances of sampled rows to double precision.
struct SampledErrors {
  double out, lse, dq, dk, dv;
};

/// Compares `samples` query rows (out, lse, dq) and as many key rows (dk, dv; from the lse and out
/// that were just checked), the last of each among them.
SampledErrors sampled_errors(const HostResults& host, int samples, std::uint64_t seed);

}  // namespace radial::tools
