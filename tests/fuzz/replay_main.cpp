// Runs a fuzz target without libFuzzer: over the files of a corpus, then over a fixed number of
// random inputs. replay CORPUS_FOLDER NUM_RANDOM

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

using Bytes = std::vector<std::uint8_t>;

namespace {

std::vector<Bytes> read_folder(const char* folder) {
  std::vector<Bytes> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    files.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return files;
}

Bytes random_bytes(std::mt19937& random) {
  Bytes bytes(random() % 400);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

/// `bytes` with a few of them replaced and some appended: most random inputs are refused early, a
/// neighbour of one that went deep is not.
Bytes neighbour(Bytes bytes, std::mt19937& random) {
  for (auto changes = random() % 4; changes > 0 && !bytes.empty(); --changes) {
    bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
  }
  const Bytes more = random_bytes(random);
  bytes.insert(bytes.end(), more.begin(), more.begin() + static_cast<long>(more.size() / 8));
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER NUM_RANDOM\n", argv[0]);
    return 2;
  }
  const std::vector<Bytes> corpus = read_folder(argv[1]);
  if (corpus.empty()) {
    std::fprintf(stderr, "%s: expected a corpus, found no file\n", argv[1]);
    return 2;
  }
  for (const Bytes& bytes : corpus) LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  const int num_random = std::atoi(argv[2]);
  std::mt19937 random(20250624);
  for (int i = 0; i < num_random; ++i) {
    const Bytes bytes =
        i % 4 == 0 ? random_bytes(random) : neighbour(corpus[random() % corpus.size()], random);
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::printf("%zu files and %d random inputs\n", corpus.size(), num_random);
}
