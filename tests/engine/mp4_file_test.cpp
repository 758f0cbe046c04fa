#include "video/io/mp4_file.h"

#if RADIAL_LIBAV
extern "C" {
#include <libavformat/avformat.h>
}
#endif

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "radial/base/error.h"

namespace radial::video {
namespace {

namespace fs = std::filesystem;

constexpr int kWidth = 48, kHeight = 32;

class Mp4FileTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!RADIAL_LIBAV) GTEST_SKIP() << "built without libav";
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::size_t files() const {
    return std::distance(fs::directory_iterator(folder_), fs::directory_iterator());
  }
  std::string content() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::vector<std::uint8_t> frame_ = std::vector<std::uint8_t>(3 * kWidth * kHeight, 90);
  fs::path folder_ = fs::temp_directory_path() / (std::to_string(getpid()) + "_radial_mp4");
  fs::path path_ = folder_ / "video.mp4";
};

TEST_F(Mp4FileTest, AppearsWholeWithItsMetadata) {
  Mp4File file(path_, {.width = kWidth, .height = kHeight, .metadata = {{"comment", "seed 7"}}});
  for (int i = 0; i < 5; ++i) file.add_frame(frame_);
  EXPECT_FALSE(fs::exists(path_));
  file.commit();
  EXPECT_EQ(files(), 1u);
  const std::string bytes = content();
  EXPECT_EQ(bytes.substr(4, 4), "ftyp");
  EXPECT_NE(bytes.find("seed 7"), std::string::npos);
  // The index stands before the pictures, so that a player can begin at once.
  EXPECT_LT(bytes.find("moov"), bytes.find("mdat"));
}

#if RADIAL_LIBAV
// What a player sees: read back through libav's demuxer.
TEST_F(Mp4FileTest, IsReadBackWithItsSizeRateAndMetadata) {
  const std::string title = "a \"red\" fox \xe2\x80\x93 caf\xc3\xa9",
                    comment = "{\"seed\": 7}\nline 2";
  Mp4File file(path_, {.width = kWidth,
                       .height = kHeight,
                       .fps = 12,
                       .metadata = {{"title", title}, {"comment", comment}}});
  for (int i = 0; i < 5; ++i) file.add_frame(frame_);
  file.commit();

  AVFormatContext* opened = nullptr;
  ASSERT_EQ(avformat_open_input(&opened, path_.c_str(), nullptr, nullptr), 0);
  const auto close = [](AVFormatContext* context) { avformat_close_input(&context); };
  const std::unique_ptr<AVFormatContext, decltype(close)> format(opened, close);
  ASSERT_GE(avformat_find_stream_info(format.get(), nullptr), 0);
  const auto value = [&](const char* key) -> std::string {
    const AVDictionaryEntry* entry = av_dict_get(format->metadata, key, nullptr, 0);
    return entry == nullptr ? "" : entry->value;
  };
  EXPECT_EQ(value("title"), title);
  EXPECT_EQ(value("comment"), comment);
  ASSERT_EQ(format->nb_streams, 1u);
  const AVStream& stream = *format->streams[0];
  EXPECT_EQ(stream.codecpar->codec_id, AV_CODEC_ID_H264);
  EXPECT_EQ(stream.codecpar->width, kWidth);
  EXPECT_EQ(stream.codecpar->height, kHeight);
  EXPECT_EQ(stream.nb_frames, 5);
  EXPECT_EQ(av_cmp_q(stream.avg_frame_rate, {12, 1}), 0);
}
#endif

TEST_F(Mp4FileTest, GivenUpItLeavesNothing) {
  std::optional<Mp4File> file;
  file.emplace(path_, Mp4Options{.width = kWidth, .height = kHeight});
  file->add_frame(frame_);
  file.reset();
  EXPECT_EQ(files(), 0u);
}

TEST_F(Mp4FileTest, RefusesBadSizes) {
  EXPECT_THROW(Mp4File(path_, {.width = 47, .height = kHeight}), InvalidArgument);
  EXPECT_THROW(Mp4File(path_, {.width = kWidth, .height = 0}), InvalidArgument);
  EXPECT_THROW(Mp4File(path_, {.width = kWidth, .height = kHeight, .fps = 0}), InvalidArgument);
  EXPECT_THROW(Mp4File(folder_ / "none" / "x.mp4", {.width = kWidth, .height = kHeight}), Error);
  Mp4File file(path_, {.width = kWidth, .height = kHeight});
  EXPECT_THROW(file.add_frame(std::span(frame_).first(10)), InvalidArgument);
}

}  // namespace
}  // namespace radial::video
