#include "attention/merge.h"

#include <algorithm>
#include <type_traits>

#include "attention/checks.h"
#include "attention/dispatch.h"
#include "radial/base/parallel_for.h"

namespace radial {
namespace {

template <typename Number>
struct Weights {
  Number a, b, lse;
};

template <typename Number>
Weights<Number> merge_weights(Number a, Number b) {
  const Number largest = std::max(a, b);
  if (largest == -std::numeric_limits<Number>::infinity()) return {0, 0, largest};
  const Number from_a = std::exp(a - largest), from_b = std::exp(b - largest);
  const Number sum = from_a + from_b;
  return {from_a / sum, from_b / sum, largest + std::log(sum)};
}

template <typename Element>
void merge_token(const MergeArgs& args, std::int64_t b, std::int64_t token) {
  using Number = std::conditional_t<std::is_same_v<Element, double>, double, float>;
  const auto& [batch, tokens, heads, head_dim] = args.out.sizes;
  const auto begin_of = [&](const auto& view, std::int64_t head) {
    return b * view.strides[0] + token * view.strides[1] + head * view.strides[2];
  };
  for (std::int64_t head = 0; head < heads; ++head) {
    const std::int64_t place = (b * heads + head) * tokens + token;
    const Weights<Number> weights = merge_weights(static_cast<const Number*>(args.lse_a)[place],
                                                  static_cast<const Number*>(args.lse_b)[place]);
    const Element* x = static_cast<const Element*>(args.out_a.data) + begin_of(args.out_a, head);
    const Element* y = static_cast<const Element*>(args.out_b.data) + begin_of(args.out_b, head);
    Element* const out = static_cast<Element*>(args.out.data) + begin_of(args.out, head);
    for (std::int64_t d = 0; d < head_dim; ++d) {
      const auto joined = static_cast<Number>(to_double(x[d])) * weights.a +
                          static_cast<Number>(to_double(y[d])) * weights.b;
      out[d] = from_double<Element>(static_cast<double>(joined));
    }
    static_cast<Number*>(args.lse)[place] = weights.lse;
  }
}

}  // namespace

void merge_on_cpu(const MergeArgs& args, int num_threads) {
  const std::int64_t tokens = args.out.sizes[1];
  with_element(args.out.dtype, [&]<typename Element>(std::type_identity<Element>) {
    parallel_for(args.out.sizes[0] * tokens, num_threads, [&](std::int64_t task, int) {
      merge_token<Element>(args, task / tokens, task % tokens);
    });
  });
}

}  // namespace radial
