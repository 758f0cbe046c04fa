#include "command_runner.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace radial::test {
namespace {

[[noreturn]] void become_command(const std::vector<std::string>& arguments,
                                 const std::filesystem::path& folder,
                                 const std::filesystem::path& out,
                                 const std::filesystem::path& err) {
  std::vector<char*> argv = {const_cast<char*>("radial")};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const int out_file = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int err_file = ::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::dup2(out_file, STDOUT_FILENO);
  ::dup2(err_file, STDERR_FILENO);
  if (::chdir(folder.c_str()) == 0) ::execv(RADIAL_COMMAND, argv.data());
  ::_exit(127);
}

}  // namespace

CommandResult run_radial(const std::vector<std::string>& arguments,
                         const std::filesystem::path& folder) {
  return RunningCommand(arguments, folder).wait();
}

RunningCommand::RunningCommand(const std::vector<std::string>& arguments,
                               const std::filesystem::path& folder)
    : child_(::fork()) {
  if (child_ == 0) {
    become_command(arguments, folder, outputs_.path() / "out", outputs_.path() / "err");
  }
  if (child_ < 0) throw std::runtime_error("fork failed");
}

RunningCommand::~RunningCommand() {
  if (child_ == 0) return;
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
}

bool RunningCommand::says(const std::string& text) const {
  siginfo_t state{};
  do {
    std::error_code missing;
    if (std::filesystem::exists(outputs_.path() / "err", missing) &&
        read_file(outputs_.path() / "err").find(text) != std::string::npos) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    // Leaves the child to be waited for.
    if (::waitid(P_PID, child_, &state, WEXITED | WNOHANG | WNOWAIT) != 0) return false;
  } while (state.si_pid == 0);
  return false;
}

void RunningCommand::send(int signal) const { ::kill(child_, signal); }

CommandResult RunningCommand::wait() {
  int status = 0;
  if (::waitpid(child_, &status, 0) != child_) throw std::runtime_error("waitpid failed");
  child_ = 0;
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(outputs_.path() / "out"),
          read_file(outputs_.path() / "err")};
}

std::vector<std::string> words(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<std::string>(stream), {}};
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "radial-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::vector<std::string> TemporaryFolder::names() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace radial::test
