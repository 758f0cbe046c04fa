#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <optional>

namespace radial::video {

/// From now on what a tensor took goes back to the system when it is freed, so that resident memory
/// is that of the tensors alive. malloc by itself keeps blocks below 32 MiB for the next ones,
/// which is faster, but their gaps can double the peak.
void return_freed_memory_at_once();

/// Gives back to the system what malloc, and an accelerator's allocator, keep of freed tensors.
void release_unused_memory(c10::Device device);

/// Bytes that a process may still take without swapping: MemAvailable of /proc/meminfo, or what the
/// limit of the control group leaves, if that is less. Nothing where the system does not say.
std::optional<std::uint64_t> free_host_memory();

/// Bytes free on an accelerator; nothing for the CPU.
std::optional<std::uint64_t> free_device_memory(c10::Device device);

/// Largest resident memory of this process so far, in bytes, mapped weights included.
std::uint64_t peak_host_memory();

/// Resident memory of this process now; 0 where the system does not say.
std::uint64_t resident_host_memory();

/// Most bytes that tensors took on an accelerator so far, or since the latest reset; nothing for
/// the CPU.
std::optional<std::uint64_t> peak_device_memory(c10::Device device);
void reset_peak_device_memory(c10::Device device);

}  // namespace radial::video
