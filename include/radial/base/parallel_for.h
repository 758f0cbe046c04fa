#pragma once

#include <cstdint>
#include <functional>

#include "radial/base/export.h"

namespace radial {

/// Threads used when a call does not say: OMP_NUM_THREADS if set to a positive number, else the
/// processors this process may run on.
RADIAL_API int default_num_threads();

/// Calls `body(task, thread)` once for each task in [0, num_tasks), on at most `num_threads`
/// threads (0: `default_num_threads()`) of one process-wide pool; `thread` is in [0, num_threads).
/// Tasks are handed out in ascending order, one at a time. The calling thread takes part. The first
/// exception a task throws is rethrown here after all threads have stopped. Calls from several
/// threads at once are allowed; a call from inside a task runs on that task's thread alone.
RADIAL_API void parallel_for(std::int64_t num_tasks, int num_threads,
                             const std::function<void(std::int64_t task, int thread)>& body);

}  // namespace radial
