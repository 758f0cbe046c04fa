#include "support/naive_attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "attention/dispatch.h"

namespace radial::testing {
namespace {

float rounded(DType dtype, float value) {
  return with_element(dtype, [&]<typename Element>(std::type_identity<Element>) {
    return static_cast<float>(to_double(from_double<Element>(value)));
  });
}

/// Rows of one head as floats, [S, D].
std::vector<float> rows_of(const HostTensor& tensor, std::int64_t b, std::int64_t head) {
  std::vector<float> rows;
  for (std::int64_t token = 0; token < tensor.view.sizes[1]; ++token) {
    for (std::int64_t d = 0; d < tensor.view.sizes[3]; ++d) {
      rows.push_back(static_cast<float>(get(tensor, tensor.place(b, token, head) + d)));
    }
  }
  return rows;
}

void add_rows(HostTensor& tensor, std::int64_t b, std::int64_t head,
              const std::vector<float>& rows) {
  std::size_t i = 0;
  for (std::int64_t token = 0; token < tensor.view.sizes[1]; ++token) {
    for (std::int64_t d = 0; d < tensor.view.sizes[3]; ++d) {
      const std::int64_t place = tensor.place(b, token, head) + d;
      set(tensor, place, get(tensor, place) + static_cast<double>(rows[i++]));
    }
  }
}

HostTensor zeros_like(const HostTensor& tensor) {
  HostTensor zeros = make_tensor(tensor.view.dtype, tensor.view.sizes, Memory::kBshd);
  std::fill(zeros.memory.begin(), zeros.memory.end(), std::byte{0});
  return zeros;
}

/// One head of one sample.
class NaiveHead {
 public:
  NaiveHead(const Problem& problem, std::int64_t b, std::int64_t head, Magnitudes& magnitudes)
      : problem_(problem),
        dtype_(problem.q.view.dtype),
        b_(b),
        head_(head),
        key_head_(head / (problem.heads / problem.key_heads)),
        head_dim_(static_cast<std::size_t>(problem.head_dim())),
        scale_(static_cast<float>(problem.scale_value())),
        magnitudes_(magnitudes),
        q_(rows_of(problem.q, b, head)),
        k_(rows_of(problem.k, b, key_head_)),
        v_(rows_of(problem.v, b, key_head_)),
        dout_(rows_of(problem.dout, b, head)),
        dk_mass_(k_.size()),
        dv_mass_(k_.size()),
        dk_(k_.size()),
        dv_(k_.size()) {}

  void run(Results& results) {
    std::vector<float> out, dq;
    for (std::int64_t query = 0; query < problem_.query_tokens(); ++query) {
      attend(static_cast<std::size_t>(query), results, out, dq);
    }
    round(dq), round(dk_), round(dv_);
    add_rows(results.out, b_, head_, out);
    add_rows(results.dq, b_, head_, dq);
    add_rows(results.dk, b_, key_head_, dk_);
    add_rows(results.dv, b_, key_head_, dv_);
    const double group = problem_.heads / problem_.key_heads;  // heads that add to the same keys
    raise(magnitudes_.dk, group * *std::max_element(dk_mass_.begin(), dk_mass_.end()));
    raise(magnitudes_.dv, group * *std::max_element(dv_mass_.begin(), dv_mass_.end()));
  }

 private:
  static void raise(double& largest, double value) { largest = std::max(largest, value); }
  void round(std::vector<float>& values) const {
    for (float& value : values) value = rounded(dtype_, value);
  }

  float dot(const std::vector<float>& x, std::size_t i, const std::vector<float>& y,
            std::size_t j) const {
    float sum = 0;
    for (std::size_t d = 0; d < head_dim_; ++d) sum += x[i * head_dim_ + d] * y[j * head_dim_ + d];
    return sum;
  }

  /// The same of absolute values: what the rounding errors of `dot` are relative to.
  float absolute_dot(const std::vector<float>& x, std::size_t i, const std::vector<float>& y,
                     std::size_t j) const {
    float sum = 0;
    for (std::size_t d = 0; d < head_dim_; ++d) {
      sum += std::abs(x[i * head_dim_ + d] * y[j * head_dim_ + d]);
    }
    return sum;
  }

