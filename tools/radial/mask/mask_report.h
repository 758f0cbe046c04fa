#pragma once

#include <string>

#include "mask/mask_facts.h"

namespace radial::tools {

/// The facts as a table for people.
std::string report_text(const MaskFacts& facts);

/// The facts as one JSON object, for programs.
std::string report_json(const MaskFacts& facts);

/// "75,600"
std::string grouped(std::int64_t value);

/// "radial, version 1: decay_factor 0.2, ..."
std::string rule_line(const MaskFacts& facts);

}  // namespace radial::tools
