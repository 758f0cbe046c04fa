#include "video/train/clip_source.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <utility>

#include "radial/base/error.h"
#include "video/nn/interruption.h"
#include "video/nn/transfer.h"
#include "video/world/counter_random.h"

namespace radial::video {
namespace {

constexpr std::int64_t kMostReady = 64;  // drawn in the background and not yet taken
// On a CPU one at a time: the bits of a clip then do not depend on its neighbours.
constexpr std::int64_t kTogetherOnGpu = 4;

}  // namespace

LatentClips ClipSource::batch(std::int64_t count, const DrawKey& key) {
  prepare(key.step);
  CounterRandom random(key.seed, CounterRandom::mixed(static_cast<std::uint64_t>(key.step)) +
                                     static_cast<std::uint64_t>(key.pass));
  std::vector<std::int64_t> slots;
  LatentClips chosen;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto age = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(size_)));
    slots.push_back((num_drawn_ - size_ + age) % capacity());
    chosen.scenes.push_back(scenes_[static_cast<std::size_t>(slots.back())]);
  }
  chosen.latents =
      latents_.index_select(0, sent_to(at::tensor(slots, at::kLong), latents_.device()));
  return chosen;
}

void ClipSource::reserve(std::int64_t capacity, std::vector<std::int64_t> shape,
                         at::Device device) {
  scenes_.resize(static_cast<std::size_t>(capacity));
  shape.insert(shape.begin(), capacity);
  latents_ = at::empty(shape, at::TensorOptions(device).dtype(at::kBFloat16));
}

void ClipSource::add(const LatentClips& clips) {
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < clips.scenes.size(); ++i, ++num_drawn_) {
    const std::int64_t slot = num_drawn_ % capacity();
    latents_[slot].copy_(clips.latents[static_cast<std::int64_t>(i)]);
    scenes_[static_cast<std::size_t>(slot)] = clips.scenes[i];
    size_ = std::min(size_ + 1, capacity());
  }
}

void ClipSource::clear(std::int64_t next) {
  size_ = 0;
  num_drawn_ = next;
}

RollingClips::RollingClips(const ClipEncoder& encoder, const Options& options)
    : encoder_(encoder), options_(options) {
  RADIAL_REQUIRE(options.capacity >= 1, "clips: expected at least 1, got ", options.capacity);
  RADIAL_REQUIRE(options.new_per_step >= 0 && options.new_per_step <= options.capacity,
                 "new clips per step: expected 0 to ", options.capacity, ", got ",
                 options.new_per_step);
  RADIAL_REQUIRE(options.background_share >= 0 && options.background_share <= 1,
                 "background share: expected a number in [0, 1], got ", options.background_share);
  RADIAL_REQUIRE(options.background_threads >= 1 &&
                     options.background_threads <= BackgroundClips::kMostThreads,
                 "background threads: expected 1 to ", BackgroundClips::kMostThreads, ", got ",
                 options.background_threads);
  RADIAL_REQUIRE(options.begin_with >= 1, "begin with: expected at least 1 clip, got ",
                 options.begin_with);
  reserve(options.capacity, encoder.latent_shape(), encoder.device());
}

// Before step n, clips n * new_per_step to n * new_per_step + capacity - 1 are in the store.
void RollingClips::draw_for(std::int64_t step) {
  const std::int64_t begin = step * options_.new_per_step, end = begin + options_.capacity;
  if (size() < options_.capacity || num_drawn() < begin || num_drawn() > end) clear(begin);
  const std::int64_t together = encoder_.device().is_cpu() ? 1 : kTogetherOnGpu;
  while (num_drawn() < end) {
    stop_if_requested();
    const std::int64_t count = std::min(together, end - num_drawn());
    add(encoder_.encode_training(options_.seed, static_cast<std::uint64_t>(num_drawn()), count));
  }
}

void RollingClips::prepare(std::int64_t step) {
  if (options_.background_share == 0) {
    draw_for(step);
    return;
  }
  if (!background_) {
    // A run that is resumed goes on with other clips than it began with.
    const auto first = static_cast<std::uint64_t>(step) * 64;
    background_ = std::make_unique<BackgroundClips>(
        encoder_, BackgroundClips::Options{.seed = options_.seed,
                                           .first = first,
                                           .share = options_.background_share,
                                           .num_threads = options_.background_threads,
                                           .most_ready = kMostReady});
  }
  const std::int64_t wanted = std::min(options_.begin_with, options_.capacity);
  do {
    for (const LatentClips& clips : background_->take(size() < wanted ? 1 : 0)) add(clips);
  } while (size() < wanted);
}

std::string RollingClips::trouble() const { return background_ ? background_->failure() : ""; }

}  // namespace radial::video
