#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>

namespace radial::testing {

/// Bytes of a fuzzer, handed out as values; zeros once they are used up.
class FuzzInput {
 public:
  FuzzInput(const std::uint8_t* data, std::size_t size) : bytes_(data, size) {}

  template <typename T>
  T raw() {
    T value{};
    const std::size_t taken = std::min(sizeof(T), bytes_.size());
    if (taken > 0) std::memcpy(&value, bytes_.data(), taken);
    bytes_ = bytes_.subspan(taken);
    return value;
  }

  /// In [least, most]; takes one byte where that is enough.
  std::int32_t pick(std::int32_t least, std::int32_t most) {
    const std::uint32_t span = static_cast<std::uint32_t>(most - least) + 1;
    const std::uint32_t drawn = span <= 256 ? raw<std::uint8_t>() : raw<std::uint32_t>();
    return least + static_cast<std::int32_t>(drawn % span);
  }
  bool flag() { return pick(0, 1) == 1; }

  /// Mostly a small number, at times one that breaks careless arithmetic.
  std::int32_t odd_int() {
    switch (pick(0, 7)) {
      case 0:
        return raw<std::int32_t>();
      case 1:
        return pick(-3, 3);
      default:
        return pick(1, 40);
    }
  }
  double odd_real() {
    switch (pick(0, 7)) {
      case 0:
        return raw<double>();
      case 1:
        return -pick(0, 2);
      default:
        return pick(1, 200) / 64.0;
    }
  }

  bool empty() const { return bytes_.empty(); }

 private:
  std::span<const std::uint8_t> bytes_;
};

/// Ends the run with a line that the fuzzer keeps beside the input.
inline void hold(bool condition, const char* law, const char* file, int line) {
  if (condition) return;
  std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, law);
  std::abort();
}

}  // namespace radial::testing

#define RADIAL_HOLDS(condition) ::radial::testing::hold((condition), #condition, __FILE__, __LINE__)
