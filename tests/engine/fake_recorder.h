#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "radial/base/error.h"
#include "video/nn/graph_recorder.h"

namespace radial::video {

/// "Records" by keeping the work and doing it again at each replay; counts what it is asked for.
class FakeRecorder : public GraphRecorder {
 public:
  int runs = 0, recordings = 0, replays = 0;
  std::string refusal;  ///< not empty: nothing can be recorded, for this reason

  void run(const std::function<void()>& work) override {
    ++runs;
    work();
  }
  std::unique_ptr<DeviceGraph> record(const std::function<void()>& work) override {
    if (!refusal.empty()) throw Unsupported(refusal);
    ++recordings;
    return std::make_unique<Graph>(work, replays);
  }

 private:
  struct Graph : DeviceGraph {
    Graph(std::function<void()> kept, int& count) : work(std::move(kept)), replays(count) {}
    void replay() override {
      ++replays;
      work();
    }
    std::function<void()> work;
    int& replays;
  };
};

}  // namespace radial::video
