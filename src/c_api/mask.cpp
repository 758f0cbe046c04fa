// The C interface of layouts, masks and rules.

#include <optional>
#include <vector>

#include "c_api/boundary.h"
#include "c_api/handles.h"

namespace radial::c_api {
namespace {

// Sizes in ABI version 1.
constexpr std::size_t kLayoutSize = 40;
constexpr std::size_t kMaskOptionsSize = 72;
constexpr std::size_t kRuleInfoSize = 40;

template <typename T, typename Number>
std::optional<T> optional_of(Number value) {
  return value == RADIAL_UNSET ? std::nullopt : std::optional<T>(value);
}

std::optional<bool> optional_flag(std::int32_t value, std::string_view name) {
  RADIAL_REQUIRE(value == RADIAL_UNSET || value == 0 || value == 1, name,
                 ": expected RADIAL_UNSET, 0 or 1, got ", value);
  return value == RADIAL_UNSET ? std::nullopt : std::optional<bool>(value == 1);
}

DistanceOne distance_one_of(std::int32_t value) {
  switch (value) {
    case RADIAL_DISTANCE_ONE_RULE:
      return DistanceOne::kRule;
    case RADIAL_DISTANCE_ONE_WHOLE:
      return DistanceOne::kWhole;
    case RADIAL_DISTANCE_ONE_HALF:
      return DistanceOne::kHalf;
    case RADIAL_DISTANCE_ONE_BAND:
      return DistanceOne::kBand;
    default:
      break;
  }
  throw InvalidArgument(
      concat("distance_one: expected RADIAL_DISTANCE_ONE_RULE to _BAND, got ", value));
}

radial_mask_options read_options(const radial_mask_options* given) {
  const radial_mask_options defaults = radial_mask_options_init();
  return given ? read_struct(given, "options", defaults, kMaskOptionsSize) : defaults;
}

MaskOptions options_of(const radial_mask_options& given) {
  MaskOptions options;
  if (given.rule) options.rule = given.rule;
  options.block_size = given.block_size;
  options.decay_factor = given.decay_factor;
  options.sink = optional_flag(given.sink, "sink");
  options.sink_frames = given.sink_frames;
  options.distance_one = distance_one_of(given.distance_one);
  options.thinning = optional_flag(given.thinning, "thinning");
  options.thinning_threshold = optional_of<std::int32_t>(given.thinning_threshold);
  options.span = optional_of<std::int32_t>(given.span);
  options.width = optional_of<std::int64_t>(given.width);
  options.window_frames = optional_of<std::int32_t>(given.window_frames);
  options.window_tiles_h = optional_of<std::int32_t>(given.window_tiles_h);
  options.window_tiles_w = optional_of<std::int32_t>(given.window_tiles_w);
  return options;
}

/// The parameters that a density request may turn, from `options` to `given`.
void copy_density_parameters(const MaskOptions& options, radial_mask_options& given) {
  given.decay_factor = options.decay_factor;
  given.span = options.span.value_or(RADIAL_UNSET);
  given.width = options.width.value_or(RADIAL_UNSET);
  given.window_frames = options.window_frames.value_or(RADIAL_UNSET);
  given.window_tiles_h = options.window_tiles_h.value_or(RADIAL_UNSET);
  given.window_tiles_w = options.window_tiles_w.value_or(RADIAL_UNSET);
}

const std::vector<RuleInfo>& rules() {
  static const std::vector<RuleInfo> list = mask_rules();
  return list;
}

}  // namespace

VideoLayout layout_of(const radial_layout* given) {
  radial_layout defaults;
  std::memset(&defaults, 0, sizeof(defaults));
  const radial_layout known = read_struct(given, "layout", defaults, kLayoutSize);
  RADIAL_REQUIRE(known.reserved == 0, "layout.reserved: expected 0, got ", known.reserved);
  VideoLayout layout;
  layout.frames = known.frames;
  layout.grid_h = known.grid_h;
  layout.grid_w = known.grid_w;
  layout.reference_tokens = known.reference_tokens;
  layout.text_tokens = known.text_tokens;
  if (known.tile_h != 0 || known.tile_w != 0) {
    layout.order = TokenOrder::tiled(known.tile_h, known.tile_w);
  }
  layout.check();
  return layout;
}

}  // namespace radial::c_api

using namespace radial;         // NOLINT: the C interface lives outside of it
using namespace radial::c_api;  // NOLINT

radial_status radial_layout_permutation(const radial_layout* layout, int64_t* permutation,
                                        int64_t* inverse) {
  return guarded([&] {
    const VideoLayout known = layout_of(layout);
    if (permutation) std::ranges::copy(known.permutation(), permutation);
    if (inverse) std::ranges::copy(known.inverse_permutation(), inverse);
  });
}

radial_status radial_options_for_density(const radial_layout* layout,
                                         const radial_mask_options* options, double density,
                                         radial_mask_options* chosen) {
  return guarded([&] {
    check_writable(chosen, "chosen", kMaskOptionsSize);
    radial_mask_options result = read_options(options);
    const MaskOptions found =
        radial::options_for_density(layout_of(layout), options_of(result), density);
    copy_density_parameters(found, result);
    write_struct(chosen, result);
  });
}

radial_status radial_mask_create(const radial_layout* layout, const radial_mask_options* options,
                                 radial_mask** mask) {
  return guarded([&] {
    required(mask, "mask");
    RadialMask value(layout_of(layout), options_of(read_options(options)));
    std::string description = value.to_string();
    *mask = new radial_mask{std::move(value), std::move(description)};
  });
}

void radial_mask_destroy(radial_mask* mask) { delete mask; }

radial_status radial_mask_attends(const radial_mask* mask, int64_t query, int64_t key,
                                  int32_t* attends) {
  return guarded([&] {
    const RadialMask& known = required(mask, "mask").value;
    const std::int64_t tokens = known.layout().total_tokens();
    RADIAL_REQUIRE(query >= 0 && query < tokens, "query: expected 0 to ", tokens - 1, ", got ",
                   query);
    RADIAL_REQUIRE(key >= 0 && key < tokens, "key: expected 0 to ", tokens - 1, ", got ", key);
    required(attends, "attends") = known.attends(query, key) ? 1 : 0;
  });
}

const char* radial_mask_description(const radial_mask* mask) {
  return mask ? mask->description.c_str() : "";
}

int32_t radial_num_rules(void) {
  std::int32_t count = 0;
  guarded([&] { count = static_cast<std::int32_t>(rules().size()); });
  return count;
}

radial_status radial_rule(int32_t index, radial_rule_info* info) {
  return guarded([&] {
    check_writable(info, "info", kRuleInfoSize);
    RADIAL_REQUIRE(index >= 0 && index < static_cast<std::int32_t>(rules().size()),
                   "index: expected 0 to ", rules().size() - 1, ", got ", index);
    const RuleInfo& rule = rules()[static_cast<std::size_t>(index)];
    radial_rule_info result = radial_rule_info_init();
    result.name = rule.name.c_str();
    result.version = rule.version.c_str();
    result.summary = rule.summary.c_str();
    result.density_parameter = rule.density_parameter.c_str();
    write_struct(info, result);
  });
}
