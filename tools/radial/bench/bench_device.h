#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "radial/attention/attention.h"

namespace radial::tools {

/// What a measurement needs of a device: memory, time, and its own idea of how to run.
class BenchDevice {
 public:
  virtual ~BenchDevice() = default;

  virtual Device device() const = 0;
  /// Memory freed with this object.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void copy_in(void* to, const void* from, std::size_t bytes) = 0;
  virtual void copy_out(void* to, const void* from, std::size_t bytes) = 0;
  /// Adds what a run on this device needs (stream, uploaded plan) to `options`.
  virtual void prepare(const BlockPlan& plan, RunOptions& options) = 0;
  /// Milliseconds per call of `repeats` calls back to back.
  virtual double time(int repeats, const std::function<void()>& call) = 0;
  /// Microseconds that queueing one call takes the host while nothing waits for the device; empty
  /// where calls run on the host. For calls short enough that hundreds may wait in the queue.
  virtual std::optional<double> host_us(const std::function<void()>& call) {
    static_cast<void>(call);
    return {};
  }
  /// Name, driver and the like, one line.
  virtual std::string description() const = 0;
  /// Clock in MHz and power in W right now, as text; empty where unknown.
  virtual std::string state() const { return {}; }
};

std::unique_ptr<BenchDevice> cpu_bench_device(int num_threads);
/// Throws Unsupported where the build has no CUDA or the machine no usable GPU.
std::unique_ptr<BenchDevice> cuda_bench_device(int index);

}  // namespace radial::tools
