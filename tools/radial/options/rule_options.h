#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "options/model_geometry.h"
#include "radial/mask/mask_options.h"
#include "radial/mask/video_layout.h"

namespace radial::tools {

/// The options that say which mask rule and with which parameters: the same for every command.
class RuleOptions {
 public:
  void add_to(CLI::App& app);

  std::int32_t block_size() const { return options_.block_size; }
  /// The decay factor to use where neither it nor a density was asked for.
  void prefer_decay_factor(double value) {
    if (!decay_factor_ && !density_) decay_factor_ = value;
  }

  /// The options for `layout`, with the decay that suits the model where none was asked for, and
  /// the parameter that gives `--density` where that was. Throws InvalidArgument, in the words of
  /// the command's options, if the rule does not exist or does not take them.
  MaskOptions resolve(const VideoLayout& layout, const ModelGeometry* maybe_model) const;

 private:
  void add_shape_options(CLI::App& app);
  void add_comparison_options(CLI::App& app);
  void add_switch(CLI::App& app, const std::string& name, std::optional<bool>& target,
                  const std::string& help);
  void refuse_what_the_rule_lacks() const;

  MaskOptions options_;
  std::optional<double> decay_factor_;
  std::optional<double> density_;
};

/// All rules with what they do and the parameters they have, for people.
std::string rules_text();

}  // namespace radial::tools
