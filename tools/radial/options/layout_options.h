#pragma once

#include <CLI/CLI.hpp>
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "options/model_geometry.h"
#include "radial/mask/video_layout.h"

namespace radial::tools {

/// What a layout came from, for printing and for defaults that depend on the model.
struct ResolvedLayout {
  VideoLayout layout;
  const ModelGeometry* maybe_model = nullptr;          ///< null for a bare grid
  std::int32_t width = 0, height = 0, num_frames = 0;  ///< pixels, 0 for a bare grid

  /// "21 x 45 x 80 tokens, raster" and the video it stands for.
  std::string to_string() const;
};

/// The options that say how large the video is: the same for every command.
class LayoutOptions {
 public:
  void add_to(CLI::App& app);

  /// The layout asked for. Throws InvalidArgument unless it is said in exactly one way, sizes suit
  /// the model, and the sequence is not absurdly long.
  ResolvedLayout resolve(std::int32_t block_size) const;

 private:
  void add_video_options(CLI::App& app);
  void take_size(const std::string& option, const std::string& text);
  void take_token_order(const std::string& text);
  ResolvedLayout from_grid() const;
  ResolvedLayout from_model() const;

  std::optional<std::array<std::int32_t, 3>> grid_;
  const ModelGeometry* maybe_model_ = nullptr;
  std::optional<std::int32_t> width_, height_, num_frames_;
  std::string pixel_option_;  // one of the options given that only make sense with a model
  bool tiled_ = false;
  std::optional<std::array<std::int32_t, 2>> tile_;
  std::optional<std::int32_t> text_tokens_;
  std::int32_t reference_tokens_ = 0;
};

}  // namespace radial::tools
