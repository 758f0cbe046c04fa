#pragma once

#include <c10/core/Device.h>

#include <functional>
#include <memory>

namespace radial::video {

/// Work of a device that was recorded once and is started as a whole.
class DeviceGraph {
 public:
  virtual ~DeviceGraph() = default;
  /// Does the work again, on the same memory: queued behind what the device's current stream holds
  /// and before what it gets next.
  virtual void replay() = 0;
};

/// Records work of one device. All of it shares memory from one pool, which is given back with the
/// recorder: so one replay may write to what an earlier one left, unless a tensor still holds it.
/// The graphs must not outlive the recorder. For one thread.
class GraphRecorder {
 public:
  virtual ~GraphRecorder() = default;

  /// Does the work, with memory and on a stream where it can be recorded later. What is made once
  /// at first use (plans on the device, handles of libraries) is made here.
  virtual void run(const std::function<void()>& work) = 0;

  /// Records what `work` queues, without doing it; tensors that it makes have no values before the
  /// first replay. Throws Unsupported, in one line, if something in it cannot be recorded: what
  /// waits for the device, or needs memory that is not there. What `work` itself throws comes out.
  virtual std::unique_ptr<DeviceGraph> record(const std::function<void()>& work) = 0;
};

/// Records CUDA graphs. Throws Unsupported where `device` is no NVIDIA GPU or the build has no
/// CUDA.
std::unique_ptr<GraphRecorder> cuda_graph_recorder(c10::Device device);

}  // namespace radial::video
