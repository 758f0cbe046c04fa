#pragma once

#include "mask/mask_facts.h"
#include "output/output_file.h"

namespace radial::tools {

// Both write row by row, so that a mask of any size needs the memory of one row; the caller
// commits.

/// One line of '0' and '1' per query block, a newline after each.
void write_text_grid(OutputFile& file, const BlockPattern& pattern);

/// A safetensors file with one tensor, `block_mask` [query blocks, key blocks] of uint8, and in its
/// metadata the rule, its version and parameters, and the layout.
void write_safetensors(OutputFile& file, const MaskFacts& facts);

}  // namespace radial::tools
