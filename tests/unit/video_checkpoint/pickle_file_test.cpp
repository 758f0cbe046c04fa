#include "video/checkpoint/pickle_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "radial/base/error.h"
#include "support/temporary_folder.h"

namespace radial::video {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The files are made by tests/parity/generate/pickles.py.
std::string data_file(const std::string& name) { return RADIAL_PICKLES "/" + name; }

std::map<std::string, TensorData> tensors_of(const std::string& name) {
  std::map<std::string, TensorData> tensors;
  for (TensorData& tensor : read_pickle_file(data_file(name))) {
    tensors.emplace(tensor.name, std::move(tensor));
  }
  return tensors;
}

std::vector<float> floats_of(const TensorData& tensor) {
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

std::string error_of(const std::string& name) {
  return message_of<FormatError>([&] { read_pickle_file(data_file(name)); });
}

TEST(PickleFile, ReadsEveryTensorOfAStateDictionary) {
  const auto tensors = tensors_of("state.pt");
  EXPECT_EQ(tensors.size(), 9u);
  EXPECT_THAT(tensors.at("plain").shape, ElementsAre(4, 6));
  EXPECT_THAT(floats_of(tensors.at("part")), ElementsAre(8, 9, 10, 14, 15, 16));
  EXPECT_THAT(tensors.at("transposed").shape, ElementsAre(6, 4));
  EXPECT_EQ(floats_of(tensors.at("transposed"))[1], 6);
  EXPECT_THAT(floats_of(tensors.at("scalar")), ElementsAre(2.5f));
  EXPECT_THAT(floats_of(tensors.at("weight")), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(tensors.at("half").type, ElementType::kBF16);
  EXPECT_EQ(tensors.at("number").type, ElementType::kI64);
  EXPECT_EQ(tensors.at("flags").type, ElementType::kBool);
  EXPECT_EQ(tensors.at("empty").bytes.size(), 0u);
}

TEST(PickleFile, ReadsAStateDictionaryInsideAnother) {
  const auto tensors = tensors_of("module.pt");
  EXPECT_THAT(floats_of(tensors.at("weight")), ElementsAre(1, 2));
  EXPECT_THAT(floats_of(tensors.at("bias")), ElementsAre(3));
}

TEST(PickleFile, RefusesToCallAnything) {
  EXPECT_THAT(error_of("harm.pt"), HasSubstr("refused: it calls posix system"));
}

TEST(PickleFile, RefusesWhatIsNoDictionaryOfTensors) {
  EXPECT_THAT(error_of("step.pt"), HasSubstr("step: is no tensor"));
  EXPECT_THAT(error_of("list.pt"), HasSubstr("other than a dictionary of tensors"));
  EXPECT_THAT(error_of("expanded.pt"), HasSubstr("weight: needs more than"));
  EXPECT_THAT(error_of("old.pt"), HasSubstr("torch 1.6"));
}

TEST(PickleFile, DamagedFilesAreErrorsAndNothingWorse) {
  const std::string path = data_file("module.pt");
  const auto map = MappedFile::open(path);
  const std::vector<std::byte> file(map->bytes().begin(), map->bytes().end());
  for (std::size_t size = 0; size < file.size(); size += 7) {
    EXPECT_THROW(read_pickled_tensors(std::span(file).first(size), "file"), FormatError) << size;
  }
  // A wrong byte may hide in data that nobody checks; it may not do anything but throw FormatError.
  for (std::size_t at = 0; at < file.size(); ++at) {
    for (const int flipped : {0x01, 0x80, 0xff}) {
      std::vector<std::byte> damaged = file;
      damaged[at] ^= static_cast<std::byte>(flipped);
      try {
        read_pickled_tensors(damaged, "file");
      } catch (const FormatError&) {
      }
    }
  }
}

}  // namespace
}  // namespace radial::video
