#include "video/pipeline/system_memory.h"

#include <ATen/DeviceAccelerator.h>
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace radial::video {
namespace {

std::optional<std::uint64_t> number_in(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  if (!(file >> value)) return {};  // "max" is no limit
  return value;
}

// The value of "KEY: N" or "KEY N" in a file of such lines.
std::optional<std::uint64_t> value_in(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string word; file >> word;) {
    std::uint64_t value = 0;
    if (word == key && file >> value) return value;
  }
  return {};
}

std::optional<std::uint64_t> left_by_control_group() {
  const std::string root = "/sys/fs/cgroup/";
  const bool second = number_in(root + "memory.current").has_value();
  const auto limit = number_in(root + (second ? "memory.max" : "memory/memory.limit_in_bytes"));
  const auto used = number_in(root + (second ? "memory.current" : "memory/memory.usage_in_bytes"));
  if (!limit || !used) return {};
  // Cached files count as used, but make room.
  const auto cached = value_in(root + (second ? "memory.stat" : "memory/memory.stat"),
                               second ? "inactive_file" : "total_inactive_file");
  const std::uint64_t taken = *used - std::min(*used, cached.value_or(0));
  return *limit - std::min(*limit, taken);
}

}  // namespace

void return_freed_memory_at_once() {
#ifdef __GLIBC__
  constexpr int kMapped = 256 << 10;
  mallopt(M_MMAP_THRESHOLD, kMapped);
#endif
}

void release_unused_memory(c10::Device device) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
  if (!device.is_cpu()) at::accelerator::emptyCache();
}

std::optional<std::uint64_t> free_host_memory() {
  std::optional<std::uint64_t> available = value_in("/proc/meminfo", "MemAvailable:");
  if (available) *available *= 1024;
  const std::optional<std::uint64_t> left = left_by_control_group();
  if (!available || !left) return available ? available : left;
  return std::min(*available, *left);
}

std::optional<std::uint64_t> free_device_memory(c10::Device device) {
  if (device.is_cpu()) return {};
  return at::accelerator::getMemoryInfo(device.index()).first;
}

std::uint64_t peak_host_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

std::uint64_t resident_host_memory() {
  return value_in("/proc/self/status", "VmRSS:").value_or(0) * 1024;
}

std::optional<std::uint64_t> peak_device_memory(c10::Device device) {
  if (device.is_cpu()) return {};
  const auto stats = at::accelerator::getDeviceStats(device.index());
  // The first entry of a statistic is the one over all pools.
  return static_cast<std::uint64_t>(stats.allocated_bytes[0].peak);
}

void reset_peak_device_memory(c10::Device device) {
  if (!device.is_cpu()) at::getDeviceAllocator(device.type())->resetPeakStats(device.index());
}

}  // namespace radial::video
