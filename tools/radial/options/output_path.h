#pragma once

#include <string>
#include <string_view>

namespace radial::tools {

/// Throws InvalidArgument naming `option` unless `path` names a file, there or not, in a folder
/// that exists: so that no work is done for a file that cannot be written.
void require_output_path(std::string_view option, const std::string& path);

}  // namespace radial::tools
