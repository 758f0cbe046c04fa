#include "radial/base/parallel_for.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace radial {
namespace {

TEST(ParallelFor, RunsEveryTaskOnceOnAThreadInRange) {
  for (const int threads : {1, 2, 5}) {
    std::vector<std::atomic<int>> runs(1000);
    parallel_for(1000, threads, [&](std::int64_t task, int thread) {
      EXPECT_GE(thread, 0);
      EXPECT_LT(thread, threads);
      ++runs[static_cast<std::size_t>(task)];
    });
    for (const auto& count : runs) EXPECT_EQ(count, 1);
  }
}

TEST(ParallelFor, RethrowsATasksException) {
  EXPECT_THROW(parallel_for(100, 3,
                            [](std::int64_t task, int) {
                              if (task == 57) throw std::runtime_error("57");
                            }),
               std::runtime_error);
  std::atomic<int> runs = 0;  // the pool still works
  parallel_for(10, 3, [&](std::int64_t, int) { ++runs; });
  EXPECT_EQ(runs, 10);
}

TEST(ParallelFor, NestedCallsRunOnTheirTasksThread) {
  std::atomic<int> inner = 0;
  parallel_for(8, 4, [&](std::int64_t, int) {
    const auto outer_thread = std::this_thread::get_id();
    parallel_for(16, 4, [&](std::int64_t, int thread) {
      EXPECT_EQ(thread, 0);
      EXPECT_EQ(std::this_thread::get_id(), outer_thread);
      ++inner;
    });
  });
  EXPECT_EQ(inner, 8 * 16);
}

TEST(ParallelFor, ServesSeveralCallersAtOnce) {
  std::atomic<int> runs = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int repeat = 0; repeat < 50; ++repeat) {
        parallel_for(20, 3, [&](std::int64_t, int) { ++runs; });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(runs, 4 * 50 * 20);
}

TEST(ParallelFor, DoesNothingWithoutTasks) {
  parallel_for(0, 4, [](std::int64_t, int) { FAIL(); });
  EXPECT_GE(default_num_threads(), 1);
}

}  // namespace
}  // namespace radial
