// Backward on CPUs. Q and dO are packed once, in both directions; then each task takes one block
// of keys along its column of the plan and makes dK and dV, while dQ is summed in memory. Key
// blocks add to a query block in ascending order, each waiting for its turn: the result is the same
// for any number of threads, and five products are made per pair of blocks, not seven.

#include <algorithm>
#include <atomic>
#include <limits>
#include <thread>

#include "attention/cpu/drivers.h"
#include "attention/cpu/memory.h"
#include "attention/dispatch.h"
#include "radial/base/parallel_for.h"

namespace radial::cpu {
namespace {

/// What one thread works in.
struct Scratch {
  Unit* k_rows;   // [kMaxTileRows, depth]
  Unit* v_rows;   // [kMaxTileRows, depth]
  Unit* k_along;  // [kMaxTileRows / pairs, D]
  float* dk;      // [kMaxTileRows, D]
  float* dv;      // [kMaxTileRows, D]
  Unit* probs;    // [kMaxStripRows, kMaxTileRows]
  Unit* dscore;   // the same
  Unit* dscores;  // [kMaxTileRows, kMaxTileRows]
};

struct Workspace {
  Unit* q_across;       // [B, H] x Q across
  Unit* dout_across;    // [B, H] x dO across
  Unit* q_along;        // [B, H] x Q along
  Unit* dout_along;     // [B, H] x dO along
  float* lse;           // [B, H, rows]
  float* delta;         // [B, H, rows]
  float* dq;            // [B, H, rows, D]
  std::int32_t* turns;  // [B, H, QB]: the key block whose turn it is to add to dQ
  Scratch scratch;
  std::int64_t scratch_bytes;  // from one thread's to the next
  std::size_t bytes;

  Workspace(const Kernels& kernels, const AttentionProblem& problem, const TokenBlocks& queries,
            int num_threads, void* memory) {
    Carver carver(memory);
    const std::int64_t head_dim = problem.head_dim, units = head_dim / kernels.pairs;
    const std::int64_t heads = problem.batch * problem.heads;
    const std::int64_t rows = heads * queries.packed_rows();
    const std::int64_t depth = depth_of(kernels, problem.head_dim);
    q_across = carver.take<Unit>(rows * depth);
    dout_across = carver.take<Unit>(rows * depth);
    q_along = carver.take<Unit>(rows * units);
    dout_along = carver.take<Unit>(rows * units);
    lse = carver.take<float>(rows);
    delta = carver.take<float>(rows);
    dq = carver.take<float>(rows * head_dim);
    turns = carver.take<std::int32_t>(heads * queries.num_blocks);
    const std::size_t begin = carver.used();
    scratch.k_rows = carver.take<Unit>(kMaxTileRows * depth);
    scratch.v_rows = carver.take<Unit>(kMaxTileRows * depth);
    scratch.k_along = carver.take<Unit>(kMaxTileRows * units);
    scratch.dk = carver.take<float>(kMaxTileRows * head_dim);
    scratch.dv = carver.take<float>(kMaxTileRows * head_dim);
    scratch.probs = carver.take<Unit>(kMaxStripRows * kMaxTileRows);
    scratch.dscore = carver.take<Unit>(kMaxStripRows * kMaxTileRows);
    scratch.dscores = carver.take<Unit>(kMaxTileRows * kMaxTileRows);
    scratch_bytes = static_cast<std::int64_t>(carver.used() - begin);
    bytes = begin + static_cast<std::size_t>(scratch_bytes * num_threads);
  }

  Scratch of_thread(int thread) const {
    const auto moved = [&]<typename T>(T* part) {
      return reinterpret_cast<T*>(reinterpret_cast<char*>(part) + thread * scratch_bytes);
    };
    return {moved(scratch.k_rows), moved(scratch.v_rows), moved(scratch.k_along),
            moved(scratch.dk),     moved(scratch.dv),     moved(scratch.probs),
            moved(scratch.dscore), moved(scratch.dscores)};
  }
};

/// The key block that `row` keeps next after `column`, -1 if none; `column` -1 asks for the first.
std::int32_t next_kept(const BlockPattern& pattern, std::int32_t row, std::int32_t column) {
  const auto runs = pattern.row_runs(row);
  const auto run = std::partition_point(runs.begin(), runs.end(), [&](const BlockRun& r) {
    return r.begin + r.length <= column + 1;
  });
  return run == runs.end() ? -1 : std::max(run->begin, column + 1);
}

class BackwardRun {
 public:
  BackwardRun(const Kernels& kernels, const BackwardParams& params, const RunContext& context)
      : kernels_(kernels),
        params_(params),
        problem_(params.problem),
        num_threads_(context.num_threads),
        queries_(problem_.query_tokens, problem_.plan->block_size()),
        keys_(problem_.key_tokens, problem_.plan->block_size()),
        work_(kernels, problem_, queries_, context.num_threads, context.workspace.data),
        units_(problem_.head_dim / kernels.pairs),
        depth_(depth_of(kernels, problem_.head_dim)),
        element_bytes_(size_of(problem_.dtype)) {}

