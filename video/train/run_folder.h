#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "video/train/initial_weights.h"

namespace radial::video {

/// Measurements by name, in the order a log shows them.
using LogValues = std::vector<std::pair<std::string, double>>;

/// Where a training stands.
struct TrainingState {
  NamedTensors tensors;  ///< what the trainer needs to go on
  std::int64_t steps = 0;
  double seconds = 0;     ///< of all parts of the run
  bool finished = false;  ///< nothing is left to do: the weights are written, too
};

/// The folder of a training run:
///
/// - settings.json: what decides the result, written once;
/// - log.jsonl: a line of JSON for each logged step, "step" first;
/// - state.safetensors: the last TrainingState that was kept;
/// - what the trainer writes: weights, pictures.
class RunFolder {
 public:
  /// Begins a run in `path`, which is made if need be, its parent not; with `resume`, goes on with
  /// the run that is there, if one is: one that has kept a state. Throws InvalidArgument if a run
  /// is there and `resume` is not asked for, or its settings are others (naming the first that
  /// differs), Error if the folder cannot be written.
  RunFolder(std::filesystem::path path, const nlohmann::ordered_json& settings, bool resume);

  const std::filesystem::path& path() const { return path_; }

  /// The last state kept, whose log ends where it stood: later lines are removed. Throws
  /// FormatError if the file is none.
  std::optional<TrainingState> load_state() const;
  /// To a temporary name, then renamed: the file is whole at any time.
  void save_state(const TrainingState& state) const;

  void append_log(std::int64_t step, const LogValues& values) const;

 private:
  std::filesystem::path state_path() const { return path_ / "state.safetensors"; }
  std::filesystem::path log_path() const { return path_ / "log.jsonl"; }
  void cut_log(std::int64_t steps) const;

  std::filesystem::path path_;
};

/// "seed 1, not 2" for the first entry in which `kept` differs from `wanted`.
std::optional<std::string> first_difference(const nlohmann::ordered_json& kept,
                                            const nlohmann::ordered_json& wanted);

/// Writes `text` to a temporary name beside `path`, then renames it. Throws Error if that fails.
void write_text_file(const std::filesystem::path& path, const std::string& text);

}  // namespace radial::video
