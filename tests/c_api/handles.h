#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "radial/radial.h"

namespace radial::testing {

struct DestroyHandle {
  void operator()(radial_mask* mask) const { radial_mask_destroy(mask); }
  void operator()(radial_plan* plan) const { radial_plan_destroy(plan); }
  void operator()(radial_pattern* pattern) const { radial_pattern_destroy(pattern); }
};
using MaskHandle = std::unique_ptr<radial_mask, DestroyHandle>;
using PlanHandle = std::unique_ptr<radial_plan, DestroyHandle>;
using PatternHandle = std::unique_ptr<radial_pattern, DestroyHandle>;

inline radial_layout layout_of(std::int32_t frames, std::int32_t grid_h, std::int32_t grid_w) {
  radial_layout layout = radial_layout_init();
  layout.frames = frames;
  layout.grid_h = grid_h;
  layout.grid_w = grid_w;
  return layout;
}

inline MaskHandle make_mask(const radial_layout& layout, const radial_mask_options* options) {
  radial_mask* mask = nullptr;
  EXPECT_EQ(radial_mask_create(&layout, options, &mask), RADIAL_OK) << radial_last_error();
  return MaskHandle(mask);
}

inline PlanHandle make_plan(const radial_layout& layout, const radial_mask_options* options) {
  const MaskHandle mask = make_mask(layout, options);
  radial_plan* plan = nullptr;
  EXPECT_EQ(radial_plan_create(mask.get(), &plan), RADIAL_OK) << radial_last_error();
  return PlanHandle(plan);
}

/// Expects `status` to be a refusal whose one line contains every part.
inline void expect_invalid(radial_status status, std::initializer_list<std::string_view> parts) {
  EXPECT_EQ(status, RADIAL_INVALID_ARGUMENT);
  const std::string text = radial_last_error();
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  for (const std::string_view part : parts) {
    EXPECT_NE(text.find(part), std::string::npos) << "no '" << part << "' in: " << text;
  }
}

}  // namespace radial::testing
