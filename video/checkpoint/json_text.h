#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace radial::video {

/// The JSON object in `text`. Throws FormatError, one line beginning with `source`, for broken
/// JSON, a key given twice, nesting deeper than 16, or a value that is no object.
nlohmann::json parse_json_object(std::string_view text, const std::string& source);

/// The content of a small text file (a config, an index), at most 64 MiB.
std::string read_text_file(const std::string& path);

/// `text` in one line of at most 120 characters, control characters replaced: a name out of a file,
/// fit for a message.
std::string printable(std::string_view text);

}  // namespace radial::video
