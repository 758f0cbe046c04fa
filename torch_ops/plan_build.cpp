// Plans from the arguments of an operator, and their pickles.

#include <limits>

#include "plan_forms.h"
#include "tensor_bridge.h"

namespace radial::torch_ops {
namespace {

std::int32_t narrow(std::string_view name, std::int64_t value) {
  RADIAL_REQUIRE(value >= std::numeric_limits<std::int32_t>::min() &&
                     value <= std::numeric_limits<std::int32_t>::max(),
                 name, ": expected a 32-bit number, got ", value);
  return static_cast<std::int32_t>(value);
}

std::optional<std::int32_t> narrow(std::string_view name, std::optional<std::int64_t> value) {
  return value ? std::optional(narrow(name, *value)) : std::nullopt;
}

constexpr std::pair<std::string_view, DistanceOne> kDistanceOneNames[] = {
    {"rule", DistanceOne::kRule},
    {"whole", DistanceOne::kWhole},
    {"half", DistanceOne::kHalf},
    {"band", DistanceOne::kBand}};

DistanceOne parse_distance_one(std::string_view name) {
  for (const auto& [known, value] : kDistanceOneNames) {
    if (known == name) return value;
  }
  throw InvalidArgument(
      concat("distance_one: expected rule, whole, half or band, got '", name, "'"));
}

std::string name_of(DistanceOne value) {
  for (const auto& [name, known] : kDistanceOneNames) {
    if (known == value) return std::string(name);
  }
  return "rule";
}

TokenOrder order_of_tile(at::IntArrayRef tile) {
  if (tile.empty()) return TokenOrder::raster();
  RADIAL_REQUIRE(tile.size() == 2, "tile: expected no value (raster) or two (rows, columns), got ",
                 tile.size());
  return TokenOrder::tiled(narrow("tile", tile[0]), narrow("tile", tile[1]));
}

/// Reads one kind of value out of a pickle.
template <typename Value>
std::optional<Value> find(const c10::Dict<std::string, Value>& values, const char* key) {
  const auto found = values.find(key);
  return found == values.end() ? std::nullopt : std::optional<Value>(found->value());
}

template <typename Value>
Value find_required(const c10::Dict<std::string, Value>& values, const char* key) {
  const auto value = find(values, key);
  if (!value) throw FormatError(concat("pickled plan: expected '", key, "', got none"));
  return *value;
}

template <typename Value>
void insert_if(c10::Dict<std::string, std::int64_t>& values, const char* key,
               const std::optional<Value>& value) {
  if (value) values.insert(key, static_cast<std::int64_t>(*value));
}

PlanState state_of_mask(const RadialMask& mask) {
  const VideoLayout& layout = mask.layout();
  const MaskOptions& options = mask.options();
  c10::Dict<std::string, std::string> names;
  c10::Dict<std::string, std::int64_t> integers;
  c10::Dict<std::string, double> reals;
  names.insert("rule", options.rule);
  names.insert("distance_one", name_of(options.distance_one));
  reals.insert("decay_factor", options.decay_factor);
  integers.insert("frames", layout.frames);
  integers.insert("grid_h", layout.grid_h);
  integers.insert("grid_w", layout.grid_w);
  integers.insert("reference_tokens", layout.reference_tokens);
  integers.insert("text_tokens", layout.text_tokens);
  if (layout.order.kind == TokenOrder::Kind::kTiled) {
    integers.insert("tile_h", layout.order.tile_h);
    integers.insert("tile_w", layout.order.tile_w);
  }
  integers.insert("block_size", options.block_size);
  integers.insert("sink_frames", options.sink_frames);
  insert_if(integers, "sink", options.sink);
  insert_if(integers, "thinning", options.thinning);
  insert_if(integers, "thinning_threshold", options.thinning_threshold);
  insert_if(integers, "span", options.span);
  insert_if(integers, "width", options.width);
  insert_if(integers, "window_frames", options.window_frames);
  insert_if(integers, "window_tiles_h", options.window_tiles_h);
  insert_if(integers, "window_tiles_w", options.window_tiles_w);
  return {names, integers, reals, {}};
}

PlanState state_of_patterns(const PlanHandle& handle) {
  const BlockPlan& plan = handle.plan();
  c10::Dict<std::string, std::int64_t> integers;
  integers.insert("block_size", plan.block_size());
  integers.insert("query_tokens", plan.query_tokens());
  integers.insert("key_tokens", plan.key_tokens());
  integers.insert("text_tokens", plan.text_tokens());
  integers.insert("num_heads", static_cast<std::int64_t>(plan.head_patterns().size()));
  for (std::size_t head = 0; head < plan.head_patterns().size(); ++head) {
    integers.insert(concat("head_pattern_", head), plan.head_patterns()[head]);
  }
  std::vector<at::Tensor> lists;
  for (std::size_t i = 0; i < plan.patterns().size(); ++i) {
    auto [indptr, indices] = plan_to_csr(handle, static_cast<std::int64_t>(i));
    lists.push_back(std::move(indptr));
    lists.push_back(std::move(indices));
  }
  return {c10::Dict<std::string, std::string>(), integers, c10::Dict<std::string, double>(), lists};
}

PlanPtr plan_from_patterns_state(const PlanState& state) {
  const auto& integers = std::get<1>(state);
  const auto& lists = std::get<3>(state);
  std::vector<at::Tensor> indptr, indices;
  for (std::size_t i = 0; i + 1 < lists.size(); i += 2) {
    indptr.push_back(lists[i]);
    indices.push_back(lists[i + 1]);
  }
  std::vector<std::int64_t> head_patterns;
  for (std::int64_t head = 0; head < find_required(integers, "num_heads"); ++head) {
    head_patterns.push_back(find_required(integers, concat("head_pattern_", head).c_str()));
  }
  return plan_from_csr(
      indptr, indices,
      {find_required(integers, "query_tokens"), find_required(integers, "key_tokens"),
       find_required(integers, "block_size"), find_required(integers, "text_tokens"),
       head_patterns});
}

}  // namespace

PlanPtr build_plan(std::int64_t frames, std::int64_t grid_h, std::int64_t grid_w,
                   const std::string& rule, std::int64_t reference_tokens, std::int64_t text_tokens,
                   at::IntArrayRef tile, std::int64_t block_size, double decay_factor,
                   std::optional<bool> sink, std::int64_t sink_frames,
                   const std::string& distance_one, std::optional<bool> thinning,
                   std::optional<std::int64_t> thinning_threshold, std::optional<std::int64_t> span,
                   std::optional<std::int64_t> width, at::OptionalIntArrayRef window,
                   std::optional<double> density) {
  return with_torch_errors([&] {
    const VideoLayout layout{.frames = narrow("frames", frames),
                             .grid_h = narrow("grid_h", grid_h),
                             .grid_w = narrow("grid_w", grid_w),
                             .reference_tokens = narrow("reference_tokens", reference_tokens),
                             .text_tokens = narrow("text_tokens", text_tokens),
                             .order = order_of_tile(tile)};
    MaskOptions options;
    options.rule = rule;
    options.block_size = narrow("block_size", block_size);
    options.decay_factor = decay_factor;
    options.sink = sink;
    options.sink_frames = narrow("sink_frames", sink_frames);
    options.distance_one = parse_distance_one(distance_one);
    options.thinning = thinning;
    options.thinning_threshold = narrow("thinning_threshold", thinning_threshold);
    options.span = narrow("span", span);
    options.width = width;
    if (window) {
      RADIAL_REQUIRE(window->size() == 3,
                     "window: expected three values (frames, tile rows, tile columns), got ",
                     window->size());
      options.window_frames = narrow("window", (*window)[0]);
      options.window_tiles_h = narrow("window", (*window)[1]);
      options.window_tiles_w = narrow("window", (*window)[2]);
    }
    if (density) options = options_for_density(layout, options, *density);
    return PlanHandle::build(RadialMask(layout, options));
  });
}

PlanState state_of(const PlanHandle& plan) {
  return plan.mask() ? state_of_mask(*plan.mask()) : state_of_patterns(plan);
}

PlanPtr plan_from_state(const PlanState& state) {
  return with_torch_errors([&] {
    const auto& [names, integers, reals, lists] = state;
    if (!find(names, "rule")) return plan_from_patterns_state(state);
    const auto integer = [&](const char* key) { return find_required(integers, key); };
    const auto maybe = [&](const char* key) { return narrow(key, find(integers, key)); };
    const auto maybe_bool = [&](const char* key) {
      const auto value = find(integers, key);
      return value ? std::optional(*value != 0) : std::nullopt;
    };
    VideoLayout layout{.frames = narrow("frames", integer("frames")),
                       .grid_h = narrow("grid_h", integer("grid_h")),
                       .grid_w = narrow("grid_w", integer("grid_w")),
                       .reference_tokens = narrow("reference_tokens", integer("reference_tokens")),
                       .text_tokens = narrow("text_tokens", integer("text_tokens"))};
    if (find(integers, "tile_h")) {
      layout.order = TokenOrder::tiled(narrow("tile_h", integer("tile_h")),
                                       narrow("tile_w", integer("tile_w")));
    }
    MaskOptions options;
    options.rule = find_required(names, "rule");
    options.block_size = narrow("block_size", integer("block_size"));
    options.decay_factor = find_required(reals, "decay_factor");
    options.sink = maybe_bool("sink");
    options.sink_frames = narrow("sink_frames", integer("sink_frames"));
    options.distance_one = parse_distance_one(find_required(names, "distance_one"));
    options.thinning = maybe_bool("thinning");
    options.thinning_threshold = maybe("thinning_threshold");
    options.span = maybe("span");
    options.width = find(integers, "width");
    options.window_frames = maybe("window_frames");
    options.window_tiles_h = maybe("window_tiles_h");
    options.window_tiles_w = maybe("window_tiles_w");
    return PlanHandle::build(RadialMask(layout, options));
  });
}

}  // namespace radial::torch_ops
