#pragma once

#include <cstdint>

namespace radial::video {

/// Random numbers by counter: the n-th number of a stream depends on (seed, stream, n) alone, in
/// integer arithmetic, so that it is the same on every machine. The mixing function is that of
/// SplitMix64 (Steele, Lea, Flood 2014).
class CounterRandom {
 public:
  CounterRandom(std::uint64_t seed, std::uint64_t stream) : key_(mixed(seed + mixed(stream))) {}

  std::uint64_t next() { return mixed(key_ + kStep * ++counter_); }
  /// In [0, 1), a multiple of 2^-53.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// In [0, count).
  std::uint64_t below(std::uint64_t count) { return next() % count; }

  static std::uint64_t mixed(std::uint64_t x) {
    x += kStep;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
  }

 private:
  static constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15u;
  std::uint64_t key_, counter_ = 0;
};

}  // namespace radial::video
