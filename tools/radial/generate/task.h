#pragma once

#include <cstdint>
#include <string>

#include "video/checkpoint/model_config.h"

namespace radial::tools {

/// What `--task` stands for: a published model and what it is run with unless told otherwise.
struct WanTask {
  const char* name;
  std::int64_t dim, num_layers;  ///< of its transformer
  std::int64_t width, height;    ///< pixels
  double flow_shift;
};

/// "t2v-1.3B" or "t2v-14B", upper or lower case. Throws InvalidArgument for any other.
const WanTask& wan_task(const std::string& name);

/// Throws InvalidArgument unless a transformer of `config` is that of the task.
void require_task(const WanTask& task, const video::WanConfig& config);

}  // namespace radial::tools
