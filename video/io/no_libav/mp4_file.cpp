#include "video/io/mp4_file.h"

#include "radial/base/error.h"

namespace radial::video {

struct Mp4File::Encoder {};

Mp4File::Mp4File(std::filesystem::path, const Mp4Options&) {
  throw Unsupported("video file: this build has no libav (RADIAL_LIBAV=OFF); write PNG frames");
}

Mp4File::~Mp4File() = default;

void Mp4File::add_frame(std::span<const std::uint8_t>) {}

void Mp4File::commit() {}

}  // namespace radial::video
