// Forward on CPUs. K and V are packed once; then each task takes one block of queries of one head
// along its row of the plan, in steps of many keys, runs of blocks joined: scores, online softmax,
// sums.

#include <cmath>
#include <limits>

#include "attention/cpu/drivers.h"
#include "attention/cpu/memory.h"
#include "radial/base/parallel_for.h"

namespace radial::cpu {
namespace {

/// What one thread works in.
struct Scratch {
  Unit* q;        // [kMaxTileRows, depth]
  float* out;     // [kMaxTileRows, D]
  float* scores;  // [kMaxStripRows, kMaxStepKeys]
  Unit* probs;    // the same
};

struct Workspace {
  Unit* k;  // [B, Hkv] x K across
  Unit* v;  // [B, Hkv] x V along
  Scratch scratch;
  std::int64_t scratch_bytes;  // from one thread's to the next
  std::size_t bytes;

  Workspace(const Kernels& kernels, const AttentionProblem& problem, const TokenBlocks& keys,
            int num_threads, void* memory) {
    Carver carver(memory);
    const std::int64_t rows = keys.packed_rows() * problem.batch * problem.key_heads;
    const std::int32_t depth = depth_of(kernels, problem.head_dim);
    k = carver.take<Unit>(rows * depth);
    v = carver.take<Unit>(rows * problem.head_dim / kernels.pairs);
    const std::size_t begin = carver.used();
    scratch.q = carver.take<Unit>(kMaxTileRows * depth);
    scratch.out = carver.take<float>(kMaxTileRows * problem.head_dim);
    scratch.scores = carver.take<float>(kMaxStripRows * kMaxStepKeys);
    scratch.probs = carver.take<Unit>(kMaxStripRows * kMaxStepKeys);
    scratch_bytes = static_cast<std::int64_t>(carver.used() - begin);
    bytes = begin + static_cast<std::size_t>(scratch_bytes * num_threads);
  }

  Scratch of_thread(int thread) const {
    const auto moved = [&]<typename T>(T* part) {
      return reinterpret_cast<T*>(reinterpret_cast<char*>(part) + thread * scratch_bytes);
    };
    return {moved(scratch.q), moved(scratch.out), moved(scratch.scores), moved(scratch.probs)};
  }
};

class ForwardRun {
 public:
  ForwardRun(const Kernels& kernels, const ForwardParams& params, const RunContext& context)
      : kernels_(kernels),
        params_(params),
        problem_(params.problem),
        num_threads_(context.num_threads),
        queries_(problem_.query_tokens, problem_.plan->block_size()),
        keys_(problem_.key_tokens, problem_.plan->block_size()),
        work_(kernels, problem_, keys_, context.num_threads, context.workspace.data),
        depth_(depth_of(kernels, problem_.head_dim)),
        element_bytes_(size_of(problem_.dtype)) {}

  void run() const {
    const std::int64_t key_heads = problem_.batch * problem_.key_heads;
    parallel_for(key_heads * keys_.num_blocks, num_threads_, [&](std::int64_t task, int) {
      pack(task / keys_.num_blocks, task % keys_.num_blocks);
    });
    const std::int64_t heads = problem_.batch * problem_.heads;
    parallel_for(heads * queries_.num_blocks, num_threads_, [&](std::int64_t task, int thread) {
      attend(task / queries_.num_blocks, task % queries_.num_blocks, work_.of_thread(thread));
    });
  }

 private:
  /// K and V of one block; keys that the sample must not see become zero.
  void pack(std::int64_t batch_head, std::int64_t block) const {
    const std::int64_t b = batch_head / problem_.key_heads, head = batch_head % problem_.key_heads;
    const std::int64_t token = keys_.begin(block);
    PackSource source;
    source.dtype = problem_.dtype;
    source.rows = keys_.count(block, problem_.valid_keys(b));
    source.padded_rows = static_cast<std::int32_t>(keys_.block);
    source.head_dim = problem_.head_dim;

    source.data = row_at(params_.k, params_.k_strides, element_bytes_, b, token, head);
    source.row_stride = params_.k_strides.token;
    kernels_.pack_across(source, k_panels(batch_head, token));
    source.data = row_at(params_.v, params_.v_strides, element_bytes_, b, token, head);
    source.row_stride = params_.v_strides.token;
    kernels_.pack_along(source, v_panels(batch_head, token));
  }

  Unit* k_panels(std::int64_t batch_head, std::int64_t token) const {
    return work_.k + (batch_head * keys_.packed_rows() + token) * depth_;
  }
  AlongPanels v_panels(std::int64_t batch_head, std::int64_t token) const {
    const std::int64_t rows = keys_.packed_rows() / kernels_.pairs;
    return {work_.v + batch_head * rows * problem_.head_dim, rows, token / kernels_.pairs};
  }

