#include "support/run_on_cuda.h"

#include <memory>
#include <span>

#include "attention/cuda/common/device_array.h"
#include "radial/cuda/device_plan.h"
#include "support/cuda/mirror.h"

namespace radial::testing {
namespace {

/// Waits for nothing but what it is told to: a stream of its own.
class OwnStream {
 public:
  OwnStream() { RADIAL_CUDA_CHECK(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }
  ~OwnStream() { static_cast<void>(cudaStreamDestroy(stream_)); }
  OwnStream(const OwnStream&) = delete;
  OwnStream& operator=(const OwnStream&) = delete;
  cudaStream_t get() const { return stream_; }
  void wait() const { RADIAL_CUDA_CHECK(cudaStreamSynchronize(stream_)); }

 private:
  cudaStream_t stream_ = nullptr;
};

/// A problem on the GPU: whatever a forward and a backward call need.
class DeviceProblem {
 public:
  DeviceProblem(const Problem& problem, const RunOptions& options, const Results& results, Far far,
                cudaStream_t stream)
      : problem_(problem),
        options_(options),
        plan_(problem.plan, 0),
        q_(problem.q, far),
        k_(problem.k, far),
        v_(problem.v, far),
        dout_(problem.dout, far),
        out_(results.out, far),
        dq_(results.dq, far),
        dk_(results.dk, far),
        dv_(results.dv, far),
        lengths_(std::span<const std::int32_t>(problem.text_lengths)),
        lse_(sizeof(float) * lse_size()) {
    options_.device_plan = &plan_;
    options_.stream.handle = stream;
    forward_ = {.q = as_const(q_.view()),
                .k = as_const(k_.view()),
                .v = as_const(v_.view()),
                .out = out_.view(),
                .maybe_lse = lse_.data(),
                .maybe_text_lengths = lengths_.data(),
                .scale = problem.scale};
    backward_ = {.q = forward_.q,
                 .k = forward_.k,
                 .v = forward_.v,
                 .out = as_const(out_.view()),
                 .lse = lse_.data(),
                 .dout = as_const(dout_.view()),
                 .dq = dq_.view(),
                 .dk = dk_.view(),
                 .dv = dv_.view(),
                 .maybe_text_lengths = lengths_.data(),
                 .scale = problem.scale};
    forward_memory_ =
        std::make_unique<DeviceMemory>(forward_workspace_bytes(problem.plan, forward_, options_));
    backward_memory_ =
        std::make_unique<DeviceMemory>(backward_workspace_bytes(problem.plan, backward_, options_));
  }

  /// Workspaces and lse hold NaN, outputs what those of `results` hold.
  void reset(const Results& results) {
    forward_memory_->poison();
    backward_memory_->poison();
    lse_.poison();
    out_.copy_there(results.out);
    dq_.copy_there(results.dq);
    dk_.copy_there(results.dk);
    dv_.copy_there(results.dv);
    RADIAL_CUDA_CHECK(cudaDeviceSynchronize());
  }

  /// Queues both calls on the stream.
  void run() {
    options_.workspace = {forward_memory_->data(), forward_memory_->bytes()};
    attention_forward(problem_.plan, forward_, options_);
    options_.workspace = {backward_memory_->data(), backward_memory_->bytes()};
    attention_backward(problem_.plan, backward_, options_);
  }

  void copy_back(Results& results) const {
    out_.copy_back(results.out);
    dq_.copy_back(results.dq);
    dk_.copy_back(results.dk);
    dv_.copy_back(results.dv);
    std::vector<float> lse(lse_size());
    RADIAL_CUDA_CHECK(cudaMemcpy(lse.data(), lse_.data(), lse_.bytes(), cudaMemcpyDeviceToHost));
    results.lse.assign(lse.begin(), lse.end());
  }

 private:
  std::size_t lse_size() const {
    return static_cast<std::size_t>(problem_.batch() * problem_.heads * problem_.query_tokens());
  }

  const Problem& problem_;
  RunOptions options_;
  DevicePlan plan_;
  Mirror q_, k_, v_, dout_, out_, dq_, dk_, dv_;
  DeviceArray<std::int32_t> lengths_;
  DeviceMemory lse_;
  ForwardArgs forward_;
  BackwardArgs backward_;
  std::unique_ptr<DeviceMemory> forward_memory_, backward_memory_;
};

/// A graph of what `queue` puts on the stream, ready to be launched.
class Graph {
 public:
  template <typename Queue>
  Graph(cudaStream_t stream, const Queue& queue) {
    // Thread-local capture refuses whatever cannot be captured: allocation, synchronising, plain
    // copies.
    RADIAL_CUDA_CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    queue();
    RADIAL_CUDA_CHECK(cudaStreamEndCapture(stream, &graph_));
    RADIAL_CUDA_CHECK(cudaGraphInstantiate(&executable_, graph_, 0));
  }
  ~Graph() {
    if (executable_ != nullptr) static_cast<void>(cudaGraphExecDestroy(executable_));
    if (graph_ != nullptr) static_cast<void>(cudaGraphDestroy(graph_));
  }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  void launch(cudaStream_t stream) const {
    RADIAL_CUDA_CHECK(cudaGraphLaunch(executable_, stream));
  }

 private:
  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t executable_ = nullptr;
};

}  // namespace

void run_on_cuda(const Problem& problem, const RunOptions& options, const Manner& manner,
                 Results& results) {
  const OwnStream stream;
  DeviceProblem there(problem, options, results, manner.far, stream.get());
  there.reset(results);
  there.run();
  stream.wait();
  if (manner.graph) {
    const Graph graph(stream.get(), [&] { there.run(); });
    for (int replay = 0; replay < 2; ++replay) {
      there.reset(results);
      graph.launch(stream.get());
      stream.wait();
    }
  }
  there.copy_back(results);
}

}  // namespace radial::testing
