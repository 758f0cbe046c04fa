#include "generate/video_output.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <utility>

#include "options/option_values.h"
#include "output/image.h"
#include "output/output_file.h"
#include "output/png_file.h"
#include "radial/base/error.h"
#include "video/io/mp4_file.h"

namespace radial::tools {
namespace {

namespace fs = std::filesystem;

void write_picture(const std::string& path, const at::Tensor& frame, const std::string& about) {
  const int height = static_cast<int>(frame.size(0)), width = static_cast<int>(frame.size(1));
  Image image(width, height, Color{});
  const std::uint8_t* pixel = frame.const_data_ptr<std::uint8_t>();
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x, pixel += 3) image.set(x, y, {pixel[0], pixel[1], pixel[2]});
  }
  OutputFile file("--output", path);
  write_png(file, image, about);
  file.commit();
}

std::string picture_path(const std::string& folder, std::int64_t index) {
  const std::string number = std::to_string(index);
  return concat(folder, "/frame_", std::string(5 - std::min<std::size_t>(5, number.size()), '0'),
                number, ".png");
}

}  // namespace

VideoOutput::VideoOutput(std::string path, const video::VideoSize& size, int fps)
    : path_(std::move(path)), extension_(fs::path(path_).extension()), size_(size), fps_(fps) {
  constexpr const char* kExpected = "FILE.mp4, FILE.png or a folder";
  if (path_.empty()) refuse("--output", kExpected, "");
  if (extension_ != ".mp4" && extension_ != ".png" && !extension_.empty()) {
    refuse("--output", kExpected, path_);
  }
  const fs::path folder = fs::absolute(path_).parent_path();
  if (!fs::is_directory(folder)) refuse("--output", "a file in a folder that exists", path_);
  if (extension_.empty() && fs::exists(path_) && !fs::is_directory(path_)) {
    refuse("--output", kExpected, path_);
  }
}

void VideoOutput::write(const at::Tensor& frames,
                        const std::map<std::string, std::string>& metadata) const {
  // [F, H, W, 3] bytes, rounded to the nearest.
  const at::Tensor bytes =
      (frames[0] * 255).round().to(at::kByte).permute({0, 2, 3, 1}).contiguous();
  const std::string& about = metadata.at("title");
  if (extension_ == ".png") return write_picture(path_, bytes[0], about);
  if (extension_.empty()) {
    fs::create_directories(path_);
    for (std::int64_t i = 0; i < bytes.size(0); ++i) {
      write_picture(picture_path(path_, i), bytes[i], about);
    }
    return;
  }
  video::Mp4File file(path_, {.width = static_cast<int>(bytes.size(2)),
                              .height = static_cast<int>(bytes.size(1)),
                              .fps = fps_,
                              .metadata = metadata});
  const std::size_t frame_bytes = bytes[0].numel();
  const auto* data = bytes.const_data_ptr<std::uint8_t>();
  for (std::int64_t i = 0; i < bytes.size(0); ++i) {
    file.add_frame({data + i * frame_bytes, frame_bytes});
  }
  file.commit();
}

}  // namespace radial::tools