  /// One block of queries against its row of the plan; heaviest rows first.
  void attend(std::int64_t batch_head, std::int64_t place, const Scratch& scratch) const {
    const std::int64_t b = batch_head / problem_.heads;
    const auto head = static_cast<std::int32_t>(batch_head % problem_.heads);
    const BlockPattern& pattern = problem_.plan->pattern(head);
    const std::int32_t block = pattern.row_order()[static_cast<std::size_t>(place)];
    const std::int32_t queries = queries_.count(block, problem_.query_tokens);

    float maxima[kMaxTileRows], sums[kMaxTileRows];
    const auto rows = static_cast<std::int32_t>(round_up(queries, kRowPadding));
    std::fill_n(maxima, rows, -std::numeric_limits<float>::infinity());
    std::fill_n(sums, rows, 0.0f);
    std::fill_n(scratch.out, rows * problem_.head_dim, 0.0f);
    pack_queries(b, head, block, queries, rows, scratch);

    ForwardStep step;
    step.q = scratch.q;
    step.rows = queries;
    step.head_dim = problem_.head_dim;
    step.scale = static_cast<float>(problem_.scale);
    step.maxima = maxima;
    step.sums = sums;
    step.out = scratch.out;
    step.scores = scratch.scores;
    step.probs = scratch.probs;
    walk(pattern.row_runs(block), b * problem_.key_heads + problem_.key_head_of(head),
         problem_.valid_keys(b), step);
    finish(b, head, block, queries, scratch.out, maxima, sums);
  }

  /// Takes the keys of some runs of blocks, up to `end`, in steps.
  void walk(std::span<const BlockRun> runs, std::int64_t key_head, std::int64_t end,
            ForwardStep& step) const {
    const auto take = [&] {
      kernels_.forward_step(step);
      step.num_spans = step.keys = 0;
    };
    for (const BlockRun& run : runs) {
      const std::int64_t last = std::min(end, keys_.begin(run.begin + run.length));
      for (std::int64_t key = keys_.begin(run.begin); key < last;) {
        const auto keys = static_cast<std::int32_t>(
            std::min<std::int64_t>(kernels_.step_keys - step.keys, last - key));
        step.spans[step.num_spans++] = {k_panels(key_head, key), v_panels(key_head, key), keys};
        step.keys += keys;
        key += keys;
        if (step.keys == kernels_.step_keys) take();
      }
    }
    if (step.keys > 0) take();
  }

  void pack_queries(std::int64_t b, std::int32_t head, std::int64_t block, std::int32_t queries,
                    std::int32_t rows, const Scratch& scratch) const {
    PackSource source;
    source.data =
        row_at(params_.q, params_.q_strides, element_bytes_, b, queries_.begin(block), head);
    source.dtype = problem_.dtype;
    source.row_stride = params_.q_strides.token;
    source.rows = queries;
    source.padded_rows = rows;
    source.head_dim = problem_.head_dim;
    kernels_.pack_rows(source, scratch.q);
  }

  /// Divides by the sums and stores; a query without keys gets 0 and -inf.
  void finish(std::int64_t b, std::int32_t head, std::int64_t block, std::int32_t queries,
              const float* out, const float* maxima, const float* sums) const {
    float factors[kMaxTileRows];
    for (std::int32_t i = 0; i < queries; ++i) factors[i] = sums[i] == 0 ? 0 : 1 / sums[i];
    StoreRows rows;
    rows.from = out;
    rows.factors = factors;
    rows.rows = queries;
    rows.head_dim = problem_.head_dim;
    rows.to =
        row_at(params_.out, params_.out_strides, element_bytes_, b, queries_.begin(block), head);
    rows.dtype = problem_.dtype;
    rows.row_stride = params_.out_strides.token;
    kernels_.store_rows(rows);

    if (!params_.maybe_lse) return;
    float* const lse = static_cast<float*>(params_.maybe_lse) +
                       (b * problem_.heads + head) * problem_.query_tokens + queries_.begin(block);
    for (std::int32_t i = 0; i < queries; ++i) {
      lse[i] = static_cast<float>(static_cast<double>(maxima[i]) +
                                  std::log(static_cast<double>(sums[i])));
    }
  }

  const Kernels& kernels_;
  const ForwardParams& params_;
  const AttentionProblem& problem_;
  const int num_threads_;
  const TokenBlocks queries_, keys_;
  const Workspace work_;
  const std::int64_t depth_;
  const std::size_t element_bytes_;
};

}  // namespace

std::size_t forward_workspace(const Kernels& kernels, const AttentionProblem& problem,
                              int num_threads) {
  const TokenBlocks keys(problem.key_tokens, problem.plan->block_size());
  return Workspace(kernels, problem, keys, num_threads, nullptr).bytes;
}

void forward(const Kernels& kernels, const ForwardParams& params, const RunContext& context) {
  ForwardRun(kernels, params, context).run();
}

}  // namespace radial::cpu
