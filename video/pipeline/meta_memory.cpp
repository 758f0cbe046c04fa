#include "video/pipeline/meta_memory.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <tuple>
#include <vector>

namespace radial::video {
namespace {

// Bytes alive and the most there were; shared with the tensors, which may outlive the scope.
struct Count {
  std::atomic<std::int64_t> alive = 0, most = 0;
};

struct Block {
  std::shared_ptr<Count> count;
  std::int64_t bytes;
};

void free_block(void* block) {
  const std::unique_ptr<Block> owned(static_cast<Block*>(block));
  owned->count->alive -= owned->bytes;
}

std::vector<std::int64_t> in_blocks(std::vector<std::int64_t> shape) {
  constexpr std::int64_t kBlock = 16;
  shape[1] = (shape[1] + kBlock - 1) / kBlock * kBlock;
  return shape;
}

// Whether torch leaves a convolution on the CPU to oneDNN: all but small ones of one sample, as
// ConvParams::use_mkldnn has it (aten/src/ATen/native/Convolution.cpp). Of a video [1, C, F, H, W]
// it looks at C F H alone: a tile of 16 channels, 6 frames and 192 rows counts as small however
// wide it is.
bool is_left_to_onednn(const at::Tensor& input, const at::Tensor& weight) {
  constexpr std::int64_t kLeast = 20480;
  if (input.scalar_type() != at::kFloat || input.size(0) > 1) return true;
  if (weight.size(-1) > 3 && weight.size(-2) > 3) return true;
  return input.size(0) * input.size(1) * input.size(2) * input.size(3) > kLeast;
}

// torch's own kernels write out the neighbourhood of every position, but for kernels of one.
at::Tensor columns_of(const at::Tensor& input, const at::Tensor& weight,
                      const std::vector<std::int64_t>& output) {
  std::int64_t kernel = 1, positions = 1;
  for (std::int64_t axis = 2; axis < weight.dim(); ++axis) kernel *= weight.size(axis);
  for (std::size_t axis = 2; axis < output.size(); ++axis) positions *= output[axis];
  if (kernel == 1) return {};
  return at::empty({input.size(0), input.size(1) * kernel, positions}, input.options());
}

// oneDNN works on channels in blocks of 16: it makes a copy of its input in that order, and its
// output is one before it is copied back.
at::Tensor convolution(const at::Tensor& input, const at::Tensor& weight,
                       const std::optional<at::Tensor>&, at::IntArrayRef stride,
                       at::IntArrayRef padding, at::IntArrayRef dilation, bool, at::IntArrayRef,
                       std::int64_t) {
  std::vector<std::int64_t> shape{input.size(0), weight.size(0)};
  for (std::int64_t axis = 2; axis < input.dim(); ++axis) {
    const std::size_t i = static_cast<std::size_t>(axis - 2);
    const std::int64_t reach = dilation[i] * (weight.size(axis) - 1) + 1;
    shape.push_back((input.size(axis) + 2 * padding[i] - reach) / stride[i] + 1);
  }
  if (!is_left_to_onednn(input, weight)) {
    const at::Tensor columns = columns_of(input, weight, shape);
    return at::empty(shape, input.options());
  }
  const at::Tensor blocked_input = at::empty(in_blocks(input.sizes().vec()), input.options());
  const at::Tensor blocked_output = at::empty(in_blocks(shape), input.options());
  return at::empty(shape, input.options());
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> layer_norm(const at::Tensor& input,
                                                          at::IntArrayRef normed,
                                                          const std::optional<at::Tensor>&,
                                                          const std::optional<at::Tensor>&,
                                                          double) {
  std::vector<std::int64_t> shape = input.sizes().vec();
  std::fill(shape.end() - static_cast<std::ptrdiff_t>(normed.size()), shape.end(), 1);
  return {at::empty_like(input, at::MemoryFormat::Contiguous), at::empty(shape, input.options()),
          at::empty(shape, input.options())};
}

at::Tensor index_select(const at::Tensor& input, std::int64_t dimension, const at::Tensor& index) {
  std::vector<std::int64_t> shape = input.sizes().vec();
  shape[static_cast<std::size_t>(dimension < 0 ? dimension + input.dim() : dimension)] =
      index.numel();
  return at::empty(shape, input.options());
}

// The kernels keep a logarithm a row beside the output, no scores.
at::Tensor attention(const at::Tensor& query, const at::Tensor&, const at::Tensor& value,
                     const std::optional<at::Tensor>&, double, bool, std::optional<double>, bool) {
  std::vector<std::int64_t> shape = query.sizes().vec();
  shape.back() = 1;
  const at::Tensor logarithms = at::empty(shape, query.options().dtype(at::kFloat));
  shape.back() = value.size(-1);
  return at::empty(shape, query.options());
}

}  // namespace

class MetaMemory::CountingAllocator : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    auto block = std::make_unique<Block>(Block{count_, static_cast<std::int64_t>(bytes)});
    const std::int64_t alive = count_->alive += block->bytes;
    std::int64_t most = count_->most;
    while (alive > most && !count_->most.compare_exchange_weak(most, alive)) continue;
    return {nullptr, block.release(), &free_block, at::Device(at::kMeta)};
  }
  void copy_data(void*, const void*, std::size_t) const override {}
  std::int64_t peak() const { return count_->most; }

 private:
  std::shared_ptr<Count> count_ = std::make_shared<Count>();
};

MetaMemory::MetaMemory()
    : counting_(std::make_unique<CountingAllocator>()),
      before_(c10::GetAllocator(at::kMeta)),
      operators_(torch::Library::IMPL, "aten", c10::DispatchKey::Meta, __FILE__, __LINE__) {
  operators_.impl("convolution_overrideable", &convolution);
  operators_.impl("native_layer_norm", &layer_norm);
  operators_.impl("index_select", &index_select);
  operators_.impl("scaled_dot_product_attention", &attention);
  c10::SetAllocator(at::kMeta, counting_.get());
}

MetaMemory::~MetaMemory() { c10::SetAllocator(at::kMeta, before_); }

std::uint64_t MetaMemory::peak() const { return static_cast<std::uint64_t>(counting_->peak()); }

}  // namespace radial::video
