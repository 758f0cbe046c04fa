#include "options/layout_options.h"

#include <fmt/format.h>

#include "options/option_values.h"
#include "radial/base/error.h"

namespace radial::tools {
namespace {

constexpr IntegerRange kPixels{.least = 1, .most = 1 << 16};

std::int32_t to_int32(std::int64_t value) { return static_cast<std::int32_t>(value); }

// Refuses a size that is no multiple of what one token covers, and names the sizes next to it.
std::int32_t tokens_across(const char* option, std::int32_t pixels, const ModelGeometry& model) {
  const std::int32_t step = model.pixels_per_token();
  if (pixels % step != 0) {
    const std::int32_t below = pixels / step * step;
    const std::string nearest =
        below > 0 ? fmt::format("{} or {}", below, below + step) : fmt::format("{}", step);
    refuse(option,
           fmt::format("a multiple of {} pixels for {}, nearest {}", step, model.name, nearest),
           std::to_string(pixels));
  }
  return pixels / step;
}

std::int32_t latent_frames(std::int32_t num_frames, const ModelGeometry& model) {
  const std::int32_t step = model.time_stride;
  if ((num_frames - 1) % step != 0) {
    const std::int32_t below = (num_frames - 1) / step * step + 1;
    refuse(
        "--num-frames",
        fmt::format("{}k+1 frames for {}, nearest {} or {}", step, model.name, below, below + step),
        std::to_string(num_frames));
  }
  return (num_frames - 1) / step + 1;
}

// Refuses a layout that is wrong or absurdly long, in the words of `option`.
void check_length(const VideoLayout& layout, const std::string& option) {
  // Nineteen minutes of 1280 x 720 at 16 frames a second (Wan); longer ones take minutes to plan.
  constexpr std::int64_t kMostTokens = 1 << 24;
  constexpr std::string_view kLayout = "layout: ";
  try {
    layout.check();
  } catch (const InvalidArgument& error) {
    const std::string message = error.what();
    if (!message.starts_with(kLayout)) throw;
    throw InvalidArgument(option + ": " + message.substr(kLayout.size()));
  }
  if (layout.total_tokens() > kMostTokens) {
    throw InvalidArgument(concat(option, ": expected at most ", kMostTokens, " tokens in all, got ",
                                 layout.total_tokens()));
  }
}

std::string known_models() {
  std::string text;
  for (const ModelGeometry& model : model_geometries()) {
    text += fmt::format("\n{} ({}): {}x{}, {} frames", model.name, model.summary, model.width,
                        model.height, model.num_frames);
  }
  return text;
}

}  // namespace

void LayoutOptions::add_to(CLI::App& app) {
  OptionGroup group(app, "How large the video is: --grid, or --model with a size in pixels");
  group.add_value(
      "--grid", "F,H,W",
      [this](const std::string& text) {
        const auto sizes =
            parse_integers("--grid", text, ",", 3, "F,H,W (frames, token rows, token columns)");
        grid_ = {to_int32(sizes[0]), to_int32(sizes[1]), to_int32(sizes[2])};
      },
      "Latent frames, token rows and token columns of a frame, such as 21,45,80 (Wan2.1, 81 frames "
      "of 1280 x 720)");
  add_video_options(app);
  group.add_value(
      "--token-order", "ORDER", [this](const std::string& text) { take_token_order(text); },
      "Order of the tokens inside a frame: raster (row by row, what models use; the default), "
      "tiled "
      "(patches as large as a block) or tiled:HxW");
  group.add_value(
      "--text-tokens", "N",
      [this](const std::string& text) {
        text_tokens_ = to_int32(parse_integer("--text-tokens", text, {.least = 0}));
      },
      "Text tokens after the video, seen by and seeing everything; default 0, with --model what it "
      "attends to jointly (hunyuanvideo and mochi 256)");
  group.add_value(
      "--reference-tokens", "N",
      [this](const std::string& text) {
        reference_tokens_ = to_int32(parse_integer("--reference-tokens", text, {.least = 0}));
      },
      "Tokens before the video, seen by and seeing everything; default 0");
}

void LayoutOptions::add_video_options(CLI::App& app) {
  OptionGroup group(app, "How large the video is: --grid, or --model with a size in pixels");
  group.add_value(
      "--model,--ckpt-dir,--model-path,--model-id,--model-base", "NAME",
      [this](const std::string& text) { maybe_model_ = &model_geometry("--model", text); },
      "The model whose strides and defaults to use:" + known_models());
  const auto add_pixels = [&](const std::string& names, std::optional<std::int32_t>& target,
                              const std::string& option, const std::string& help) {
    group.add_value(
        names, "N",
        [this, &target, option](const std::string& text) {
          target = to_int32(parse_integer(option, text, kPixels));
          pixel_option_ = option;
        },
        help);
  };
  add_pixels("-W,--width", width_, "--width", "Width in pixels");
  add_pixels("-H,--height", height_, "--height", "Height in pixels");
  group.add_value(
      "--size", "WxH", [this](const std::string& text) { take_size("--size", text); },
      "Both at once, such as 1280x720 or 1280*720");
  group.add_pair(
      "--video-size", "H W",
      [this](const std::string& height, const std::string& width) {
        height_ = to_int32(parse_integer("--video-size", height, kPixels));
        width_ = to_int32(parse_integer("--video-size", width, kPixels));
        pixel_option_ = "--video-size";
      },
      "Both at once, height first, such as 720 1280");
  add_pixels("--num-frames,--video-frames,--frame-num,--video-length", num_frames_, "--num-frames",
             "Frames of the video: 4k+1, for mochi 6k+1");
}

void LayoutOptions::take_size(const std::string& option, const std::string& text) {
  const auto sizes = parse_integers(option, text, "xX*", 2, "WxH (width and height in pixels)");
  width_ = to_int32(sizes[0]);
  height_ = to_int32(sizes[1]);
  pixel_option_ = option;
}

void LayoutOptions::take_token_order(const std::string& text) {
  constexpr const char* kExpected = "raster, tiled or tiled:HxW (token rows and columns of a tile)";
  tiled_ = text != "raster";
  tile_.reset();
  if (text == "raster" || text == "tiled") return;
  if (!text.starts_with("tiled:")) refuse("--token-order", kExpected, text);
  const auto sizes = parse_integers("--token-order", text.substr(6), "xX*", 2, "tiled:HxW");
  tile_ = {to_int32(sizes[0]), to_int32(sizes[1])};
}

ResolvedLayout LayoutOptions::from_grid() const {
  if (!pixel_option_.empty()) {
    throw InvalidArgument(
        pixel_option_ +
        ": expected together with --model, got it with --grid, which counts tokens");
  }
  ResolvedLayout resolved;
  resolved.layout.frames = (*grid_)[0];
  resolved.layout.grid_h = (*grid_)[1];
  resolved.layout.grid_w = (*grid_)[2];
  return resolved;
}

ResolvedLayout LayoutOptions::from_model() const {
  const ModelGeometry& model = *maybe_model_;
  ResolvedLayout resolved;
  resolved.maybe_model = &model;
  resolved.width = width_.value_or(model.width);
  resolved.height = height_.value_or(model.height);
  resolved.num_frames = num_frames_.value_or(model.num_frames);
  resolved.layout.frames = latent_frames(resolved.num_frames, model);
  resolved.layout.grid_h = tokens_across("--height", resolved.height, model);
  resolved.layout.grid_w = tokens_across("--width", resolved.width, model);
  resolved.layout.text_tokens = model.text_tokens;
  return resolved;
}

ResolvedLayout LayoutOptions::resolve(std::int32_t block_size) const {
  if (grid_.has_value() == (maybe_model_ != nullptr)) {
    throw InvalidArgument(
        concat("--grid or --model: expected one of them to say how large the video is, got ",
               grid_ ? "both" : "neither"));
  }
  ResolvedLayout resolved = grid_ ? from_grid() : from_model();
  VideoLayout& layout = resolved.layout;
  layout.text_tokens = text_tokens_.value_or(layout.text_tokens);
  layout.reference_tokens = reference_tokens_;
  if (tiled_) {
    // Tiles twice as wide as high at 128 tokens, squares at 64: as compact as a block can be.
    const std::array<std::int32_t, 2> block_tile = {8, block_size / 8};
    const auto [tile_h, tile_w] = tile_.value_or(block_tile);
    layout.order = TokenOrder::tiled(tile_h, tile_w);
  }
  check_length(layout, grid_ ? "--grid" : "--model");
  return resolved;
}

std::string ResolvedLayout::to_string() const {
  std::string text = layout.to_string();
  if (maybe_model != nullptr) {
    text += fmt::format(" ({}, {} x {} pixels, {} frames)", maybe_model->name, width, height,
                        num_frames);
  }
  return text;
}

}  // namespace radial::tools