  void run() const {
    const std::int64_t heads = problem_.batch * problem_.heads;
    const std::int64_t query_blocks = queries_.num_blocks;
    parallel_for(heads * query_blocks, num_threads_, [&](std::int64_t task, int) {
      prepare(task / query_blocks, static_cast<std::int32_t>(task % query_blocks));
    });
    // Threads take tasks in ascending order, so a task waits only for tasks already begun; heads
    // are innermost, so that with as many of them as threads there is nothing to wait for.
    const std::int64_t key_heads = problem_.batch * problem_.key_heads;
    parallel_for(key_heads * keys_.num_blocks, num_threads_, [&](std::int64_t task, int thread) {
      differentiate(task % key_heads, static_cast<std::int32_t>(task / key_heads),
                    work_.of_thread(thread));
    });
    parallel_for(heads * query_blocks, num_threads_, [&](std::int64_t task, int) {
      const std::int64_t head = task / query_blocks, block = task % query_blocks;
      store(work_.dq + (head * queries_.packed_rows() + queries_.begin(block)) * problem_.head_dim,
            problem_.scale, params_.dq, params_.dq_strides, head / problem_.heads,
            queries_.begin(block), head % problem_.heads,
            queries_.count(block, problem_.query_tokens));
    });
  }

 private:
  PackSource source(const void* data, const Strides& strides, std::int64_t b, std::int64_t token,
                    std::int64_t head, std::int32_t rows) const {
    PackSource from;
    from.data = row_at(data, strides, element_bytes_, b, token, head);
    from.dtype = problem_.dtype;
    from.row_stride = strides.token;
    from.rows = rows;
    from.padded_rows = static_cast<std::int32_t>(queries_.block);
    from.head_dim = problem_.head_dim;
    return from;
  }

  AlongPanels along(Unit* data, std::int64_t batch_head, std::int64_t token) const {
    return {data + batch_head * queries_.packed_rows() * units_,
            queries_.packed_rows() / kernels_.pairs, token / kernels_.pairs};
  }

  const BlockPattern& pattern_of(std::int64_t batch_head) const {
    return problem_.plan->pattern(static_cast<std::int32_t>(batch_head % problem_.heads));
  }

  /// Packs one block of Q and dO, its statistics, and clears its dQ.
  void prepare(std::int64_t batch_head, std::int32_t block) const {
    const std::int64_t b = batch_head / problem_.heads, head = batch_head % problem_.heads;
    const std::int64_t token = queries_.begin(block);
    const std::int32_t tokens = queries_.count(block, problem_.query_tokens);
    const std::int64_t row = batch_head * queries_.packed_rows() + token;

    const PackSource q = source(params_.q, params_.q_strides, b, token, head, tokens);
    kernels_.pack_across(q, work_.q_across + row * depth_);
    kernels_.pack_along(q, along(work_.q_along, batch_head, token));
    const PackSource dout = source(params_.dout, params_.dout_strides, b, token, head, tokens);
    kernels_.pack_across(dout, work_.dout_across + row * depth_);
    kernels_.pack_along(dout, along(work_.dout_along, batch_head, token));

    const float* const lse =
        static_cast<const float*>(params_.lse) + batch_head * problem_.query_tokens + token;
    for (std::int32_t i = 0; i < queries_.block; ++i) {
      // With +inf a row that is padding has probability 0.
      work_.lse[row + i] = i < tokens ? lse[i] : std::numeric_limits<float>::infinity();
      work_.delta[row + i] = i < tokens ? delta(b, token + i, head) : 0.0f;
    }
    std::fill_n(work_.dq + row * problem_.head_dim, queries_.block * problem_.head_dim, 0.0f);
    work_.turns[batch_head * queries_.num_blocks + block] =
        next_kept(pattern_of(batch_head), block, -1);
  }

  /// Sum of dO * O of one query.
  float delta(std::int64_t b, std::int64_t token, std::int64_t head) const {
    const void* const out =
        row_at(params_.out, params_.out_strides, element_bytes_, b, token, head);
    const void* const dout =
        row_at(params_.dout, params_.dout_strides, element_bytes_, b, token, head);
    return with_element(problem_.dtype, [&]<typename Element>(std::type_identity<Element>) {
      double sum = 0;
      for (std::int32_t d = 0; d < problem_.head_dim; ++d) {
        sum += to_double(static_cast<const Element*>(out)[d]) *
               to_double(static_cast<const Element*>(dout)[d]);
      }
      return static_cast<float>(sum);
    });
  }

