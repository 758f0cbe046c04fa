#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <vector>

#include "bench/bench_device.h"
#include "radial/base/error.h"
#include "radial/base/parallel_for.h"

namespace radial::tools {
namespace {

struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};

class CpuBenchDevice : public BenchDevice {
 public:
  explicit CpuBenchDevice(int num_threads)
      : num_threads_(num_threads > 0 ? num_threads : default_num_threads()) {}

  Device device() const override { return {}; }

  void* allocate(std::size_t bytes) override {
    constexpr std::size_t kAlignment = 256;
    memory_.emplace_back(
        std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment));
    if (!memory_.back()) throw std::bad_alloc();
    return memory_.back().get();
  }
  void copy_in(void* to, const void* from, std::size_t bytes) override {
    std::memcpy(to, from, bytes);
  }
  void copy_out(void* to, const void* from, std::size_t bytes) override {
    std::memcpy(to, from, bytes);
  }
  void prepare(const BlockPlan&, RunOptions& options) override {
    options.num_threads = num_threads_;
  }

  double time(int repeats, const std::function<void()>& call) override {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < repeats; ++i) call();
    const std::chrono::duration<double, std::milli> passed =
        std::chrono::steady_clock::now() - begin;
    return passed.count() / repeats;
  }

  std::string description() const override {
    std::ifstream info("/proc/cpuinfo");
    std::string line, model = "CPU";
    while (std::getline(info, line)) {
      if (line.starts_with("model name")) {
        model = line.substr(line.find(':') + 2);
        break;
      }
    }
    return concat(model, ", ", num_threads_, num_threads_ == 1 ? " thread" : " threads");
  }

 private:
  int num_threads_;
  std::vector<std::unique_ptr<void, FreeMemory>> memory_;
};

}  // namespace

std::unique_ptr<BenchDevice> cpu_bench_device(int num_threads) {
  return std::make_unique<CpuBenchDevice>(num_threads);
}

}  // namespace radial::tools
