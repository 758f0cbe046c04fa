#include "options/model_geometry.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include "options/option_values.h"
#include "radial/base/error.h"

namespace radial::tools {
namespace {

constexpr ModelGeometry kModels[] = {
    {.name = "wan2.1",
     .summary = "Wan2.1 1.3B and 14B",
     .time_stride = 4,
     .vae_stride = 8,
     .patch = 2,
     .text_tokens = 0,
     .decay_factor = 0.2,
     .width = 832,
     .height = 480,
     .num_frames = 81},
    {.name = "wan2.2",
     .summary = "Wan2.2 A14B",
     .time_stride = 4,
     .vae_stride = 8,
     .patch = 2,
     .text_tokens = 0,
     .decay_factor = 0.8,
     .width = 1280,
     .height = 720,
     .num_frames = 81},
    {.name = "wan2.2-5b",
     .summary = "Wan2.2 TI2V-5B",
     .time_stride = 4,
     .vae_stride = 16,
     .patch = 2,
     .text_tokens = 0,
     .decay_factor = 0.8,
     .width = 1280,
     .height = 704,
     .num_frames = 121},
    {.name = "hunyuanvideo",
     .summary = "HunyuanVideo 1.0",
     .time_stride = 4,
     .vae_stride = 8,
     .patch = 2,
     .text_tokens = 256,
     .decay_factor = 0.95,
     .width = 1280,
     .height = 720,
     .num_frames = 129},
    {.name = "mochi",
     .summary = "Mochi 1",
     .time_stride = 6,
     .vae_stride = 8,
     .patch = 2,
     .text_tokens = 256,
     .decay_factor = 1.0,
     .width = 848,
     .height = 480,
     .num_frames = 163},
};

}  // namespace

std::span<const ModelGeometry> model_geometries() { return kModels; }

const ModelGeometry& model_geometry(std::string_view option, std::string_view name) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  std::vector<std::string> names;
  std::string list;
  for (const ModelGeometry& model : kModels) {
    if (model.name == lower) return model;
    names.emplace_back(model.name);
    list += (list.empty() ? "" : ", ") + names.back();
  }
  const std::string nearest = nearest_name(lower, names);
  throw InvalidArgument(concat(option, ": expected one of ", list, ", got ", in_quotes(name),
                               nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
}

}  // namespace radial::tools
