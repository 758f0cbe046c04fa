#include "generate/task.h"

#include <array>
#include <cctype>

#include "options/option_values.h"
#include "radial/base/error.h"

namespace radial::tools {
namespace {

// Sizes and shifts: the model cards of Wan-AI/Wan2.1-T2V-1.3B and -14B, which name 3 for 480p and 5
// for 720p.
constexpr std::array<WanTask, 2> kTasks{{{.name = "t2v-1.3B",
                                          .dim = 1536,
                                          .num_layers = 30,
                                          .width = 832,
                                          .height = 480,
                                          .flow_shift = 3},
                                         {.name = "t2v-14B",
                                          .dim = 5120,
                                          .num_layers = 40,
                                          .width = 1280,
                                          .height = 720,
                                          .flow_shift = 5}}};

std::string lower(std::string text) {
  for (char& letter : text) {
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  return text;
}

}  // namespace

const WanTask& wan_task(const std::string& name) {
  for (const WanTask& task : kTasks) {
    if (lower(name) == lower(task.name)) return task;
  }
  refuse("--task", "t2v-1.3B or t2v-14B", name);
}

void require_task(const WanTask& task, const video::WanConfig& config) {
  if (config.dim() == task.dim && config.num_layers == task.num_layers) return;
  throw InvalidArgument(concat("--task: expected a model of ", task.num_layers, " layers of width ",
                               task.dim, " for ", task.name, ", got one of ", config.num_layers,
                               " of width ", config.dim()));
}

}  // namespace radial::tools
