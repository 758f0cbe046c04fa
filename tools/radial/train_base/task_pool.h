#pragma once

#include <cstddef>
#include <functional>
#include <future>
#include <vector>

namespace radial::tools {

/// Tasks that run beside other work, each on a thread of its own and with one thread in torch.
class TaskPool {
 public:
  /// At most `most` at a time; 0: each runs when it is added, by the caller.
  explicit TaskPool(std::size_t most) : most_(most) {}

  /// Waits for another task if there are too many. Throws what that one threw.
  void add(std::function<void()> task);
  /// Waits for all; throws what the first of those that failed threw.
  void finish();

 private:
  std::size_t most_;
  std::vector<std::future<void>> running_;
};

}  // namespace radial::tools
