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
  /// Throws InvalidArgument on a bad layout, an unknown rule (the message lists the known ones) or
  /// a bad parameter.
  RadialMask(const VideoLayout& layout, const MaskOptions& options);

  const VideoLayout& layout() const { return layout_; }
  /// The options as resolved: every parameter the rule has is set, the others are empty.
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
};

/// What a rule does at one frame distance, outside the sink.
struct DistanceInfo {
  std::int32_t distance = 0;  ///< |i - j| in latent frames
  bool kept = false;          ///< does a query see anything of frames this far away
  bool whole = false;         ///< does it see them whole
  double reach = 0;           ///< else: one-sided width in tokens of the raster index, or for the
                              ///< two-dimensional rules the radius in token rows and columns
};

/// One entry per distance in [0, frames).
RADIAL_API std::vector<DistanceInfo> describe_distances(const RadialMask& mask);

/// A rule as listed to people.
struct RuleInfo {
  std::string name;                     ///< as in `--rule`
  std::string version;                  ///< changes whenever the rule's blocks change
  std::string summary;                  ///< one line
  std::vector<std::string> parameters;  ///< the fields of MaskOptions that the rule has
  std::string density_parameter;        ///< the one a density request turns, empty if none
};

/// All rules, the default first.
RADIAL_API std::vector<RuleInfo> mask_rules();

}  // namespace radial
