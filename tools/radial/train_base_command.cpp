#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "command.h"
#include "train_base/parts.h"

namespace radial::tools {
namespace {

struct RunnablePart {
  const CLI::App* app;
  std::function<int()> run;
};

std::function<int()> add_parts(CLI::App& app) {
  auto runnable = std::make_shared<std::vector<RunnablePart>>();
  for (const Command& part : training_parts()) {
    CLI::App* const part_app = app.add_subcommand(part.name, part.summary);
    part_app->group("Parts");
    part_app->set_help_flag("--help,-h", "Show this help")->group("");
    runnable->push_back({part_app, part.add_options(*part_app)});
  }
  app.require_subcommand(1);
  return [runnable] {
    for (const RunnablePart& part : *runnable) {
      if (part.app->parsed()) return part.run();
    }
    return kBadUsage;
  };
}

}  // namespace

Command train_base_command() {
  return {.name = "train-base",
          .summary = "Train a small Wan2.1-form model from nothing, part by part",
          .add_options = add_parts};
}

}  // namespace radial::tools
