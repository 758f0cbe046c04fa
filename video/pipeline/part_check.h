#pragma once

#include <cstdint>
#include <vector>

#include "video/pipeline/wan_files.h"
#include "video/text/text_files.h"

namespace radial::video {

/// What the weights of one part come to once they are loaded.
struct PartSize {
  std::int64_t parameters = 0;
  std::uint64_t bytes = 0;  ///< in the element type they are loaded in
};

/// Compare the headers of a part's files with its config, reading no weights. Throw FormatError as
/// loading would: a damaged header, tensors that are missing, misshapen or unexpected.
PartSize check_transformer(const WanFiles& files, at::ScalarType dtype,
                           const std::vector<LoraUse>& loras);
PartSize check_vae(const WanFiles& files, at::ScalarType dtype);
PartSize check_text_encoder(const TextFiles& files, at::ScalarType dtype);

}  // namespace radial::video
