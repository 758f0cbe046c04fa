#include "video/checkpoint/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "radial/base/error.h"
#include "support/temporary_folder.h"

namespace radial::video {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

void write_shard(const std::filesystem::path& path, const std::vector<std::string>& names) {
  static const std::vector<std::byte> zeros(4);
  std::vector<TensorData> tensors;
  for (const std::string& name : names) {
    tensors.push_back({name, ElementType::kF32, {1}, zeros, nullptr});
  }
  write_safetensors(path, tensors);
}

template <typename Exception>
std::string error_of(const std::filesystem::path& path) {
  return message_of<Exception>([&] { Checkpoint::open(path); });
}

constexpr const char* kIndex = R"({"metadata":{"total_size":8},"weight_map":{"a":"1.safetensors",
                                   "b":"2.safetensors"}})";

TEST(Checkpoint, OpensAFileAFolderAndAnIndexAlike) {
  const TemporaryFolder folder;
  write_shard(folder.file("1.safetensors"), {"a"});
  EXPECT_THAT(Checkpoint::open(folder.path()).names(), ElementsAre("a"));
  EXPECT_THAT(Checkpoint::open(folder.file("1.safetensors")).names(), ElementsAre("a"));
  write_shard(folder.file("2.safetensors"), {"b"});
  folder.write("m.safetensors.index.json", kIndex);
  const Checkpoint shards = Checkpoint::open(folder.path());
  EXPECT_THAT(shards.names(), ElementsAre("a", "b"));
  EXPECT_EQ(shards.files().size(), 2u);
  EXPECT_EQ(shards.bytes(), 8u);
  EXPECT_EQ(shards.find("c"), nullptr);
}

TEST(Checkpoint, TheUsualNameWinsAmongSeveralFiles) {
  const TemporaryFolder folder;
  write_shard(folder.file("diffusion_pytorch_model.safetensors"), {"a"});
  write_shard(folder.file("Wan2.1_VAE.safetensors"), {"b"});
  EXPECT_THAT(Checkpoint::open(folder.path()).names(), ElementsAre("a"));
}

TEST(Checkpoint, SaysWhatAFolderLacks) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of<Error>(folder.file("none")), HasSubstr("no such file or folder"));
  EXPECT_THAT(error_of<FormatError>(folder.path()), HasSubstr("no .safetensors file"));
  folder.write("Wan2.1_VAE.pth", "PK");
  EXPECT_THAT(error_of<FormatError>(folder.path()),
              AllOf(HasSubstr("pickle"), HasSubstr("radial convert")));
  EXPECT_THAT(error_of<FormatError>(folder.file("Wan2.1_VAE.pth")), HasSubstr("radial convert"));
  write_shard(folder.file("1.safetensors"), {"a"});
  write_shard(folder.file("2.safetensors"), {"b"});
  EXPECT_THAT(error_of<FormatError>(folder.path()), HasSubstr("1.safetensors, 2.safetensors"));
}

TEST(Checkpoint, RefusesAnIndexThatDoesNotFitItsShards) {
  const TemporaryFolder folder;
  const auto index = folder.write("m.safetensors.index.json", kIndex);
  EXPECT_THAT(error_of<FormatError>(index), HasSubstr("shard 1.safetensors is missing"));
  write_shard(folder.file("1.safetensors"), {"a"});
  write_shard(folder.file("2.safetensors"), {"a", "b"});
  EXPECT_THAT(error_of<FormatError>(index), HasSubstr("tensor a is also in"));
  write_shard(folder.file("2.safetensors"), {"c"});
  EXPECT_THAT(error_of<FormatError>(index), HasSubstr("tensor b is not in 2.safetensors"));
  folder.write("m.safetensors.index.json", R"({"weight_map":{"a":"../1.safetensors"}})");
  EXPECT_THAT(error_of<FormatError>(index), HasSubstr("same folder"));
  folder.write("m.safetensors.index.json", R"({"weight_map":{}})");
  EXPECT_THAT(error_of<FormatError>(index), HasSubstr("weight_map"));
}

}  // namespace
}  // namespace radial::video
