#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <optional>

namespace radial::video {

/// Bytes that a process may still take without swapping: MemAvailable of /proc/meminfo, or what the
/// limit of the control group leaves, if that is less. Nothing where the system does not say.
std::optional<std::uint64_t> free_host_memory();

/// Bytes free on an accelerator; nothing for the CPU.
std::optional<std::uint64_t> free_device_memory(c10::Device device);

/// Largest resident memory of this process so far, in bytes, mapped weights included.
std::uint64_t peak_host_memory();

/// Most bytes that tensors took on an accelerator so far; nothing for the CPU.
std::optional<std::uint64_t> peak_device_memory(c10::Device device);

}  // namespace radial::video
