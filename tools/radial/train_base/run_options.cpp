#include "train_base/run_options.h"

#include <c10/util/Exception.h>

#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>

#include "command.h"
#include "options/engine_options.h"
#include "options/option_values.h"
#include "options/stop_signals.h"
#include "radial/base/error.h"
#include "train_base/curves.h"
#include "train_base/training_progress.h"
#include "video/nn/interruption.h"

namespace radial::tools {

void RunOptions::add_to(CLI::App& app) {
  OptionGroup group(app, "The run");
  const auto add_integer = [&group](const std::string& name, auto& target, std::int64_t least,
                                    const std::string& help) {
    group.add_value(
        name, "N",
        [&target, name, least](const std::string& text) {
          target = static_cast<std::remove_reference_t<decltype(target)>>(parse_integer(
              name, text, {.least = least, .most = std::numeric_limits<std::int64_t>::max()}));
        },
        help);
  };
  const auto add_seconds = [&group](const std::string& name, double& target,
                                    const std::string& help) {
    group.add_value(
        name, "S",
        [&target, name](const std::string& text) { target = parse_number(name, text, 0, 1e9); },
        help);
  };
  group.add_value(
      "--out,--output,-o", "FOLDER", [this](const std::string& text) { out = text; },
      "The run's folder: settings, log, state, weights, pictures");
  group.add_flag(
      "--resume", [this] { resume = true; },
      "Go on with the run in that folder, which must have the same settings, if there is one");
  add_integer("--steps", limits.steps, 1, "Steps; default: as many as the time allows");
  add_seconds("--max-time-s", limits.seconds,
              "Seconds for the whole run, resumed parts and writing included; the learning rate "
              "follows whichever of steps and time is used up faster");
  group.add_value(
      "--device", "DEVICE",
      [this](const std::string& text) { device = parse_device("--device", text); },
      "cpu (default), cuda or cuda:N");
  add_integer("--seed", seed, 0, "Of all that is drawn; default 0");
  add_integer("--log-every", limits.log_every, 1, "Steps from one line of the log to the next; 20");
  add_integer("--eval-every", limits.eval_every, 1,
              "Steps between evaluations on held-out scenes, besides those at every save");
  add_seconds("--save-every-s", limits.save_every_s,
              "Seconds between saves of state and weights; 60");
  group.add_flag(
      "--quiet,-q", [this] { quiet = true; }, "Print nothing but errors");
}

void RunOptions::check() const {
  if (out.empty()) refuse("--out", "a folder for the run", "");
  if (limits.steps == 0 && limits.seconds == 0) {
    throw InvalidArgument("--steps, --max-time-s: expected one of them, or both, got neither");
  }
  require_device("--device", device);
}

int run_training_part(const RunOptions& options, nlohmann::ordered_json settings,
                      const std::function<std::unique_ptr<video::Trainer>()>& make_trainer) {
  options.check();
  settings["seed"] = options.seed;
  settings["steps"] = options.limits.steps;
  stop_on_signals();
  const video::RunFolder folder(options.out, settings, options.resume);
  TrainingProgress progress(options.quiet);
  try {
    const std::unique_ptr<video::Trainer> trainer = make_trainer();
    const video::TrainingState end =
        video::run_training(*trainer, folder, options.limits,
                            [&progress](const video::RunStatus& status) { progress.show(status); });
    progress.finish();
    draw_curves(folder.path());
    if (!options.quiet) {
      std::printf("trained    %lld steps in %s\nwrote      %s\n", static_cast<long long>(end.steps),
                  duration_text(end.seconds).c_str(), options.out.c_str());
    }
  } catch (const video::Interrupted&) {
    progress.finish();
    std::fprintf(stderr, "radial: interrupted; the same command with --resume goes on\n");
    return kInterrupted;
  } catch (const FormatError& error) {
    throw InvalidArgument(error.what());
  } catch (const c10::Error& error) {  // of torch: too little memory, for one
    const std::string text = error.what_without_backtrace();
    throw Error(concat("the training stopped: ", text.substr(0, text.find('\n'))));
  }
  return kSuccess;
}

}  // namespace radial::tools
