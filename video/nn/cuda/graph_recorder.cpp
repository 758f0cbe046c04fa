// The library radial_cuda_graphs, loaded where graphs are wanted: it names torch's CUDA libraries,
// which programs of ours do without.

#include "video/nn/graph_recorder.h"

#include <ATen/core/CachingHostAllocator.h>
#include <ATen/cuda/CUDAGeneratorImpl.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAStream.h>

#include <cstdint>
#include <exception>
#include <mutex>
#include <string>

#include "radial/base/error.h"

namespace radial::video {
namespace {

namespace allocator = c10::cuda::CUDACachingAllocator;

/// While it lives, what the stream gets is queued behind the device's current stream, and is the
/// current stream; afterwards that one goes on behind it.
class OnStream {
 public:
  explicit OnStream(c10::Stream stream) : guard_(stream) {
    after(guard_.original_stream(), stream);
  }
  ~OnStream() { after(guard_.current_stream(), guard_.original_stream()); }
  OnStream(const OnStream&) = delete;
  OnStream& operator=(const OnStream&) = delete;

 private:
  static void after(c10::Stream earlier, c10::Stream later) {
    c10::Event reached(c10::DeviceType::CUDA);
    reached.record(earlier);
    reached.block(later);
  }
  c10::StreamGuard guard_;
};

class CudaGraph : public DeviceGraph {
 public:
  explicit CudaGraph(c10::Stream stream) : stream_(stream) {}
  void replay() override {
    const OnStream on_stream(stream_);
    graph_.replay();
  }
  at::cuda::CUDAGraph& graph() { return graph_; }

 private:
  c10::Stream stream_;
  at::cuda::CUDAGraph graph_;
};

class CudaGraphRecorder : public GraphRecorder {
 public:
  explicit CudaGraphRecorder(c10::Device device)
      : stream_(c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device)),
        pool_(at::cuda::graph_pool_handle()) {
    // Each beginning counts as a use, until it is released: this one keeps the pools of both
    // allocators while no graph does.
    allocator::beginAllocateToPool(index(), pool_, [](cudaStream_t) { return false; });
    allocator::endAllocateToPool(index(), pool_);
    host()->begin_allocate_to_pool(pool_, [](c10::Stream) { return false; });
    host()->end_allocate_to_pool(pool_);
  }

  ~CudaGraphRecorder() override {
    allocator::releasePool(index(), pool_);
    host()->release_pool(pool_);
  }

  void run(const std::function<void()>& work) override {
    const OnStream on_stream(stream_);
    const FromPool from_pool(*this);
    work();
  }

  std::unique_ptr<DeviceGraph> record(const std::function<void()>& work) override {
    const OnStream on_stream(stream_);
    const at::Generator& generator = at::cuda::detail::getDefaultCUDAGenerator(index());
    const std::uint64_t seed = generator.current_seed(), offset = generator.get_offset();
    auto recorded = std::make_unique<CudaGraph>(stream_);
    at::cuda::CUDAGraph& graph = recorded->graph();
    std::exception_ptr from_work;
    try {
      graph.capture_begin(pool_, cudaStreamCaptureModeThreadLocal);
      try {
        work();
      } catch (...) {
        from_work = std::current_exception();
      }
      graph.capture_end();
      if (from_work) std::rethrow_exception(from_work);
    } catch (const c10::Error& error) {
      recover(graph, seed, offset);
      // What failed first says more than that the recording is broken.
      throw Unsupported("CUDA graph: " + first_line(from_work, error));
    }
    return recorded;
  }

 private:
  /// While it lives, memory for the stream comes from the pool.
  class FromPool {
   public:
    explicit FromPool(const CudaGraphRecorder& recorder) : recorder_(recorder) {
      const cudaStream_t stream = c10::cuda::CUDAStream(recorder.stream_).stream();
      allocator::beginAllocateToPool(recorder.index(), recorder.pool_,
                                     [stream](cudaStream_t other) { return other == stream; });
    }
    ~FromPool() {
      allocator::endAllocateToPool(recorder_.index(), recorder_.pool_);
      allocator::releasePool(recorder_.index(), recorder_.pool_);
    }
    FromPool(const FromPool&) = delete;
    FromPool& operator=(const FromPool&) = delete;

   private:
    const CudaGraphRecorder& recorder_;
  };

  static std::string first_line(const std::exception_ptr& from_work, const c10::Error& error) {
    std::string text = error.what_without_backtrace();
    try {
      if (from_work) std::rethrow_exception(from_work);
    } catch (const c10::Error& first) {
      text = first.what_without_backtrace();
    } catch (const std::exception& first) {
      text = first.what();
    }
    return text.substr(0, text.find('\n'));
  }

  // If a recording cannot be ended, torch leaves its allocators and its generator as they were
  // while it went on.
  void recover(at::cuda::CUDAGraph& graph, std::uint64_t seed, std::uint64_t offset) {
    try {
      static_cast<void>(graph.pool());  // throws unless the recording was ended
      return;
    } catch (const c10::Error&) {
    }
    allocator::endAllocateToPool(index(), pool_);
    allocator::releasePool(index(), pool_);
    try {
      host()->end_allocate_to_pool(pool_);
      host()->release_pool(pool_);
    } catch (const c10::Error&) {  // it had not begun
    }
    at::Generator generator = at::cuda::detail::getDefaultCUDAGenerator(index());
    at::Generator renewed = at::cuda::detail::createCUDAGenerator(index());
    renewed.set_current_seed(seed);
    renewed.set_offset(offset);
    const std::lock_guard<std::mutex> lock(generator.mutex());
    generator.graphsafe_set_state(renewed);
  }

  c10::DeviceIndex index() const { return stream_.device_index(); }
  static at::HostAllocator* host() { return at::getHostAllocator(at::kCUDA); }

  c10::Stream stream_;
  c10::MempoolId_t pool_;
};

}  // namespace

}  // namespace radial::video

// What video/nn/graph_recorder.cpp looks for; the caller owns the recorder.
extern "C" __attribute__((visibility("default"))) radial::video::GraphRecorder*
radial_make_cuda_graph_recorder(int device_index) {
  return new radial::video::CudaGraphRecorder(
      {c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(device_index)});
}
