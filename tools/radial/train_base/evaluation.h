#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "train_base/clip_maker.h"
#include "train_base/evaluated_clips.h"
#include "train_base/evaluation_progress.h"
#include "train_base/task_pool.h"
#include "video/world/caption.h"

namespace radial::tools {

struct EvaluatedPrompt {
  std::string text;
  video::CaptionFacts facts;
};

/// Makes the clips of all settings that are not there yet, prompt by prompt, and finds out what
/// they show and, where there are several settings, how near they come to the first one's.
class Evaluation {
 public:
  Evaluation(std::vector<EvaluatedPrompt> prompts, std::vector<EvaluatedClips> settings,
             std::size_t batch_size, bool quiet);

  /// Throws Interrupted; what is done by then is kept.
  void run();

  /// evaluation.json and sheet.png in `folder`.
  void write(const std::filesystem::path& folder);
  const std::vector<EvaluatedClips>& settings() const { return settings_; }
  std::size_t num_prompts() const { return prompts_.size(); }

 private:
  using Indexes = std::vector<std::size_t>;

  Indexes missing(const EvaluatedClips& clips, const Indexes& among) const;
  void make(const EvaluatedClips& clips, const Indexes& indexes);
  at::Tensor reference(std::size_t index);
  at::Tensor picture(const EvaluatedClips& clips, std::size_t index);
  ClipMaker& maker();

  std::vector<EvaluatedPrompt> prompts_;
  std::vector<EvaluatedClips> settings_;
  std::size_t batch_size_;
  std::unique_ptr<ClipMaker> maker_;            ///< null until it is needed
  std::map<std::size_t, at::Tensor> frames_;    ///< the first setting's, of the prompts at work
  std::map<std::string, at::Tensor> pictures_;  ///< rows of sheet.png that are known
  EvaluationProgress progress_;
  TaskPool tasks_;
};

}  // namespace radial::tools
