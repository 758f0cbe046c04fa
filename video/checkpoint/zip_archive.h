#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

namespace radial::video {

/// The uncompressed members of a zip archive in memory, by name (zip64 included). Throws
/// FormatError, beginning with `source`, for a damaged archive, a compressed member, or a name
/// twice.
std::map<std::string, std::span<const std::byte>> read_zip_members(std::span<const std::byte> file,
                                                                   const std::string& source);

}  // namespace radial::video
