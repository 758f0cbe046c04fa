#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace radial::test {

struct CommandResult {
  int exit_code = -1;  ///< -1: it was killed by a signal
  std::string out, err;
};

/// Runs `radial` with `arguments` in `folder`.
CommandResult run_radial(const std::vector<std::string>& arguments,
                         const std::filesystem::path& folder = ".");

/// Words of `line` at its spaces: `words("mask --grid 2,4,4")`.
std::vector<std::string> words(const std::string& line);

/// A fresh empty folder, removed with what is in it at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::vector<std::string> names() const;  ///< of what lies in it, sorted

 private:
  std::filesystem::path path_;
};

/// `radial` while it runs. What it printed is whole once it has ended.
class RunningCommand {
 public:
  RunningCommand(const std::vector<std::string>& arguments, const std::filesystem::path& folder);
  ~RunningCommand();  ///< kills it if nobody waited for it
  RunningCommand(const RunningCommand&) = delete;
  RunningCommand& operator=(const RunningCommand&) = delete;

  /// Whether `text` appears on stderr before the command ends.
  bool says(const std::string& text) const;
  void send(int signal) const;
  CommandResult wait();

 private:
  TemporaryFolder outputs_;
  pid_t child_;
};

std::string read_file(const std::filesystem::path& path);

}  // namespace radial::test
