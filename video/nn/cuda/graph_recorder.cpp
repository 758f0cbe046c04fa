// The library radial_cuda_graphs, loaded where graphs are wanted: it names torch's CUDA libraries,
// which programs of ours do without.

#include "video/nn/graph_recorder.h"

#include <ATen/core/CachingHostAllocator.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAStream.h>

#include <exception>
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
        pool_(at::cuda::graph_pool_handle()) {}

  ~CudaGraphRecorder() override {
    if (holds_pool_) allocator::releasePool(stream_.device_index(), pool_);
  }

  void run(const std::function<void()>& work) override {
    const OnStream on_stream(stream_);
    const FromPool from_pool(*this);
    work();
  }

  std::unique_ptr<DeviceGraph> record(const std::function<void()>& work) override {
    const OnStream on_stream(stream_);
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
      recover(graph);
      // What failed first says more than that the recording is broken.
      throw Unsupported("CUDA graph: " + first_line(from_work, error));
    }
    return recorded;
  }

 private:
  /// While it lives, memory for the stream comes from the pool.
  class FromPool {
   public:
    explicit FromPool(CudaGraphRecorder& recorder) : recorder_(recorder) {
      const cudaStream_t stream = c10::cuda::CUDAStream(recorder.stream_).stream();
      allocator::beginAllocateToPool(recorder.stream_.device_index(), recorder.pool_,
                                     [stream](cudaStream_t other) { return other == stream; });
    }
    ~FromPool() {
      const c10::DeviceIndex device = recorder_.stream_.device_index();
      allocator::endAllocateToPool(device, recorder_.pool_);
      // Each beginning counts as a use; one keeps the pool.
      if (recorder_.holds_pool_) allocator::releasePool(device, recorder_.pool_);
      recorder_.holds_pool_ = true;
    }
    FromPool(const FromPool&) = delete;
    FromPool& operator=(const FromPool&) = delete;

   private:
    CudaGraphRecorder& recorder_;
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

  // torch leaves its allocators as they are while a recording goes on if that cannot be ended.
  void recover(at::cuda::CUDAGraph& graph) {
    try {
      static_cast<void>(graph.pool());  // throws unless the recording was ended
      return;
    } catch (const c10::Error&) {
      const c10::DeviceIndex device = stream_.device_index();
      allocator::endAllocateToPool(device, pool_);
      allocator::releasePool(device, pool_);
    }
    try {
      at::HostAllocator* const host = at::getHostAllocator(at::kCUDA);
      host->end_allocate_to_pool(pool_);
      host->release_pool(pool_);
    } catch (const c10::Error&) {  // it had not begun
    }
  }

  c10::Stream stream_;
  c10::MempoolId_t pool_;
  bool holds_pool_ = false;
};

}  // namespace

}  // namespace radial::video

// What video/nn/graph_recorder.cpp looks for; the caller owns the recorder.
extern "C" __attribute__((visibility("default"))) radial::video::GraphRecorder*
radial_make_cuda_graph_recorder(int device_index) {
  return new radial::video::CudaGraphRecorder(
      {c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(device_index)});
}
