#include "video/models/wan/swapped_blocks.h"

#include <ATen/ops/empty.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <map>
#include <utility>

#include "radial/base/error.h"
#include "video/checkpoint/memory_source.h"

namespace radial::video {
namespace {

using NamedTensor = std::pair<std::string, at::Tensor>;

constexpr std::int64_t kAlignment = 512;  // bytes: that of tensors in torch's allocators
// Page-locked memory comes in powers of two: whole blocks would take up to twice their size.
constexpr std::int64_t kPiece = std::int64_t{16} << 20;

std::int64_t aligned(std::int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// Notes what a block takes out of a scope, by its names within the block.
class NotingSource : public TensorSource {
 public:
  explicit NotingSource(const TensorScope& scope) : scope_(scope) {}

  bool has(const std::string& name) const override { return scope_.has(name); }
  const std::vector<NamedTensor>& taken() const { return taken_; }

 protected:
  std::optional<std::vector<std::int64_t>> shape_of(const std::string&,
                                                    at::IntArrayRef expected) const override {
    return expected.vec();  // the scope's own source says what is misshapen
  }
  at::Tensor load(const std::string& name, at::IntArrayRef shape,
                  std::optional<at::ScalarType> dtype) override {
    taken_.emplace_back(name, scope_.tensor(name, shape, dtype));
    return taken_.back().second;
  }
  std::vector<std::string> names() const override { return {}; }
  std::string description() const override { return "block"; }

 private:
  const TensorScope& scope_;
  std::vector<NamedTensor> taken_;
};

at::Tensor as_bytes(const at::Tensor& tensor) {
  return tensor.contiguous().flatten().view(at::kByte);
}

}  // namespace

SwappedBlocks::SwappedBlocks(const WanConfig& config, std::size_t places)
    : config_(config), num_places_(places) {
  RADIAL_REQUIRE(places >= 1, "places: expected 1 or more, got ", places);
}

SwappedBlocks::~SwappedBlocks() {
  // The copies that are under way read and write memory that is about to go.
  try {
    if (copies_) copies_->synchronize();
  } catch (...) {  // a device that failed copies nothing
  }
}

c10::Stream SwappedBlocks::current_stream() const {
  return c10::impl::VirtualGuardImpl(device_.type()).getStream(device_);
}

void SwappedBlocks::lay_out(const std::vector<NamedTensor>& weights) {
  for (const auto& [name, tensor] : weights) {
    const auto bytes = static_cast<std::int64_t>(tensor.nbytes());
    layout_.push_back({name, tensor.sizes().vec(), tensor.scalar_type(), block_bytes_, bytes});
    block_bytes_ += aligned(bytes);
  }
  device_ = weights.front().second.device();
}

void SwappedBlocks::add(const TensorScope& scope) {
  const c10::InferenceMode no_gradients;
  NotingSource source(scope);
  const WanBlock asks(config_, TensorScope(source));
  if (layout_.empty()) lay_out(source.taken());
  HostBlock host;
  const at::TensorOptions options =
      at::TensorOptions().dtype(at::kByte).pinned_memory(has_streams() && !device_.is_meta());
  for (std::int64_t begin = 0; begin < block_bytes_; begin += kPiece) {
    host.push_back(at::empty({std::min(kPiece, block_bytes_ - begin)}, options));
  }
  for (std::size_t i = 0; i < layout_.size(); ++i) {
    const at::Tensor& tensor = source.taken()[i].second;
    if (tensor.is_meta()) continue;  // missing or misshapen: the source's finish() says so
    const at::Tensor bytes = as_bytes(tensor);
    for (std::int64_t done = 0; done < layout_[i].bytes;) {
      const std::int64_t at = layout_[i].begin + done;
      const std::int64_t count = std::min(layout_[i].bytes - done, kPiece - at % kPiece);
      host[static_cast<std::size_t>(at / kPiece)]
          .narrow(0, at % kPiece, count)
          .copy_(bytes.narrow(0, done, count));
      done += count;
    }
  }
  blocks_.push_back(std::move(host));
}

void SwappedBlocks::make_place() {
  Place place;
  place.index = blocks_.size();  // none
  place.bytes = at::empty({block_bytes_}, at::TensorOptions(device_).dtype(at::kByte));
  std::map<std::string, at::Tensor> views;
  for (const Weight& weight : layout_) {
    views.emplace(
        weight.name,
        place.bytes.narrow(0, weight.begin, weight.bytes).view(weight.dtype).view(weight.shape));
  }
  TableSource source(std::move(views));
  place.block.emplace(config_, TensorScope(source));
  source.finish();
  if (has_streams()) {
    place.copied.emplace(device_.type());
    place.used.emplace(device_.type());
  }
  places_.push_back(std::move(place));
}

SwappedBlocks::Place* SwappedBlocks::holding(std::size_t index) {
  const auto found = std::find_if(places_.begin(), places_.end(),
                                  [&](const Place& place) { return place.index == index; });
  return found == places_.end() ? nullptr : &*found;
}

void SwappedBlocks::copy_to(Place& place, std::size_t index) {
  std::optional<c10::StreamGuard> guard;
  if (has_streams()) {
    place.used->block(*copies_);
    guard.emplace(*copies_);
  }
  std::int64_t begin = 0;
  for (const at::Tensor& piece : blocks_[index]) {
    place.bytes.narrow(0, begin, piece.numel()).copy_(piece, /*non_blocking=*/true);
    begin += piece.numel();
  }
  if (has_streams()) place.copied->record(*copies_);
  place.index = index;
}

const WanBlock& SwappedBlocks::acquire(std::size_t index) {
  RADIAL_REQUIRE(index < blocks_.size(), "index: expected below ", blocks_.size(), ", got ", index);
  const c10::InferenceMode no_gradients;
  if (has_streams() && !copies_) {
    copies_ = c10::impl::VirtualGuardImpl(device_.type())
                  .getStreamFromGlobalPool(device_, /*isHighPriority=*/true);
  }
  while (places_.size() < std::min(num_places_, blocks_.size())) make_place();
  Place* found = holding(index);
  if (found == nullptr) {
    // The beginning, or another order than the one that was prepared for: after all that may still
    // use the places, or their memory before it was theirs.
    for (std::size_t i = 0; i < places_.size(); ++i) {
      if (has_streams()) places_[i].used->record(current_stream());
      copy_to(places_[i], (index + i) % blocks_.size());
    }
    found = &places_.front();
  }
  if (has_streams()) found->copied->block(current_stream());
  return *found->block;
}

void SwappedBlocks::release(std::size_t index) {
  const c10::InferenceMode no_gradients;
  Place* const place = holding(index);
  if (place == nullptr) return;
  if (has_streams()) place->used->record(current_stream());
  const std::size_t next = (index + places_.size()) % blocks_.size();
  if (holding(next) == nullptr) copy_to(*place, next);
}

}  // namespace radial::video
