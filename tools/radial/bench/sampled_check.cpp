#include "bench/sampled_check.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace radial::tools {
namespace {

struct SquaredDistance {
  double difference = 0, size = 0;

  void add(double result, double exact) {
    difference += (result - exact) * (result - exact);
    size += exact * exact;
  }
  void add(const float* result, const std::vector<double>& exact) {
    for (std::size_t i = 0; i < exact.size(); ++i) add(result[i], exact[i]);
  }
  double relative() const { return std::sqrt(difference / size); }
};

struct Distances {
  SquaredDistance out, lse, dq, dk, dv;
};

double dot(const float* x, const float* y, std::int32_t size) {
  double sum = 0;
  for (std::int32_t i = 0; i < size; ++i) sum += static_cast<double>(x[i]) * y[i];
  return sum;
}

void add_scaled(std::vector<double>& sum, double factor, const float* x) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += factor * x[i];
}

/// Calls `body(token)` for each token of the runs below `end`.
template <typename Body>
void for_each_token(std::span<const BlockRun> runs, std::int64_t block_size, std::int64_t end,
                    Body&& body) {
  for (const BlockRun& run : runs) {
    const std::int64_t last = std::min(end, (run.begin + run.length) * block_size);
    for (std::int64_t token = run.begin * block_size; token < last; ++token) body(token);
  }
}

void compare_query(const HostResults& host, std::int64_t b, std::int32_t head, std::int64_t query,
                   Distances& distances) {
  const std::int32_t dim = host.sizes.head_dim;
  const std::int32_t key_head = head / (host.sizes.heads / host.sizes.key_heads);
  const double scale = 1 / std::sqrt(static_cast<double>(dim));
  const std::size_t row = host.query_row(b, query, head);
  const float* const dout = &host.dout[row];
  const std::int64_t block_size = host.plan.block_size();
  const auto runs = host.plan.pattern(head).row_runs(static_cast<std::int32_t>(query / block_size));
  const auto for_each_key = [&](auto&& body) {
    for_each_token(runs, block_size, host.plan.key_tokens(),
                   [&](std::int64_t key) { body(host.key_row(b, key, key_head)); });
  };

  std::vector<double> weights;
  for_each_key(
      [&](std::size_t key) { weights.push_back(scale * dot(&host.q[row], &host.k[key], dim)); });
  if (weights.empty()) return;
  const double largest = *std::ranges::max_element(weights);
  double sum = 0;
  for (double& weight : weights) sum += weight = std::exp(weight - largest);

  std::vector<double> out(static_cast<std::size_t>(dim), 0), dq = out;
  std::size_t i = 0;
  for_each_key([&](std::size_t key) { add_scaled(out, weights[i++] / sum, &host.v[key]); });
  double delta = 0;
  for (std::size_t d = 0; d < out.size(); ++d) delta += out[d] * dout[d];
  i = 0;
  for_each_key([&](std::size_t key) {
    const double ds = weights[i++] / sum * (dot(dout, &host.v[key], dim) - delta);
    add_scaled(dq, scale * ds, &host.k[key]);
  });
  distances.out.add(&host.out[row], out);
  distances.dq.add(&host.dq[row], dq);
  distances.lse.add(host.lse_of(b, query, head), largest + std::log(sum));
}

void compare_key(const HostResults& host, std::int64_t b, std::int32_t key_head, std::int64_t key,
                 Distances& distances) {
  const std::int32_t dim = host.sizes.head_dim;
  const std::int32_t group = host.sizes.heads / host.sizes.key_heads;
  const double scale = 1 / std::sqrt(static_cast<double>(dim));
  const std::size_t row = host.key_row(b, key, key_head);
  const std::int64_t block_size = host.plan.block_size();
  std::vector<double> dk(static_cast<std::size_t>(dim), 0), dv = dk;
  for (std::int32_t head = key_head * group; head < (key_head + 1) * group; ++head) {
    const auto runs =
        host.plan.pattern(head).column_runs(static_cast<std::int32_t>(key / block_size));
    for_each_token(runs, block_size, host.plan.query_tokens(), [&](std::int64_t token) {
      const std::size_t query = host.query_row(b, token, head);
      const float* const dout = &host.dout[query];
      const double p =
          std::exp(scale * dot(&host.q[query], &host.k[row], dim) - host.lse_of(b, token, head));
      const double ds = p * (dot(dout, &host.v[row], dim) - dot(dout, &host.out[query], dim));
      add_scaled(dv, p, dout);
      add_scaled(dk, scale * ds, &host.q[query]);
    });
  }
  distances.dk.add(&host.dk[row], dk);
  distances.dv.add(&host.dv[row], dv);
}

}  // namespace

SampledErrors sampled_errors(const HostResults& host, int samples, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto pick = [&](std::int64_t count) {
    return std::uniform_int_distribution<std::int64_t>(0, count - 1)(random);
  };
  const std::int64_t queries = host.plan.query_tokens(), keys = host.plan.key_tokens();
  Distances distances;
  for (int sample = 0; sample < samples; ++sample) {
    compare_query(host, pick(host.sizes.batch), static_cast<std::int32_t>(pick(host.sizes.heads)),
                  sample == 0 ? queries - 1 : pick(queries), distances);
    compare_key(host, pick(host.sizes.batch), static_cast<std::int32_t>(pick(host.sizes.key_heads)),
                sample == 0 ? keys - 1 : pick(keys), distances);
  }
  return {distances.out.relative(), distances.lse.relative(), distances.dq.relative(),
          distances.dk.relative(), distances.dv.relative()};
}

}  // namespace radial::tools
