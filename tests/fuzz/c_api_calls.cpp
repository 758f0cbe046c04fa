// Bytes -> calls of the C interface with values good and bad: a status comes back, a failure has
// its one line, and attention over values of 1 gives 1 (0 where a query sees nothing).

#include <cmath>
#include <string>
#include <vector>

#include "input.h"
#include "radial/radial.h"

namespace radial::testing {
namespace {

constexpr std::int64_t kMostTokens = 400;

/// Whether the call went well; a failure must say why.
bool ok(radial_status status) {
  if (status == RADIAL_OK) return true;
  const std::string text = radial_last_error();
  RADIAL_HOLDS(!text.empty() && text.find('\n') == std::string::npos);
  RADIAL_HOLDS(status == RADIAL_INVALID_ARGUMENT || status == RADIAL_UNSUPPORTED);
  return false;
}

radial_mask* mask_from(FuzzInput& input, std::int64_t& tokens) {
  radial_layout layout = radial_layout_init();
  if (input.pick(0, 31) == 0) layout.struct_size = input.raw<std::uint16_t>() % sizeof(layout);
  layout.frames = input.odd_int();
  layout.grid_h = input.odd_int();
  layout.grid_w = input.odd_int();
  if (input.flag()) layout.text_tokens = input.odd_int();
  if (input.flag()) layout.tile_h = input.odd_int();
  if (input.flag()) layout.tile_w = input.odd_int();
  radial_mask_options options = radial_mask_options_init();
  radial_rule_info rule = radial_rule_info_init();
  if (ok(radial_rule(input.pick(0, 15), &rule))) options.rule = rule.name;
  options.block_size = input.pick(0, 15) == 0 ? input.odd_int() : 64;
  if (input.flag()) options.decay_factor = input.odd_real();
  if (input.flag()) options.sink = input.pick(-2, 2);
  if (input.flag()) options.distance_one = input.pick(-1, 4);
  if (input.flag()) options.thinning = input.pick(-2, 2);
  if (input.flag()) options.span = input.odd_int();
  if (input.flag()) options.width = input.odd_int();
  radial_mask* mask = nullptr;
  if (!ok(radial_mask_create(&layout, input.pick(0, 15) ? &options : nullptr, &mask))) {
    RADIAL_HOLDS(mask == nullptr);
    return nullptr;
  }
  tokens = std::int64_t{layout.frames} * layout.grid_h * layout.grid_w + layout.text_tokens;
  return mask;
}

/// One tensor made unlike the others, in a way that every call must refuse.
void spoil(radial_tensor& tensor, FuzzInput& input) {
  switch (input.pick(0, 4)) {
    case 0:
      tensor.data = nullptr;
      break;
    case 1:
      tensor.dtype = RADIAL_BFLOAT16;
      break;
    case 2:
      tensor.sizes[input.pick(0, 3)] += 1 + input.pick(0, 5);
      break;
    case 3:
      tensor.strides[3] = std::int64_t{input.odd_int()} * 2;
      break;
    default:
      tensor.device = 2 + input.pick(0, 5);
      break;
  }
}

template <typename Element>
void attend(const radial_plan* plan, std::int64_t tokens, std::int32_t dtype, FuzzInput& input) {
  const std::int64_t batch = input.pick(1, 2), heads = input.pick(1, 2), dim = input.pick(1, 24);
  const auto elements = static_cast<std::size_t>(batch * tokens * heads * dim);
  std::vector<Element> q(elements), k(elements), v(elements, 1), out(elements, 7);
  for (std::size_t i = 0; i < elements; ++i) {
    q[i] = static_cast<Element>(static_cast<int>(i * 37 % 17) - 8) / 4;
    k[i] = static_cast<Element>(static_cast<int>(i * 101 % 23) - 11) / 4;
  }
  std::vector<Element> lse(static_cast<std::size_t>(batch * heads * tokens));
  radial_forward_args args = radial_forward_args_init();
  args.q = radial_contiguous(q.data(), dtype, batch, tokens, heads, dim);
  args.k = radial_contiguous(k.data(), dtype, batch, tokens, heads, dim);
  args.v = radial_contiguous(v.data(), dtype, batch, tokens, heads, dim);
  args.out = radial_contiguous(out.data(), dtype, batch, tokens, heads, dim);
  args.lse = lse.data();
  radial_run_options options = radial_run_options_init();
  options.num_threads = input.pick(0, 2);
  if (input.pick(0, 3) == 0) {
    radial_tensor* const tensors[] = {&args.q, &args.k, &args.v, &args.out};
    spoil(*tensors[input.pick(0, 3)], input);
    RADIAL_HOLDS(!ok(radial_forward(plan, &args, &options)));
    return;
  }
  if (!ok(radial_forward(plan, &args, &options))) return;
  // A weighted mean of ones: every addition of n terms errs by at most half an epsilon of the sum.
  const Element room = static_cast<Element>(tokens + 8) * std::numeric_limits<Element>::epsilon();
  for (const Element value : out) RADIAL_HOLDS(value == 0 || std::abs(value - 1) <= room);
}

void run(FuzzInput input) {
  std::int64_t tokens = 0;
  radial_mask* const mask = mask_from(input, tokens);
  if (!mask) return;
  radial_plan* plan = nullptr;
  if (tokens <= kMostTokens && ok(radial_plan_create(mask, &plan))) {
    radial_plan_stats stats = radial_plan_stats_init();
    RADIAL_HOLDS(ok(radial_plan_get_stats(plan, 0, &stats)));
    RADIAL_HOLDS(stats.kept_blocks <= stats.all_blocks && stats.longest_row >= stats.median_row);
    if (input.flag()) {
      attend<float>(plan, tokens, RADIAL_FLOAT32, input);
    } else {
      attend<double>(plan, tokens, RADIAL_FLOAT64, input);
    }
    radial_plan_destroy(plan);
  }
  radial_mask_destroy(mask);
}

}  // namespace
}  // namespace radial::testing

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  radial::testing::run({data, size});
  return 0;
}
