#include "train_base/task_pool.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <utility>

namespace radial::tools {

void TaskPool::add(std::function<void()> task) {
  if (most_ == 0) return task();
  if (running_.size() >= most_) {
    std::future<void> oldest = std::move(running_.front());
    running_.erase(running_.begin());
    oldest.get();
  }
  running_.push_back(std::async(std::launch::async, [task = std::move(task)] {
    const c10::InferenceMode no_gradients;
    at::set_num_threads(1);
    task();
  }));
}

void TaskPool::finish() {
  while (!running_.empty()) {
    std::future<void> oldest = std::move(running_.front());
    running_.erase(running_.begin());
    oldest.get();
  }
}

}  // namespace radial::tools
