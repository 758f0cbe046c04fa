#include "train_base/clip_picture.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cstdint>

#include "output/image.h"
#include "output/output_file.h"
#include "output/png_file.h"

namespace radial::tools {
namespace {

constexpr std::int64_t kMostFrames = 6;

// The `i`-th of `count` frames spread evenly over `all`.
std::int64_t spread_frame(std::int64_t i, std::int64_t count, std::int64_t all) {
  return count > 1 ? i * (all - 1) / (count - 1) : 0;
}

}  // namespace

void write_clip_rows(const std::filesystem::path& path, const std::vector<at::Tensor>& clips,
                     const std::string& about) {
  const std::int64_t all = clips.front().size(1), frames = std::min(kMostFrames, all);
  const auto height = static_cast<int>(clips.front().size(2));
  const auto width = static_cast<int>(clips.front().size(3));
  Image image(static_cast<int>(frames) * width, static_cast<int>(clips.size()) * height, Color{});
  for (std::size_t row = 0; row < clips.size(); ++row) {
    for (std::int64_t i = 0; i < frames; ++i) {
      const std::int64_t frame = spread_frame(i, frames, all);
      const at::Tensor pixels = clips[row].select(1, frame).permute({1, 2, 0}).contiguous();
      const auto* value = pixels.const_data_ptr<std::uint8_t>();
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x, value += 3) {
          image.set(static_cast<int>(i) * width + x, static_cast<int>(row) * height + y,
                    {value[0], value[1], value[2]});
        }
      }
    }
  }
  OutputFile file("--out", path.string());
  write_png(file, image, about);
  file.commit();
}

at::Tensor picture_frames(const at::Tensor& frames, std::int64_t most_width) {
  const std::int64_t all = frames.size(0), count = std::min(kMostFrames, all);
  std::vector<at::Tensor> chosen;
  for (std::int64_t i = 0; i < count; ++i) chosen.push_back(frames[spread_frame(i, count, all)]);
  at::Tensor pictures = at::stack(chosen);
  const std::int64_t factor = (frames.size(3) + most_width - 1) / most_width;
  if (factor > 1) pictures = at::avg_pool2d(pictures, {factor, factor});
  return (pictures * 255).round().to(at::kByte).transpose(0, 1).contiguous();
}

}  // namespace radial::tools
