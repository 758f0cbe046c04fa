#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "command.h"
#include "stage/stages.h"

namespace radial::tools {
namespace {

struct RunnableStage {
  const CLI::App* app;
  std::function<int()> run;
};

std::function<int()> add_stages(CLI::App& app) {
  auto runnable = std::make_shared<std::vector<RunnableStage>>();
  for (const Command& stage : stages()) {
    CLI::App* const stage_app = app.add_subcommand(stage.name, stage.summary);
    stage_app->group("Stages");
    stage_app->set_help_flag("--help,-h", "Show this help")->group("");
    runnable->push_back({stage_app, stage.add_options(*stage_app)});
  }
  app.require_subcommand(1);
  return [runnable] {
    for (const RunnableStage& stage : *runnable) {
      if (stage.app->parsed()) return stage.run();
    }
    return kBadUsage;
  };
}

}  // namespace

Command stage_command() {
  return {.name = "stage",
          .summary = "Run one part of the pipeline alone, from and to safetensors",
          .add_options = add_stages};
}

}  // namespace radial::tools
