#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "command.h"
#include "options/command_line.h"
#include "options/help_formatter.h"
#include "radial/base/error.h"
#include "version.h"

namespace radial::tools {
namespace {

struct RunnableCommand {
  const CLI::App* app;
  std::function<int()> run;
};

std::vector<RunnableCommand> add_commands(CLI::App& root) {
  std::vector<RunnableCommand> runnable;
  for (const Command& command : commands()) {
    CLI::App* app = root.add_subcommand(command.name, command.summary);
    app->group("Commands");
    app->set_help_flag("--help,-h", "Show this help")->group("");  // known to who reads it
    runnable.push_back({app, command.add_options(*app)});
  }
  return runnable;
}

int fail(int exit_code, const std::string& message) {
  std::fprintf(stderr, "radial: %s\n", message.c_str());
  return exit_code;
}

int run(int argc, const char* const* argv) {
  CLI::App root("radial: sparse attention for long videos (radial attention, arXiv 2506.19852)");
  root.formatter(std::make_shared<HelpFormatter>());
  root.set_help_flag("--help,-h", "Show this help")->group("Options");
  root.set_version_flag("--version", version_text, "Show the version and what this machine can run")
      ->group("Options");
  root.footer("'radial COMMAND --help' explains a command. In option names - and _ are the same.");
  root.require_subcommand(0, 1);
  const std::vector<RunnableCommand> runnable = add_commands(root);
  try {
    root.parse(normalized_arguments(argc, argv));
  } catch (const CLI::Success& request) {  // help or version
    return root.exit(request);
  } catch (const CLI::ParseError& error) {
    return fail(kBadUsage, explain(error, root));
  }
  for (const RunnableCommand& command : runnable) {
    if (command.app->parsed()) return command.run();
  }
  std::fputs(root.help().c_str(), stderr);
  return kBadUsage;
}

}  // namespace
}  // namespace radial::tools

int main(int argc, char** argv) {
  using namespace radial::tools;
  try {
    return run(argc, argv);
  } catch (const radial::InvalidArgument& error) {
    return fail(kBadUsage, error.what());
  } catch (const std::bad_alloc&) {
    return fail(kFailure, "memory: not enough for what was asked");
  } catch (const std::exception& error) {
    return fail(kFailure, error.what());
  }
}
