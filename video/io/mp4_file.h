#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>

namespace radial::video {

/// How a video is written.
struct Mp4Options {
  int width = 0, height = 0;  ///< pixels, even
  int fps = 16;
  std::map<std::string, std::string> metadata = {};  ///< such as "title", "comment"
};

/// An mp4 file in the making: H.264, 4:2:0, BT.709. It appears under its name when it is complete;
/// until then it has a temporary one beside it, which goes if it is given up.
class Mp4File {
 public:
  /// Throws InvalidArgument on bad sizes, Error if the file or the encoder cannot be opened.
  Mp4File(std::filesystem::path path, const Mp4Options& options);
  ~Mp4File();
  Mp4File(const Mp4File&) = delete;
  Mp4File& operator=(const Mp4File&) = delete;

  /// Appends a frame, RGB bytes [height, width, 3].
  void add_frame(std::span<const std::uint8_t> rgb);
  /// Ends the video and gives the file its name.
  void commit();

 private:
  struct Encoder;

  std::filesystem::path path_, temporary_path_;
  std::unique_ptr<Encoder> encoder_;
};

}  // namespace radial::video
