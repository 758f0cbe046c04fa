#include "train_base/evaluated_clips.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "command.h"
#include "generate/plan.h"
#include "generate/run.h"
#include "options/option_values.h"
#include "radial/base/error.h"
#include "video/checkpoint/checkpoint_source.h"
#include "video/checkpoint/json_text.h"

namespace radial::tools {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kVideo = RADIAL_LIBAV ? ".mp4" : ".png";
constexpr const char* kFrames = ".safetensors";

// All that decides the clips: the first one's settings, the frame rate that they are judged at, and
// the prompts.
std::string settings_of(const GenerateRequest& first, const std::vector<std::string>& prompts) {
  const GeneratePlan plan = plan_run(first);
  Json settings;
  for (const auto& [name, value] : run_settings(first, plan, plan.jobs.front())) {
    settings[name] = value;
  }
  settings["fps"] = std::to_string(first.fps);
  settings["prompts"] = prompts;
  return settings.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
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
    : folder_(std::move(folder)), request_(request), prompts_(std::move(prompts)) {
  GenerateRequest first = request_;
  first.prompt = prompts_.front();
  first.output_path = concat("clip", kVideo);  // only checked
  settings_ = settings_of(first, prompts_);
  if (!fs::exists(record_path())) return;
  const std::string kept = video::read_text_file(record_path().string());
  if (kept == settings_) return;
  throw InvalidArgument(concat("--out: expected a new folder or one of the same settings, got ",
                               folder_.string(), " with other ",
                               first_difference(kept, settings_)));
}

int EvaluatedClips::make() const {
  fs::create_directories(folder_);
  write_text_file(record_path(), settings_);
  for (std::size_t i = 0; i < prompts_.size(); ++i) {
    if (fs::exists(path(i, kFrames))) continue;
    if (!request_.quiet) {
      std::fprintf(stderr, "%s: clip %zu of %zu\n", folder_.filename().c_str(), i + 1,
                   prompts_.size());
    }
    const GenerateRequest one = request_of(i);
    const int code = run_generate(one);
    if (code != kSuccess) return code;
    fs::rename(*one.save_frames_path, path(i, kFrames));  // the last thing done: the clip is whole
  }
  return kSuccess;
}

at::Tensor EvaluatedClips::frames(std::size_t index) const {
  return video::load_tensors(path(index, kFrames)).at("frames").squeeze(0);
}

GenerateRequest EvaluatedClips::request_of(std::size_t index) const {
  GenerateRequest request = request_;
  request.prompt = prompts_[index];
  request.seed = seed(index);
  request.output_path = path(index, kVideo).string();
  request.save_frames_path = path(index, ".unfinished").string();
  request.quiet = true;
  return request;
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
