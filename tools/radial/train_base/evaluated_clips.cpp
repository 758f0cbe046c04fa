#include "train_base/evaluated_clips.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <fstream>

#include "generate/video_output.h"
#include "options/option_values.h"
#include "radial/base/error.h"
#include "train_base/clip_picture.h"
#include "video/checkpoint/checkpoint_source.h"
#include "video/checkpoint/json_text.h"

namespace radial::tools {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kVideo = RADIAL_LIBAV ? ".mp4" : ".png";
constexpr const char* kLatents = ".safetensors";
constexpr const char* kFindings = ".json";

std::string text_of_json(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

// The request for the first clip, which is checked in place of all.
GenerateRequest first_request(const GenerateRequest& request, const std::string& prompt) {
  GenerateRequest first = request;
  first.prompt = prompt;
  first.output_path = concat("clip", kVideo);  // only checked
  return first;
}

// All that decides the clips: the first one's settings, the frame rate that they are judged at, and
// the prompts.
std::string settings_of(const GenerateRequest& request, const GeneratePlan& plan,
                        const std::vector<std::string>& prompts) {
  Json settings;
  for (const auto& [name, value] : run_settings(request, plan, plan.jobs.front())) {
    settings[name] = value;
  }
  settings["fps"] = std::to_string(request.fps);
  settings["prompts"] = prompts;
  return text_of_json(settings);
}

std::string first_difference(const std::string& kept_text, const std::string& wanted_text) {
  const Json kept = Json::parse(kept_text, nullptr, false), wanted = Json::parse(wanted_text);
  for (const auto& [name, value] : wanted.items()) {
    if (!kept.is_object() || !kept.contains(name) || kept[name] != value) return name;
  }
  return "settings";
}

}  // namespace

EvaluatedClips::EvaluatedClips(fs::path folder, const GenerateRequest& request,
                               std::vector<std::string> prompts)
    : folder_(std::move(folder)),
      request_(request),
      prompts_(std::move(prompts)),
      plan_(plan_run(first_request(request_, prompts_.front()))),
      settings_(settings_of(request_, plan_, prompts_)) {
  if (!fs::exists(record_path())) return;
  const std::string kept = video::read_text_file(record_path().string());
  if (kept == settings_) return;
  throw InvalidArgument(concat("--out: expected a new folder or one of the same settings, got ",
                               folder_.string(), " with other ",
                               first_difference(kept, settings_)));
}

void EvaluatedClips::begin() const {
  fs::create_directories(folder_);
  write_text_file(record_path(), settings_);
}

void EvaluatedClips::keep_clip(std::size_t index, const at::Tensor& latents,
                               const at::Tensor& frames) const {
  video::save_tensors(path(index, kLatents), {{"latents", latents}});
  const std::string file = path(index, kVideo).string();
  if (RADIAL_LIBAV) {
    VideoOutput(file, request_.size, request_.fps)
        .write(frames.unsqueeze(0), {{"title", prompts_[index]}});
  } else {
    write_clip_rows(file, {picture_frames(frames, frames.size(3))}, prompts_[index]);
  }
}

at::Tensor EvaluatedClips::latents(std::size_t index) const {
  return video::load_tensors(path(index, kLatents)).at("latents");
}

bool EvaluatedClips::has_findings(std::size_t index) const {
  return fs::exists(path(index, kFindings));
}

void EvaluatedClips::keep_findings(std::size_t index, const Json& findings) const {
  const fs::path unfinished = path(index, ".unfinished");
  write_text_file(unfinished, text_of_json(findings));
  fs::rename(unfinished, path(index, kFindings));
}

Json EvaluatedClips::findings(std::size_t index) const {
  const std::string file = path(index, kFindings).string();
  const Json json = Json::parse(video::read_text_file(file), nullptr, false);
  if (!json.is_object()) throw Error(concat(file, ": expected JSON of an evaluated clip"));
  return json;
}

fs::path EvaluatedClips::path(std::size_t index, const std::string& extension) const {
  const std::string digits = std::to_string(index + 1);
  const std::string padding(4 - std::min<std::size_t>(4, digits.size()), '0');
  return folder_ / concat("clip_", padding, digits, extension);
}

void write_text_file(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw Error(concat("cannot write ", path.string()));
}

}  // namespace radial::tools
