#pragma once

#include <CLI/CLI.hpp>
#include <array>
#include <cstdint>
#include <optional>

#include "options/attention_preset.h"
#include "options/rule_options.h"
#include "radial/mask/video_layout.h"
#include "video/pipeline/denoise.h"

namespace radial::tools {

/// `--attention` with the parameters of its rule, `--token-order --preset --dense-layers
/// --dense-timesteps --last-dense-timesteps --dense-start-percent --dense-end-percent`: the
/// attention that a model runs on.
class AttentionOptions {
 public:
  void add_to(CLI::App& app);

  /// For a video of `layout` (in raster order) and a run of `num_steps`: dense unless a rule was
  /// asked for. Throws InvalidArgument if the rule does not take what was asked for.
  video::AttentionOptions resolve(const VideoLayout& layout, int num_steps) const;

  /// Instead of what was asked for: the first `layers` layers or `steps` steps stay dense, where
  /// given.
  void stay_dense(std::optional<int> layers, std::optional<int> steps);

 private:
  TokenOrder token_order() const;

  RuleOptions rule_;
  const CLI::Option* rule_option_ = nullptr;
  bool tiled_ = false;
  std::optional<std::array<std::int32_t, 2>> tile_;
  std::optional<AttentionPreset> preset_;
  std::optional<video::PlaceSet> dense_layers_, dense_steps_;
  std::optional<double> dense_start_, dense_end_;  // parts of the run, 0 to 1
  video::PlaceSet last_dense_steps_;
};

}  // namespace radial::tools
