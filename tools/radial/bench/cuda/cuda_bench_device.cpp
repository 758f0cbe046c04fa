#include <cuda_runtime_api.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <vector>

#include "bench/bench_device.h"
#include "radial/base/error.h"
#include "radial/cuda/device_plan.h"

namespace radial::tools {
namespace {

void check(cudaError_t status, const char* call) {
  if (status != cudaSuccess) {
    throw CudaError(concat(call, ": ", cudaGetErrorName(status), ", ", cudaGetErrorString(status)));
  }
}

/// First line that a command prints.
std::string first_line_of(const std::string& command) {
  std::array<char, 256> line{};
  std::FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return {};
  const bool read = std::fgets(line.data(), line.size(), pipe) != nullptr;
  pclose(pipe);
  std::string text = read ? line.data() : "";
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

class CudaBenchDevice : public BenchDevice {
 public:
  explicit CudaBenchDevice(int index) : index_(index) {
    int count = 0;
    if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0) {
      throw Unsupported("--device: no usable NVIDIA GPU on this machine");
    }
    if (index >= count) {
      throw Unsupported(
          concat("--device: expected cuda:0 to cuda:", count - 1, ", got cuda:", index));
    }
    check(cudaSetDevice(index), "cudaSetDevice");
    check(cudaEventCreate(&begin_), "cudaEventCreate");
    check(cudaEventCreate(&end_), "cudaEventCreate");
  }
  ~CudaBenchDevice() override {
    for (void* memory : memory_) cudaFree(memory);
    cudaEventDestroy(begin_);
    cudaEventDestroy(end_);
  }

  Device device() const override { return {DeviceType::kCuda, index_}; }

  void* allocate(std::size_t bytes) override {
    void* memory = nullptr;
    check(cudaMalloc(&memory, bytes), "cudaMalloc");
    memory_.push_back(memory);
    return memory;
  }
  void copy_in(void* to, const void* from, std::size_t bytes) override {
    check(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice), "cudaMemcpy");
  }
  void copy_out(void* to, const void* from, std::size_t bytes) override {
    check(cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToHost), "cudaMemcpy");
  }
  void prepare(const BlockPlan& plan, RunOptions& options) override {
    plan_ = std::make_unique<DevicePlan>(plan, index_);
    options.device_plan = plan_.get();
  }

  double time(int repeats, const std::function<void()>& call) override {
    check(cudaEventRecord(begin_), "cudaEventRecord");
    for (int i = 0; i < repeats; ++i) call();
    check(cudaEventRecord(end_), "cudaEventRecord");
    check(cudaEventSynchronize(end_), "cudaEventSynchronize");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, begin_, end_), "cudaEventElapsedTime");
    return static_cast<double>(milliseconds) / repeats;
  }

  std::optional<double> host_us(const std::function<void()>& call) override {
    constexpr int kCalls = 100, kSeries = 7;  // of a queue that takes about 1,000 kernels
    std::vector<double> series;
    for (int i = 0; i < kSeries; ++i) {
      check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
      const auto begin = std::chrono::steady_clock::now();
      for (int j = 0; j < kCalls; ++j) call();
      const std::chrono::duration<double, std::micro> passed =
          std::chrono::steady_clock::now() - begin;
      series.push_back(passed.count() / kCalls);
    }
    check(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    std::ranges::sort(series);
    return series[kSeries / 2];
  }

  std::string description() const override {
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, index_), "cudaGetDeviceProperties");
    int driver = 0, runtime = 0;
    check(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
    check(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
    return concat(properties.name, ", ", properties.multiProcessorCount,
                  " multiprocessors, driver for CUDA ", driver / 1000, ".", driver % 1000 / 10,
                  ", runtime ", runtime / 1000, ".", runtime % 1000 / 10);
  }

  std::string state() const override {
    char bus_id[32] = {};  // nvidia-smi numbers GPUs in another way than CUDA may
    check(cudaDeviceGetPCIBusId(bus_id, sizeof bus_id, index_), "cudaDeviceGetPCIBusId");
    return first_line_of(
        concat("nvidia-smi -i ", bus_id,
               " --query-gpu=clocks.sm,power.draw.instant,temperature.gpu --format=csv,noheader "
               "2>/dev/null"));
  }

 private:
  int index_;
  cudaEvent_t begin_{}, end_{};
  std::vector<void*> memory_;
  std::unique_ptr<DevicePlan> plan_;
};

}  // namespace

std::unique_ptr<BenchDevice> cuda_bench_device(int index) {
  return std::make_unique<CudaBenchDevice>(index);
}

}  // namespace radial::tools
