#include "radial/base/parallel_for.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace radial {
namespace {

thread_local bool t_inside_task = false;

/// One call of parallel_for: shared by the threads that work on it.
class Job {
 public:
  Job(std::int64_t num_tasks, int helpers, const std::function<void(std::int64_t, int)>& body)
      : num_tasks_(num_tasks), body_(body), helpers_(helpers) {}

  /// Takes tasks until none is left.
  void work(int thread) {
    t_inside_task = true;
    for (;;) {
      const std::int64_t task = next_.fetch_add(1, std::memory_order_relaxed);
      if (task >= num_tasks_) break;
      try {
        body_(task, thread);
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (!failure_) failure_ = std::current_exception();
        next_.store(num_tasks_, std::memory_order_relaxed);
      }
    }
    t_inside_task = false;
  }

  /// A helper's part is over.
  void leave() {
    const std::lock_guard lock(mutex_);
    if (--helpers_ == 0) all_left_.notify_all();
  }

  void wait_for_helpers() {
    std::unique_lock lock(mutex_);
    all_left_.wait(lock, [&] { return helpers_ == 0; });
  }

  void rethrow_failure() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  const std::int64_t num_tasks_;
  const std::function<void(std::int64_t, int)>& body_;
  std::atomic<std::int64_t> next_{0};
  std::mutex mutex_;
  std::condition_variable all_left_;
  int helpers_;
  std::exception_ptr failure_;
};

/// Threads that wait for jobs. Grows to the largest number ever asked for.
class ThreadPool {
 public:
  static ThreadPool& instance() {
    static ThreadPool pool;
    return pool;
  }

  /// Queues `helpers` seats of a job; helper i works as thread i + 1.
  void enlist(const std::shared_ptr<Job>& job, int helpers) {
    const std::lock_guard lock(mutex_);
    for (int i = 0; i < helpers; ++i) seats_.push_back({job, i + 1});
    const auto wanted = static_cast<std::size_t>(helpers);
    while (threads_.size() < wanted) threads_.emplace_back([this] { run(); });
    wake_.notify_all();
  }

  ~ThreadPool() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      wake_.notify_all();
    }
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  struct Seat {
    std::shared_ptr<Job> job;
    int thread;
  };

  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return stopping_ || !seats_.empty(); });
      if (stopping_) return;
      const Seat seat = seats_.front();
      seats_.pop_front();
      lock.unlock();
      seat.job->work(seat.thread);
      seat.job->leave();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Seat> seats_;
  std::vector<std::thread> threads_;
  bool stopping_ = false;
};

int processors_allowed() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

int default_num_threads() {
  static const int count = [] {
    const char* text = std::getenv("OMP_NUM_THREADS");
    const long asked = text ? std::strtol(text, nullptr, 10) : 0;
    return asked > 0 && asked < 4096 ? static_cast<int>(asked) : processors_allowed();
  }();
  return count;
}

void parallel_for(std::int64_t num_tasks, int num_threads,
                  const std::function<void(std::int64_t, int)>& body) {
  if (num_tasks <= 0) return;
  const int threads = num_threads > 0 ? num_threads : default_num_threads();
  const int helpers =
      t_inside_task ? 0 : static_cast<int>(std::min<std::int64_t>(threads, num_tasks)) - 1;
  if (helpers == 0) {
    for (std::int64_t task = 0; task < num_tasks; ++task) body(task, 0);
    return;
  }
  const auto job = std::make_shared<Job>(num_tasks, helpers, body);
  ThreadPool::instance().enlist(job, helpers);
  job->work(0);
  job->wait_for_helpers();
  job->rethrow_failure();
}

}  // namespace radial
