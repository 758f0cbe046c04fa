#include "world/world.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>

#include "command.h"
#include "options/engine_options.h"
#include "options/option_values.h"
#include "output/image.h"
#include "output/output_file.h"
#include "output/png_file.h"
#include "radial/base/error.h"
#include "video/io/mp4_file.h"
#include "video/world/caption.h"
#include "video/world/render.h"
#include "world/judge_check.h"

namespace radial::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kSheetFrames = 4;  // of each clip, spread evenly
constexpr std::int64_t kMostClips = 1000;
constexpr std::int64_t kMostSheetRows = 32, kMostSheetPixels = std::int64_t{1} << 26;
constexpr const char* kSheetName = "sheet.png";

struct WorldRequest {
  std::uint64_t seed = 0, first = 0;
  std::int64_t count = 8;
  int fps = 16;
  video::ClipSize size;
  at::Device device = at::kCPU;
  std::string output;
  bool judge = false, held_out = false, spoilt = false;
  std::int64_t prompts = 0;
};

void check(const WorldRequest& request) {
  if (request.output.empty()) refuse("--output", "a folder", "nothing");
  if (fs::exists(request.output) ? !fs::is_directory(request.output)
                                 : !fs::is_directory(fs::absolute(request.output).parent_path())) {
    refuse("--output", "a folder, or a new one in a folder that exists", request.output);
  }
  if (request.size.width % 2 != 0) {
    refuse("--width", "an even number", std::to_string(request.size.width));
  }
  if (request.size.height % 2 != 0) {
    refuse("--height", "an even number", std::to_string(request.size.height));
  }
}

// Bytes [F, height, width, 3] of a clip [3, F, height, width] in [-1, 1].
at::Tensor screen_bytes(const at::Tensor& clip) {
  const at::Tensor bytes = ((clip + 1) * 127.5).round().to(at::kByte);
  return bytes.permute({1, 2, 3, 0}).contiguous().cpu();
}

// Frames of `bytes` from left to right, their upper edge at `top`.
void place_frames(Image& image, const at::Tensor& bytes, std::int64_t num_frames, int top) {
  const std::int64_t last = bytes.size(0) - 1;
  const int height = static_cast<int>(bytes.size(1)), width = static_cast<int>(bytes.size(2));
  for (std::int64_t i = 0; i < num_frames; ++i) {
    const at::Tensor frame = bytes[num_frames > 1 ? i * last / (num_frames - 1) : 0];
    const auto* pixel = frame.const_data_ptr<std::uint8_t>();
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x, pixel += 3) {
        image.set(static_cast<int>(i) * width + x, top + y, {pixel[0], pixel[1], pixel[2]});
      }
    }
  }
}

void write_picture(const std::string& path, const Image& image, const std::string& about) {
  OutputFile file("--output", path);
  write_png(file, image, about);
  file.commit();
}

/// Draws the clips one after the other and writes each as it is finished.
class WorldRun {
 public:
  explicit WorldRun(const WorldRequest& request)
      : request_(request),
        width_(static_cast<int>(request.size.width)),
        height_(static_cast<int>(request.size.height)),
        sheet_frames_(std::min(kSheetFrames, request.size.num_frames)),
        sheet_rows_(std::clamp<std::int64_t>(
            kMostSheetPixels / (request.size.width * request.size.height * sheet_frames_), 1,
            std::min(request.count, kMostSheetRows))),
        sheet_(static_cast<int>(sheet_frames_) * width_, static_cast<int>(sheet_rows_) * height_,
               Color{}) {}

  int run() {
    fs::create_directories(request_.output);
    for (std::int64_t i = 0; i < request_.count; ++i) {
      const std::uint64_t index = request_.first + static_cast<std::uint64_t>(i);
      const video::Scene scene = video::sample_scene(request_.seed, index);
      const at::Tensor bytes = screen_bytes(render({scene}, request_.size, request_.device)[0]);
      const std::string caption = video::caption(scene, 0);
      const std::string name = write_clip(index, bytes, caption);
      if (i < sheet_rows_)
        place_frames(sheet_, bytes, sheet_frames_, static_cast<int>(i) * height_);
      std::printf("%s  %s\n", name.c_str(), caption.c_str());
    }
    write_picture(path_of(kSheetName), sheet_,
                  concat("synthetic world, seed ", request_.seed, ", from index ", request_.first));
    std::printf("%s\n", kSheetName);
    return kSuccess;
  }

 private:
  std::string path_of(const std::string& name) const {
    return (fs::path(request_.output) / name).string();
  }

