// Attention over a short video by the C++ interface: layout -> mask -> plan -> forward.
// All values are 1, so every output must be 1 whatever the mask keeps.

#include <radial/attention/attention.h>
#include <radial/base/error.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

int main() try {
  const radial::VideoLayout layout{.frames = 9, .grid_h = 12, .grid_w = 20, .text_tokens = 30};
  const radial::RadialMask mask(layout, {.rule = "radial", .decay_factor = 0.5});
  const radial::BlockPlan plan = radial::BlockPlan::build(mask);
  std::printf("%s: density %.3f\n", plan.description().c_str(), plan.stats().density);

  const std::int64_t batch = 2, tokens = layout.total_tokens(), heads = 2, head_dim = 64;
  const auto elements = static_cast<std::size_t>(batch * tokens * heads * head_dim);
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> q(elements), k(elements), v(elements, 1.0f), out(elements);
  for (float& value : q) value = normal(random);
  for (float& value : k) value = normal(random);

  const auto view = [&](auto* data) {
    return radial::contiguous_view(data, radial::DType::kFloat32, {batch, tokens, heads, head_dim});
  };
  const std::vector<std::int32_t> text_lengths{30, 12};  // valid text tokens of each sample
  radial::attention_forward(plan, {.q = view(static_cast<const void*>(q.data())),
                                   .k = view(static_cast<const void*>(k.data())),
                                   .v = view(static_cast<const void*>(v.data())),
                                   .out = view(static_cast<void*>(out.data())),
                                   .maybe_text_lengths = text_lengths.data()});

  const bool right = std::ranges::all_of(out, [](float o) { return std::abs(o - 1) < 1e-5f; });
  std::printf(right ? "every output is 1\n" : "an output is not 1\n");
  return right ? 0 : 1;
} catch (const radial::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
