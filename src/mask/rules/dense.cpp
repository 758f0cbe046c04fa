// Every query sees every key.

#include "mask/rules/registry.h"

namespace radial {
namespace {

class DenseRule : public MaskRule {
 public:
  using MaskRule::MaskRule;
  FrameWindow window(std::int32_t, std::int32_t) const override { return FrameWindow::whole(); }
};

}  // namespace

RuleEntry dense_rule() {
  return {{"dense", "1", "every query sees every key", {}, ""},
          [](const VideoLayout&, MaskOptions&) {},
          [](const VideoLayout& layout, const MaskOptions& options) -> std::unique_ptr<MaskRule> {
            return std::make_unique<DenseRule>(layout, options);
          }};
}

}  // namespace radial
