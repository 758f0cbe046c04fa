#include "options/output_path.h"

#include <filesystem>

#include "options/option_values.h"

namespace radial::tools {

namespace fs = std::filesystem;

void require_output_path(std::string_view option, const std::string& path) {
  if (path.empty()) refuse(option, "a file to write", "");
  if (!fs::is_directory(fs::absolute(path).parent_path())) {
    refuse(option, "a file in a folder that exists", path);
  }
  if (fs::is_directory(path)) refuse(option, "a file, not a folder", path);
}

}  // namespace radial::tools
