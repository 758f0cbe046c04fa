#pragma once

#include <vector>

#include "command.h"

namespace radial::tools {

/// The parts of `radial train-base`, in the order a model is made. To add one, write a file with a
/// function like these and put it into the list in parts.cpp.
std::vector<Command> training_parts();

Command vae_part();
Command latents_part();
Command text_part();
Command dit_part();
Command model_part();
Command evaluate_part();

}  // namespace radial::tools
