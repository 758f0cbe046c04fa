#pragma once

#include <string>

#include "output/image.h"
#include "output/output_file.h"

namespace radial::tools {

/// Writes `image` as an 8-bit RGB PNG with `description` as its text chunk "Description". Throws
/// Error if that fails; the caller commits `file`.
void write_png(OutputFile& file, const Image& image, const std::string& description);

}  // namespace radial::tools
