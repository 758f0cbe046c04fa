#include "video/train/training_run.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "radial/base/error.h"
#include "support/temporary_folder.h"
#include "video/checkpoint/checkpoint_source.h"
#include "video/nn/interruption.h"

namespace radial::video {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

// Its state is the number of steps that reached it; can be stopped at one of them.
class CountingTrainer : public Trainer {
 public:
  void step(const TrainingMoment& moment) override {
    if (moment.step == interrupted_at) throw Interrupted("interrupted");
    moments.push_back(moment);
    if (sleep.count() > 0) std::this_thread::sleep_for(sleep);
    count_.add_(1);
  }
  LogValues measured() override { return {{"loss", 1.0 / count_.item<double>()}}; }
  LogValues evaluated() override {
    ++evaluations;
    return {{"held_out", 7}};
  }
  std::int64_t clips_per_step() const override { return 2; }
  NamedTensors state() const override { return {{"count", count_}}; }
  void load_state(const NamedTensors& tensors) override { count_.copy_(tensors.at("count")); }
  void write_results(const fs::path& folder) override {
    if (is_writing_interrupted) throw Interrupted("interrupted");
    write_text_file(folder / "weights", std::to_string(count_.item<double>()));
    ++writes;
  }

  std::vector<TrainingMoment> moments;
  std::int64_t interrupted_at = -1;
  bool is_writing_interrupted = false;
  std::chrono::milliseconds sleep{0};
  int evaluations = 0, writes = 0;

 private:
  at::Tensor count_ = at::zeros({1});
};

std::vector<ordered_json> log_of(const fs::path& folder) {
  std::ifstream file(folder / "log.jsonl");
  std::vector<ordered_json> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(ordered_json::parse(line));
  return lines;
}

const ordered_json kSettings{{"seed", 1}, {"rate", 0.5}, {"name", "x"}};

TEST(TrainingRun, LogsAndKeepsAndWritesAtTheEnd) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "run";
  CountingTrainer trainer;
  const TrainingState end =
      run_training(trainer, RunFolder(path, kSettings, false), {.steps = 10, .log_every = 4}, {});
  EXPECT_EQ(end.steps, 10);
  EXPECT_TRUE(end.finished);
  ASSERT_EQ(trainer.moments.size(), 10u);
  EXPECT_DOUBLE_EQ(trainer.moments[0].progress, 0);
  EXPECT_DOUBLE_EQ(trainer.moments[5].progress, 0.5);
  const std::vector<ordered_json> log = log_of(path);
  std::vector<int> steps;
  for (const ordered_json& line : log) steps.push_back(line.at("step"));
  EXPECT_EQ(steps, (std::vector<int>{1, 4, 8, 10, 10}));
  EXPECT_DOUBLE_EQ(log[1].at("loss"), 0.25);
  EXPECT_GT(log[1].at("clips_per_s"), 0);
  EXPECT_TRUE(log[1].contains("seconds"));
  EXPECT_EQ(log.back().at("held_out"), 7);
  EXPECT_TRUE(fs::exists(path / "weights"));
  const ordered_json settings = ordered_json::parse(std::ifstream(path / "settings.json"));
  EXPECT_EQ(settings, kSettings);
}

TEST(TrainingRun, GoesOnAfterAnInterruptionWithTheLogOfTheState) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "run";
  CountingTrainer first;
  first.interrupted_at = 6;
  const RunLimits limits{.steps = 10, .log_every = 1};
  EXPECT_THROW(run_training(first, RunFolder(path, kSettings, false), limits, {}), Interrupted);
  EXPECT_EQ(first.writes, 0);
  // What a process killed later would have logged beyond its last state, and a line half written.
  std::ofstream(path / "log.jsonl", std::ios::app) << "{\"step\":7}\n{\"step\":";
  CountingTrainer second;
  const TrainingState end = run_training(second, RunFolder(path, kSettings, true), limits, {});
  EXPECT_EQ(end.steps, 10);
  ASSERT_EQ(second.moments.size(), 4u);
  EXPECT_EQ(second.moments[0].step, 6);
  EXPECT_EQ(second.state().at("count").item<double>(), 10);
  std::vector<int> steps;
  for (const ordered_json& line : log_of(path)) steps.push_back(line.at("step"));
  EXPECT_EQ(steps, (std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10}));
}

TEST(TrainingRun, DoesNothingOnceItIsFinished) {
  const TemporaryFolder folder;
  CountingTrainer first, second;
  const RunLimits limits{.steps = 3};
  run_training(first, RunFolder(folder.path(), kSettings, false), limits, {});
  run_training(second, RunFolder(folder.path(), kSettings, true), limits, {});
  EXPECT_TRUE(second.moments.empty());
  EXPECT_EQ(second.writes, 0);
}

TEST(TrainingRun, WritesItsResultsWhenTheyWereInterrupted) {
  const TemporaryFolder folder;
  CountingTrainer first, second;
  first.is_writing_interrupted = true;
  const RunLimits limits{.steps = 3};
  EXPECT_THROW(run_training(first, RunFolder(folder.path(), kSettings, false), limits, {}),
               Interrupted);
  run_training(second, RunFolder(folder.path(), kSettings, true), limits, {});
  EXPECT_TRUE(second.moments.empty());
  EXPECT_EQ(second.writes, 1);
}

