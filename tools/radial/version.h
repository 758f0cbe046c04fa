#pragma once

#include <string>

namespace radial::tools {

/// Version of the command and, one line each, what this machine can compute attention with.
std::string version_text();

}  // namespace radial::tools
