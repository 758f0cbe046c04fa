#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "bench/benches.h"
#include "command.h"

namespace radial::tools {
namespace {

struct RunnableBench {
  const CLI::App* app;
  std::function<int()> run;
};

std::vector<Command> benches() {
#if RADIAL_ENGINE_COMMANDS
  return {attention_bench(), dit_bench()};
#else
  return {attention_bench()};
#endif
}

std::function<int()> add_benches(CLI::App& app) {
  auto runnable = std::make_shared<std::vector<RunnableBench>>();
  for (const Command& bench : benches()) {
    CLI::App* const bench_app = app.add_subcommand(bench.name, bench.summary);
    bench_app->group("What to time");
    bench_app->set_help_flag("--help,-h", "Show this help")->group("");
    runnable->push_back({bench_app, bench.add_options(*bench_app)});
  }
  app.require_subcommand(1);
  return [runnable] {
    for (const RunnableBench& bench : *runnable) {
      if (bench.app->parsed()) return bench.run();
    }
    return kBadUsage;
  };
}

}  // namespace

Command bench_command() {
  return {.name = "bench",
          .summary = "Time attention or a transformer under a mask on this machine",
          .add_options = add_benches};
}

}  // namespace radial::tools