TEST(TrainingRun, EndsWithinItsTimeAndProgressesByIt) {
  const TemporaryFolder folder;
  CountingTrainer trainer;
  trainer.sleep = std::chrono::milliseconds(5);
  const auto begin = std::chrono::steady_clock::now();
  const TrainingState end = run_training(trainer, RunFolder(folder.path(), kSettings, false),
                                         {.seconds = 1.0, .save_every_s = 0.2, .begin = begin}, {});
  EXPECT_LT(end.seconds, 1.5) << "more than a machine under load may be late by";
  EXPECT_TRUE(end.finished);
  EXPECT_GE(trainer.writes, 3);
  EXPECT_EQ(trainer.evaluations, trainer.writes);
  ASSERT_GT(trainer.moments.size(), 5u);
  double last = 0;
  for (const TrainingMoment& moment : trainer.moments) {
    EXPECT_LE(moment.progress, 1);
    last = moment.progress;
  }
  EXPECT_GT(last, 0.8);
  // The time is that of all parts: nothing is left for another one.
  CountingTrainer again;
  again.sleep = trainer.sleep;
  run_training(again, RunFolder(folder.path(), kSettings, true), {.seconds = 1.0}, {});
  EXPECT_TRUE(again.moments.empty());
}

TEST(TrainingRun, TellsItsObserverTheTimeLeft) {
  const TemporaryFolder folder;
  CountingTrainer trainer;
  std::vector<RunStatus> told;
  run_training(trainer, RunFolder(folder.path(), kSettings, false),
               {.steps = 4, .log_every = 2, .eval_every = 2},
               [&told](const RunStatus& status) { told.push_back(status); });
  ASSERT_EQ(told.size(), 5u);  // steps 1, 2, evaluation, 4, evaluation
  EXPECT_EQ(told[2].values.front().first, "held_out");
  EXPECT_EQ(told.back().steps, 4);
  EXPECT_GE(told[1].seconds_left, 0);
  EXPECT_TRUE(std::isfinite(told[1].seconds_left));
}

TEST(TrainingRun, NeedsALimit) {
  EXPECT_THROW(RunLimits{}.check(), InvalidArgument);
  EXPECT_THROW((RunLimits{.steps = 1, .log_every = 0}.check()), InvalidArgument);
  EXPECT_THROW((RunLimits{.steps = 1, .save_every_s = 0}.check()), InvalidArgument);
}

template <typename Call>
std::string refusal(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

TEST(RunFolder, IsOfOneRunWithOneSetOfSettings) {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "run").string();
  RunFolder(path, {{"seed", 2}}, true);           // there is none: begins one
  const RunFolder first(path, kSettings, false);  // the one before came to nothing
  first.save_state({.tensors = {{"a", at::zeros({1})}}});
  EXPECT_EQ(refusal([&] { RunFolder(path, kSettings, false); }),
            "--out: expected a folder without a run, got '" + path + "'; --resume goes on with it");
  ordered_json others = kSettings;
  others["rate"] = 0.25;
  EXPECT_EQ(
      refusal([&] { RunFolder(path, others, true); }),
      "--resume: expected a run of the same settings, got " + path + " with rate 0.5, not 0.25");
  others = kSettings;
  others["new"] = "y";
  EXPECT_EQ(first_difference(kSettings, others), "new none, not y");
  EXPECT_EQ(first_difference(others, kSettings), "new y, not none");
  EXPECT_EQ(first_difference(others, others), std::nullopt);
}

TEST(RunFolder, RefusesWhatItCannotUse) {
  const TemporaryFolder folder;
  const fs::path nowhere = folder.path() / "none" / "run";
  EXPECT_EQ(refusal([&] { RunFolder(nowhere, kSettings, false); }),
            "--out: expected a folder, or a new one in a folder that exists, got '" +
                nowhere.string() + "'");
  const RunFolder run(folder.path(), kSettings, false);
  save_tensors(folder.path() / "state.safetensors", {{"count", at::zeros({1})}});
  EXPECT_EQ(refusal([&] { run.load_state(); }),
            (folder.path() / "state.safetensors").string() + ": expected the state of a training");
}

TEST(RunFolder, KeepsAStateWhole) {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), kSettings, false);
  EXPECT_FALSE(run.load_state());
  run.save_state({.tensors = {{"a", at::full({2}, 3.0)}}, .steps = 12, .seconds = 0.1});
  const auto state = run.load_state();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->steps, 12);
  EXPECT_EQ(state->seconds, 0.1);
  EXPECT_FALSE(state->finished);
  EXPECT_TRUE(state->tensors.at("a").equal(at::full({2}, 3.0)));
}

TEST(RunFolder, LogsWhatIsNoNumberAsNull) {
  const TemporaryFolder folder;
  const RunFolder run(folder.path(), kSettings, false);
  run.append_log(3, {{"loss", std::nan("")}, {"rate", 1.0 / 3}});
  std::ifstream file(folder.path() / "log.jsonl");
  std::string line;
  std::getline(file, line);
  EXPECT_EQ(line, R"({"step":3,"loss":null,"rate":0.333333})");
}

}  // namespace
}  // namespace radial::video