  // Returns the name of the file.
  std::string write_clip(std::uint64_t index, const at::Tensor& bytes, const std::string& caption) {
    const std::string number = std::to_string(index);
    const std::string name =
        concat("clip_", std::string(5 - std::min<std::size_t>(5, number.size()), '0'), number);
#if RADIAL_LIBAV
    video::Mp4File file(path_of(name + ".mp4"),
                        {.width = width_,
                         .height = height_,
                         .fps = request_.fps,
                         .metadata = {{"title", caption},
                                      {"comment", concat("synthetic world, seed ", request_.seed,
                                                         ", index ", index)}}});
    const std::size_t frame_bytes = bytes[0].numel();
    const auto* data = bytes.const_data_ptr<std::uint8_t>();
    for (std::int64_t i = 0; i < bytes.size(0); ++i) {
      file.add_frame({data + i * frame_bytes, frame_bytes});
    }
    file.commit();
    return name + ".mp4";
#else
    constexpr std::int64_t kStripFrames = 16;
    const std::int64_t frames = std::min(kStripFrames, bytes.size(0));
    Image strip(static_cast<int>(frames) * width_, height_, Color{});
    place_frames(strip, bytes, frames, 0);
    write_picture(path_of(name + ".png"), strip, caption);
    return name + ".png";
#endif
  }

  const WorldRequest& request_;
  int width_, height_;
  std::int64_t sheet_frames_, sheet_rows_;
  Image sheet_;
};

// Without clips, so without --output.
int judge_clips(const WorldRequest& request) {
  constexpr std::int64_t kLeastSide = 64;
  if (request.size.width % 8 != 0 || request.size.width < kLeastSide) {
    refuse("--width", "a multiple of 8, 64 or more", std::to_string(request.size.width));
  }
  if (request.size.height % 8 != 0 || request.size.height < kLeastSide) {
    refuse("--height", "a multiple of 8, 64 or more", std::to_string(request.size.height));
  }
  const auto fewest = static_cast<std::int64_t>(request.fps * video::kNativeSeconds / 2) + 1;
  if (request.size.num_frames < std::max<std::int64_t>(fewest, 9)) {
    refuse("--num-frames", concat("at least ", std::max<std::int64_t>(fewest, 9), " to be judged"),
           std::to_string(request.size.num_frames));
  }
  if (request.held_out && request.count > video::kMaxHeldOutPrompts) {
    refuse("--count", concat("at most ", video::kMaxHeldOutPrompts, " with --held-out"),
           std::to_string(request.count));
  }
  return check_judge({.seed = request.seed,
                      .first = request.first,
                      .count = request.count,
                      .size = request.size,
                      .device = request.device,
                      .held_out = request.held_out,
                      .spoilt = request.spoilt});
}

}  // namespace

std::function<int()> add_world_options(CLI::App& app) {
  auto request = std::make_shared<WorldRequest>();
  OptionGroup scenes(app, "Scenes"), clips(app, "Clips");
  const auto number = [](OptionGroup& group, const std::string& names, auto* target,
                         IntegerRange range, const std::string& help) {
    group.add_value(
        names, "N",
        [names, target, range](const std::string& text) {
          *target = static_cast<std::remove_pointer_t<decltype(target)>>(
              parse_integer(names, text, range));
        },
        help);
  };
  constexpr IntegerRange kAny{0, std::numeric_limits<std::int64_t>::max() - kMostClips};
  number(scenes, "--seed", &request->seed, kAny, "Which world (default 0)");
  number(scenes, "--first", &request->first, kAny, "Index of the first scene (default 0)");
  number(scenes, "--count", &request->count, {1, kMostClips}, "How many scenes (default 8)");
  number(clips, "--width", &request->size.width, {16, 4096}, "Pixels, even (default 256)");
  number(clips, "--height", &request->size.height, {16, 4096}, "Pixels, even (default 256)");
  number(clips, "--num-frames", &request->size.num_frames, {1, 10000}, "Frames (default 49)");
  number(clips, "--fps", &request->fps, {1, 240}, "Frames a second (default 16)");
  clips.add_value(
      "--device", "DEVICE",
      [request](const std::string& text) { request->device = parse_device("--device", text); },
      "cpu (default), cuda or cuda:N");
  clips.add_value(
      "--output", "FOLDER", [request](const std::string& text) { request->output = text; },
      "Where the clips and the contact sheet go");
  OptionGroup judging(app, "Judging");
  number(judging, "--list-prompts", &request->prompts, {1, video::kMaxHeldOutPrompts},
         "Print the first N held-out prompts, a line each, and draw nothing");
  app.add_flag("--judge", request->judge,
               "Judge the clips instead of writing them, print how often it was right")
      ->group("Judging");
  app.add_flag("--held-out", request->held_out, "Judge clips of the held-out prompts' scenes")
      ->group("Judging");
  app.add_flag("--spoilt", request->spoilt,
               "Judge clips with blur, noise, blocks and shifted colors")
      ->group("Judging");
  return [request] {
    request->size.fps = request->fps;
    if (request->prompts > 0) {
      for (const auto& each : video::held_out_prompts(static_cast<int>(request->prompts))) {
        std::printf("%s\n", each.text.c_str());
      }
      return static_cast<int>(kSuccess);
    }
    if (request->judge) return judge_clips(*request);
    check(*request);
    return WorldRun(*request).run();
  };
}

}  // namespace radial::tools