  std::vector<std::size_t> keys_of(std::size_t query) const {
    std::vector<std::size_t> keys;
    const std::int64_t block = problem_.plan.block_size();
    for (const BlockRun& run :
         problem_.plan.pattern(static_cast<std::int32_t>(head_))
             .row_runs(static_cast<std::int32_t>(static_cast<std::int64_t>(query) / block))) {
      const std::int64_t end = std::min(problem_.valid_keys(b_), (run.begin + run.length) * block);
      for (std::int64_t key = run.begin * block; key < end; ++key) {
        keys.push_back(static_cast<std::size_t>(key));
      }
    }
    return keys;
  }

  /// Rounded softmax of one query; appends its statistic.
  std::vector<float> softmax(std::size_t query, const std::vector<std::size_t>& keys,
                             Results& results) {
    std::vector<float> p;
    float largest = -std::numeric_limits<float>::infinity(), sum = 0;
    for (const std::size_t key : keys) {
      p.push_back(rounded(dtype_, scale_ * rounded(dtype_, dot(q_, query, k_, key))));
      raise(magnitudes_.score, std::abs(problem_.scale_value()) * absolute_dot(q_, query, k_, key));
      largest = std::max(largest, p.back());
    }
    for (float& value : p) sum += value = std::exp(value - largest);
    for (float& value : p) value = rounded(dtype_, value / sum);
    results.lse.push_back(static_cast<double>(largest + std::log(sum)));
    return p;
  }

  void attend(std::size_t query, Results& results, std::vector<float>& out,
              std::vector<float>& dq) {
    const std::vector<std::size_t> keys = keys_of(query);
    const std::vector<float> p = softmax(query, keys, results);
    const std::size_t row = out.size();
    for (std::size_t d = 0; d < head_dim_; ++d) {
      float sum = 0;
      double mass = 0;
      for (std::size_t i = 0; i < keys.size(); ++i) {
        const float value = v_[keys[i] * head_dim_ + d];
        sum += p[i] * value;
        mass += std::abs(p[i] * value);
      }
      out.push_back(rounded(dtype_, sum));
      raise(magnitudes_.out, mass);
    }
    differentiate(query, keys, p, row_dot(query, out, row), dq);
  }

  /// delta = dO . O of one row, from O as it was stored.
  float row_dot(std::size_t query, const std::vector<float>& out, std::size_t row) const {
    float sum = 0;
    for (std::size_t d = 0; d < head_dim_; ++d) sum += dout_[query * head_dim_ + d] * out[row + d];
    return sum;
  }

  void differentiate(std::size_t query, const std::vector<std::size_t>& keys,
                     const std::vector<float>& p, float delta, std::vector<float>& dq) {
    std::vector<float> dp;
    float largest_dp = 0;
    for (const std::size_t key : keys) {
      dp.push_back(rounded(dtype_, dot(dout_, query, v_, key)));
      largest_dp = std::max(largest_dp, absolute_dot(dout_, query, v_, key));
    }
    for (std::size_t d = 0; d < head_dim_; ++d) {
      float sum = 0;
      double mass = 0;
      for (std::size_t i = 0; i < keys.size(); ++i) {
        const std::size_t place = keys[i] * head_dim_ + d;
        const float ds = rounded(dtype_, scale_ * rounded(dtype_, p[i] * (dp[i] - delta)));
        const float weight = std::abs(scale_) * p[i] * 2 * largest_dp;
        const float q = q_[query * head_dim_ + d], dout = dout_[query * head_dim_ + d];
        sum += ds * k_[place];
        dk_[place] += ds * q;
        dv_[place] += p[i] * dout;
        mass += std::abs(weight * k_[place]);
        dk_mass_[place] += std::abs(weight * q);
        dv_mass_[place] += std::abs(p[i] * dout);
      }
      dq.push_back(sum);
      raise(magnitudes_.dq, mass);
    }
  }

  const Problem& problem_;
  const DType dtype_;
  const std::int64_t b_, head_, key_head_;
  const std::size_t head_dim_;
  const float scale_;
  Magnitudes& magnitudes_;
  const std::vector<float> q_, k_, v_, dout_;
  std::vector<double> dk_mass_, dv_mass_;
  std::vector<float> dk_, dv_;
};

}  // namespace

Results naive_attention(const Problem& problem, Magnitudes& magnitudes) {
  Results results;
  results.out = zeros_like(problem.q);
  results.dq = zeros_like(problem.q);
  results.dk = zeros_like(problem.k);
  results.dv = zeros_like(problem.v);
  for (std::int64_t b = 0; b < problem.batch(); ++b) {
    for (std::int64_t head = 0; head < problem.heads; ++head) {
      NaiveHead(problem, b, head, magnitudes).run(results);
    }
  }
  return results;
}

}  // namespace radial::testing
