#include "video/checkpoint/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "radial/base/error.h"
#include "support/temporary_folder.h"

namespace radial::video {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string file_of(const std::string& header, std::size_t data_bytes) {
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>((header.size() >> (8 * i)) & 0xff);
  return file + header + std::string(data_bytes, '\1');
}

std::string error_of(const std::string& file) {
  return message_of<FormatError>([&] { parse_safetensors_header(bytes_of(file), "file"); });
}

constexpr const char* kGood =
    R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
    R"("b":{"dtype":"BF16","shape":[],"data_offsets":[24,26]}})";

TEST(Safetensors, ReadsNamesTypesShapesAndMetadata) {
  const SafetensorsHeader header = parse_safetensors_header(bytes_of(file_of(kGood, 26)), "file");
  ASSERT_EQ(header.tensors.size(), 2u);
  EXPECT_EQ(header.tensors[0].name, "a");
  EXPECT_THAT(header.tensors[0].shape, ElementsAre(2, 3));
  EXPECT_EQ(header.tensors[1].type, ElementType::kBF16);
  EXPECT_EQ(header.tensors[1].bytes, 2u);
  EXPECT_EQ(header.metadata.at("format"), "pt");
}

TEST(Safetensors, EveryTruncationIsAnError) {
  const std::string file = file_of(kGood, 26);
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_THROW(parse_safetensors_header(bytes_of(file).first(size), "file"), FormatError) << size;
  }
}

TEST(Safetensors, SaysWhatIsWrongWithAHeader) {
  EXPECT_THAT(error_of(std::string(8, '\xff')), HasSubstr("no safetensors file"));
  EXPECT_THAT(error_of(file_of("[1]", 0)), HasSubstr("object expected"));
  EXPECT_THAT(error_of(file_of(R"({"a":)", 0)), HasSubstr("no valid JSON"));
  EXPECT_THAT(error_of(file_of(kGood, 27)), HasSubstr("1 bytes at the end belong to no tensor"));
  EXPECT_THAT(error_of(file_of(kGood, 25)), HasSubstr("data_offsets 24 to 26 in data of 25 bytes"));
  const std::string deep = std::string(40, '[') + std::string(40, ']');
  EXPECT_THAT(error_of(file_of("{\"a\":" + deep + "}", 0)), HasSubstr("nested too deeply"));
}

TEST(Safetensors, RefusesGapsOverlapsAndRepeatedNames) {
  const std::string first = R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)";
  EXPECT_THAT(
      error_of(file_of(first + R"("b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})", 6)),
      HasSubstr("overlaps"));
  EXPECT_THAT(
      error_of(file_of(first + R"("b":{"dtype":"U8","shape":[4],"data_offsets":[5,9]}})", 9)),
      HasSubstr("belong to no tensor"));
  EXPECT_THAT(
      error_of(file_of(first + R"("a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})", 8)),
      HasSubstr("key given twice: a"));
}

TEST(Safetensors, RefusesValuesThatFitNoTensor) {
  const auto error = [](const std::string& type, const std::string& shape, const std::string& at) {
    return error_of(file_of(
        R"({"a":{"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + at + "}}",
        8));
  };
  EXPECT_THAT(error("F4", "[2]", "[0,8]"), HasSubstr("dtype must be one of BOOL"));
  EXPECT_THAT(error("F32", "[-2]", "[0,8]"), HasSubstr("at least 0, got -2"));
  EXPECT_THAT(error("F32", "[2.0]", "[0,8]"), HasSubstr("at least 0, got 2.0"));
  EXPECT_THAT(error("F32", "[3]", "[0,8]"), HasSubstr("8 bytes, but its shape needs 12"));
  EXPECT_THAT(error("F32", "[4611686018427387904,4]", "[0,8]"), HasSubstr("63 bits"));
  EXPECT_THAT(error("F32", "[0,4611686018427387904,4]", "[0,0]"), HasSubstr("63 bits"));
  EXPECT_THAT(error("F32", "2", "[0,8]"), HasSubstr("shape must be a list"));
  EXPECT_THAT(error("F32", "[2]", "[8,0]"), HasSubstr("data_offsets 8 to 0"));
  EXPECT_THAT(error("F32", "[2]", "[0]"), HasSubstr("data_offsets must be two numbers"));
}

TEST(Safetensors, WrittenFilesReadBackAsTheyWere) {
  const TemporaryFolder folder;
  const std::string wide(16, '\2');
  const std::string narrow = "abc";
  write_safetensors(folder.file("x.safetensors"),
                    {{"narrow", ElementType::kU8, {3}, bytes_of(narrow), nullptr},
                     {"none", ElementType::kF32, {0, 7}, {}, nullptr},
                     {"wide", ElementType::kF64, {2, 1}, bytes_of(wide), nullptr}},
                    {{"key", "value \"quoted\""}});
  const auto file = SafetensorsFile::open(folder.file("x.safetensors"));
  EXPECT_EQ(file->tensors().size(), 3u);
  EXPECT_EQ(file->metadata().at("key"), "value \"quoted\"");
  EXPECT_EQ(file->find("wide")->begin % 8, 0u);
  const std::span<std::byte> data = file->data(*file->find("narrow"));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(data.data()), data.size()), narrow);
  EXPECT_EQ(file->find("other"), nullptr);
}

TEST(Safetensors, AFailedWriteLeavesNothingBehind) {
  const TemporaryFolder folder;
  folder.write("x.safetensors", "before");
  const std::string data(4, '\1');
  const TensorData good{"a", ElementType::kF32, {1}, bytes_of(data), nullptr};
  const TensorData wrong{"a", ElementType::kF32, {2}, bytes_of(data), nullptr};
  EXPECT_THROW(write_safetensors(folder.file("x.safetensors"), {wrong}), InvalidArgument);
  EXPECT_THROW(write_safetensors(folder.file("x.safetensors"), {good, good}), InvalidArgument);
  EXPECT_THROW(write_safetensors(folder.file("missing/x.safetensors"), {good}), Error);
  EXPECT_EQ(std::filesystem::file_size(folder.file("x.safetensors")), 6u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(Safetensors, WritingToTheMapLeavesTheFileAlone) {
  const TemporaryFolder folder;
  const std::string data(4, '\1');
  write_safetensors(folder.file("x"), {{"a", ElementType::kU8, {4}, bytes_of(data), nullptr}});
  const auto file = SafetensorsFile::open(folder.file("x"));
  file->data(*file->find("a"))[0] = std::byte{9};
  const auto again = SafetensorsFile::open(folder.file("x"));
  EXPECT_EQ(again->data(*again->find("a"))[0], std::byte{1});
}

}  // namespace
}  // namespace radial::video
