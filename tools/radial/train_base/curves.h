#pragma once

#include <filesystem>

#include "command.h"

namespace radial::tools {

/// Draws what a run's log.jsonl holds over its steps, a panel for each measurement, as curves.png
/// in the run's folder. Throws InvalidArgument if there is no log, FormatError for one that is
/// none; a log without two points of anything draws nothing.
void draw_curves(const std::filesystem::path& run);

/// `radial train-base curves RUN`
Command curves_part();

}  // namespace radial::tools
