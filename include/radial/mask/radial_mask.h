#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "radial/base/export.h"
#include "radial/mask/mask_options.h"
#include "radial/mask/video_layout.h"

namespace radial {

class MaskRule;

/// Which token may see which: a pure function of a layout and the options of a rule.
class RADIAL_API RadialMask {
 public:
  /// Throws InvalidArgument on a bad layout, an unknown rule (the message lists the known ones) or a
  /// bad parameter.
  RadialMask(const VideoLayout& layout, const MaskOptions& options);

  const VideoLayout& layout() const { return layout_; }
  const MaskOptions& options() const { return options_; }
  const MaskRule& rule() const { return *rule_; }

  /// Whether the rule lets the query at place `query` of the sequence see the key at place `key`.
  /// This is the truth that block plans are derived from; attention then computes every pair of a
  /// kept block.
  bool attends(std::int64_t query, std::int64_t key) const;

  /// Rule, version, parameters and layout in one line, for logs and metadata.
  std::string to_string() const;

 private:
  VideoLayout layout_;
  MaskOptions options_;
  std::shared_ptr<const MaskRule> rule_;
  std::vector<std::int32_t> frame_permutation_;
};

/// A rule as listed to people.
struct RuleInfo {
  std::string name;     ///< as in `--rule`
  std::string version;  ///< changes whenever the rule's blocks change
  std::string summary;  ///< one line
  std::string density_parameter;  ///< what a density request turns, empty if nothing
};

/// All rules, the default first.
RADIAL_API std::vector<RuleInfo> mask_rules();

}  // namespace radial