  /// dK and dV of one block of keys, over all query heads that read it.
  void differentiate(std::int64_t batch_key_head, std::int32_t block,
                     const Scratch& scratch) const {
    const std::int64_t b = batch_key_head / problem_.key_heads;
    const std::int64_t key_head = batch_key_head % problem_.key_heads;
    const std::int64_t token = keys_.begin(block);
    const std::int32_t seen = keys_.count(block, problem_.valid_keys(b));
    const PackSource k = source(params_.k, params_.k_strides, b, token, key_head, seen);
    kernels_.pack_rows(k, scratch.k_rows);
    kernels_.pack_along(k, {scratch.k_along, keys_.block / kernels_.pairs, 0});
    kernels_.pack_rows(source(params_.v, params_.v_strides, b, token, key_head, seen),
                       scratch.v_rows);
    std::fill_n(scratch.dk, keys_.block * problem_.head_dim, 0.0f);
    std::fill_n(scratch.dv, keys_.block * problem_.head_dim, 0.0f);

    const std::int64_t group = problem_.heads / problem_.key_heads;
    for (std::int64_t head = key_head * group; head < (key_head + 1) * group; ++head) {
      walk_column(b * problem_.heads + head, block, seen, scratch);
    }
    const std::int32_t stored = keys_.count(block, problem_.key_tokens);
    store(scratch.dk, problem_.scale, params_.dk, params_.dk_strides, b, token, key_head, stored);
    store(scratch.dv, 1, params_.dv, params_.dv_strides, b, token, key_head, stored);
  }

  void walk_column(std::int64_t batch_head, std::int32_t key_block, std::int32_t keys,
                   const Scratch& scratch) const {
    BackwardStep step;
    step.k_rows = scratch.k_rows;
    step.v_rows = scratch.v_rows;
    step.k_along = {scratch.k_along, keys_.block / kernels_.pairs, 0};
    step.keys = keys;
    step.head_dim = problem_.head_dim;
    step.scale = static_cast<float>(problem_.scale);
    step.dk = scratch.dk;
    step.dv = scratch.dv;
    step.probs = scratch.probs;
    step.dscore = scratch.dscore;
    step.dscores = scratch.dscores;
    for (const BlockRun& run : pattern_of(batch_head).column_runs(key_block)) {
      for (std::int32_t block = run.begin; block < run.begin + run.length; ++block) {
        add_pair(step, batch_head, block, key_block);
      }
    }
  }

  /// One block of keys against one of queries, when it is its turn.
  void add_pair(BackwardStep& step, std::int64_t batch_head, std::int32_t query_block,
                std::int32_t key_block) const {
    const std::int64_t token = queries_.begin(query_block);
    const std::int64_t row = batch_head * queries_.packed_rows() + token;
    step.queries = queries_.count(query_block, problem_.query_tokens);
    step.q_across = work_.q_across + row * depth_;
    step.dout_across = work_.dout_across + row * depth_;
    step.q_along = along(work_.q_along, batch_head, token);
    step.dout_along = along(work_.dout_along, batch_head, token);
    step.lse = work_.lse + row;
    step.delta = work_.delta + row;
    step.dq = work_.dq + row * problem_.head_dim;

    const std::atomic_ref<std::int32_t> turn(
        work_.turns[batch_head * queries_.num_blocks + query_block]);
    while (turn.load(std::memory_order_acquire) != key_block) std::this_thread::yield();
    if (step.keys > 0) kernels_.backward_step(step);
    turn.store(next_kept(pattern_of(batch_head), query_block, key_block),
               std::memory_order_release);
  }

  void store(const float* from, double factor, void* to, const Strides& strides, std::int64_t b,
             std::int64_t token, std::int64_t head, std::int32_t count) const {
    float factors[kMaxTileRows];
    std::fill_n(factors, count, static_cast<float>(factor));
    StoreRows rows;
    rows.from = from;
    rows.factors = factors;
    rows.rows = count;
    rows.head_dim = problem_.head_dim;
    rows.to = row_at(to, strides, element_bytes_, b, token, head);
    rows.dtype = problem_.dtype;
    rows.row_stride = strides.token;
    kernels_.store_rows(rows);
  }

  const Kernels& kernels_;
  const BackwardParams& params_;
  const AttentionProblem& problem_;
  const int num_threads_;
  const TokenBlocks queries_, keys_;
  const Workspace work_;
  const std::int64_t units_;
  const std::int64_t depth_;
  const std::size_t element_bytes_;
};

}  // namespace

std::size_t backward_workspace(const Kernels& kernels, const AttentionProblem& problem,
                               int num_threads) {
  const TokenBlocks queries(problem.query_tokens, problem.plan->block_size());
  return Workspace(kernels, problem, queries, num_threads, nullptr).bytes;
}

void backward(const Kernels& kernels, const BackwardParams& params, const RunContext& context) {
  BackwardRun(kernels, params, context).run();
}

}  // namespace radial::cpu
