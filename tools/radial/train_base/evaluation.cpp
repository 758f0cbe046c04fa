#include "train_base/evaluation.h"

#include <ATen/TensorOperators.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "radial/base/error.h"
#include "train_base/clip_picture.h"
#include "train_base/evaluation_report.h"
#include "video/nn/interruption.h"
#include "video/train/video_similarity.h"
#include "video/world/judge.h"

namespace radial::tools {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostRows = 40;
constexpr std::int64_t kSheetFrameWidth = 128;
constexpr unsigned kMostTasks = 16;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Json json_of(const video::Judgement& judgement) {
  Json result;
  for (std::size_t i = 0; i < judgement.verdicts.size(); ++i) {
    const video::Verdict& verdict = judgement.verdicts[i];
    result[std::string(video::kAttributeNames[i])] = {
        {"right", verdict.is_right}, {"wanted", verdict.wanted}, {"seen", verdict.seen}};
  }
  result["all"] = judgement.all();
  return result;
}

// What is seen in `frames` and, if `reference` is defined, how near they are to it.
Json findings_of(const at::Tensor& frames, const at::Tensor& reference, int fps,
                 const video::CaptionFacts& wanted) {
  Json findings{{"judged", json_of(video::judge(frames, fps, wanted))}};
  if (reference.defined()) {
    const double psnr = video::psnr_of_frames(frames, reference);
    findings["psnr"] = std::isfinite(psnr) ? Json(psnr) : Json();
    findings["ssim"] = video::ssim_of_frames(frames, reference);
  }
  return findings;
}

// Finding out what a clip shows takes a core about a second: beside a GPU's work, not a CPU's.
std::size_t num_tasks(at::Device device) {
  if (device.is_cpu()) return 0;
  return std::clamp(std::thread::hardware_concurrency(), 1u, kMostTasks);
}

std::size_t num_missing(const std::vector<EvaluatedClips>& settings, std::size_t num_prompts) {
  std::size_t count = 0;
  for (const EvaluatedClips& clips : settings) {
    for (std::size_t i = 0; i < num_prompts; ++i) count += clips.has_findings(i) ? 0 : 1;
  }
  return count;
}

}  // namespace

Evaluation::Evaluation(std::vector<EvaluatedPrompt> prompts, std::vector<EvaluatedClips> settings,
                       std::size_t batch_size, bool quiet)
    : prompts_(std::move(prompts)),
      settings_(std::move(settings)),
      batch_size_(batch_size),
      progress_(num_missing(settings_, prompts_.size()), quiet),
      tasks_(num_tasks(settings_[0].request().engine.load().device)) {}

void Evaluation::run() {
  const c10::InferenceMode no_gradients;
  for (const EvaluatedClips& clips : settings_) clips.begin();
  for (std::size_t first = 0; first < prompts_.size(); first += batch_size_) {
    Indexes batch;
    for (std::size_t i = first; i < std::min(first + batch_size_, prompts_.size()); ++i) {
      batch.push_back(i);
    }
    for (const EvaluatedClips& clips : settings_) {
      const Indexes indexes = missing(clips, batch);
      if (!indexes.empty()) make(clips, indexes);
    }
    frames_.clear();
  }
  tasks_.finish();
}

Evaluation::Indexes Evaluation::missing(const EvaluatedClips& clips, const Indexes& among) const {
  Indexes indexes;
  for (const std::size_t i : among) {
    if (!clips.has_findings(i)) indexes.push_back(i);
  }
  return indexes;
}

void Evaluation::make(const EvaluatedClips& clips, const Indexes& indexes) {
  const ClipMaker& model = maker();
  const bool is_first = &clips == &settings_.front();
  const auto count = static_cast<double>(indexes.size());
  const int num_steps = clips.plan().schedule.num_steps();
  const Clock::time_point start = Clock::now();
  const at::Tensor latents = model.denoise(clips, indexes, [&](const video::DenoiseProgress& done) {
    progress_.show(clips.name(), indexes, static_cast<double>(done.steps_done) / num_steps);
  });
  const double denoising = seconds_since(start) / count;
  for (std::size_t k = 0; k < indexes.size(); ++k) {
    video::stop_if_requested();
    const std::size_t index = indexes[k];
    const at::Tensor own = latents.narrow(0, static_cast<std::int64_t>(k), 1).clone();
    const Clock::time_point begin = Clock::now();
    const at::Tensor frames = model.frames(own);
    const Json seconds{{"denoising", denoising}, {"decoding", seconds_since(begin)}};
    const at::Tensor compared_with = is_first ? at::Tensor() : reference(index);
    if (is_first && settings_.size() > 1) frames_[index] = frames;
    if (index * settings_.size() < kMostRows) {
      pictures_[concat(clips.name(), index)] = picture_frames(frames, kSheetFrameWidth);
    }
    tasks_.add(
        [&clips, index, own, frames, compared_with, seconds, wanted = prompts_[index].facts] {
          clips.keep_clip(index, own, frames);
          Json findings = findings_of(frames, compared_with, clips.request().fps, wanted);
          findings["seconds"] = seconds;
          clips.keep_findings(index, findings);
        });
  }
  progress_.add_done(indexes.size());
}

// The first setting's frames: those just made, or again from the latents that were kept.
at::Tensor Evaluation::reference(std::size_t index) {
  const auto found = frames_.find(index);
  if (found != frames_.end()) return found->second;
  return frames_[index] = maker().frames(settings_.front().latents(index));
}

ClipMaker& Evaluation::maker() {
  if (!maker_) {
    std::vector<std::string> texts;
    for (const EvaluatedPrompt& prompt : prompts_) texts.push_back(prompt.text);
    maker_ = std::make_unique<ClipMaker>(settings_[0].request(), settings_[0].plan(), texts);
  }
  return *maker_;
}

at::Tensor Evaluation::picture(const EvaluatedClips& clips, std::size_t index) {
  const std::string key = concat(clips.name(), index);
  if (!pictures_.contains(key)) {
    pictures_[key] = picture_frames(maker().frames(clips.latents(index)), kSheetFrameWidth);
  }
  return pictures_.at(key);
}

void Evaluation::write(const std::filesystem::path& folder) {
  const c10::InferenceMode no_gradients;
  write_text_file(
      folder / "evaluation.json",
      evaluation_json(prompts_, settings_).dump(2, ' ', false, Json::error_handler_t::replace) +
          "\n");
  std::vector<at::Tensor> rows;
  std::string about = "a prompt after the other, each:";
  for (const EvaluatedClips& clips : settings_) about += " " + clips.name();
  const std::size_t num_rows = std::max<std::size_t>(1, kMostRows / settings_.size());
  for (std::size_t i = 0; i < std::min(num_rows, prompts_.size()); ++i) {
    for (const EvaluatedClips& clips : settings_) rows.push_back(picture(clips, i));
  }
  write_clip_rows(folder / "sheet.png", rows, about);
}

}  // namespace radial::tools
