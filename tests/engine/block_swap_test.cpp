// Blocks whose weights lie in host memory: the same bits as when all stay on the device.

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

#include "parity/attention/torch_cuda.h"
#include "radial/base/error.h"
#include "support/throws.h"
#include "video/checkpoint/memory_source.h"
#include "video/models/wan/wan_transformer.h"
#include "video/pipeline/memory_need.h"

namespace radial::video {
namespace {

constexpr std::int64_t kLayers = 5;

WanConfig config_of(std::int64_t width, std::int64_t ffn) {
  WanConfig config;
  config.num_attention_heads = 2;
  config.attention_head_dim = width / 2;
  config.in_channels = config.out_channels = 4;
  config.text_dim = 24;
  config.freq_dim = 32;
  config.ffn_dim = ffn;
  config.num_layers = kLayers;
  return config;
}

// A model whose blocks all differ, and what it makes of one input.
class SwappedModel {
 public:
  SwappedModel(const WanConfig& config, at::ScalarType dtype, at::Device device)
      : config_(config), device_(device) {
    ShapeSource shapes(dtype);
    const WanTransformer asks(config, shapes);
    for (const auto& [name, shape] : shapes.shapes()) {
      weights_[name] = random(shape).mul(0.1).to(device, shapes.dtypes().at(name));
    }
  }

  WanTransformer model(std::int64_t blocks_to_swap) const {
    TableSource source(weights_);
    WanTransformer made(config_, source, blocks_to_swap);
    source.finish();
    return made;
  }

  at::Tensor forward(const WanTransformer& model, const LayerAttention& attention = {}) const {
    const auto text = model.prepare_text(text_.to(device_));
    const at::Tensor latents = latents_.to(device_);
    const auto video = model.prepare_video(model.layout_of(latents), device_);
    const at::Tensor time = at::full({1}, 500.0, latents.options());
    // Twice, as a step with guidance does, so that the order begins anew.
    const at::Tensor first = model.forward(latents, time, text, video, attention);
    return model.forward(first, time, text, video, attention).to(at::kCPU);
  }

  std::map<std::string, at::Tensor>& weights() { return weights_; }

 private:
  at::Tensor random(at::IntArrayRef shape) { return at::randn(shape, generator_, at::kFloat); }

  WanConfig config_;
  at::Device device_;
  at::Generator generator_ = at::detail::createCPUGenerator(3);
  std::map<std::string, at::Tensor> weights_;
  at::Tensor latents_ = random({1, 4, 3, 8, 8}), text_ = random({1, 7, 24});
};

void expect_equal_bits(const WanConfig& config, at::ScalarType dtype, at::Device device,
                       std::int64_t stride = 1) {
  const SwappedModel swapped(config, dtype, device);
  const at::Tensor expected = swapped.forward(swapped.model(0));
  ASSERT_GT(expected.abs().max().item<double>(), 0);
  for (std::int64_t count = 1; count < kLayers; count += stride) {
    SCOPED_TRACE(count);
    const WanTransformer model = swapped.model(count);
    EXPECT_TRUE(swapped.forward(model).equal(expected));
    EXPECT_TRUE(swapped.forward(model).equal(expected)) << "the second time";
  }
}

TEST(BlockSwap, GivesTheSameBits) {
  expect_equal_bits(config_of(32, 40), at::kFloat, at::kCPU);
  expect_equal_bits(config_of(32, 40), at::kBFloat16, at::kCPU);
}

TEST(BlockSwap, GivesTheSameBitsFromInferenceMode) {
  const c10::InferenceMode no_gradients;
  expect_equal_bits(config_of(32, 40), at::kFloat, at::kCPU);
}

// Host memory comes in pieces of 16 MiB: these blocks need two, and a matrix lies across them.
TEST(BlockSwap, BlocksOfSeveralPiecesGiveTheSameBits) {
  const WanConfig config = config_of(512, 4096);
  ASSERT_GT(transformer_block_bytes(config, at::kFloat), std::uint64_t{20} << 20);
  expect_equal_bits(config, at::kFloat, at::kCPU, /*stride=*/3);
}

TEST(BlockSwap, GoesOnAfterAPassThatWasStopped) {
  const SwappedModel swapped(config_of(32, 40), at::kFloat, at::kCPU);
  const at::Tensor expected = swapped.forward(swapped.model(0));
  const WanTransformer model = swapped.model(3);
  for (std::size_t stop_at = 0; stop_at < kLayers; ++stop_at) {
    std::size_t calls = 0;
    const LayerAttention stops(
        [&](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
          if (calls++ == stop_at) throw Error("stopped");
          return dense_attention(q, k, v);
        },
        {});
    EXPECT_THROW(swapped.forward(model, stops), Error);
    EXPECT_TRUE(swapped.forward(model).equal(expected)) << stop_at;
  }
}

TEST(BlockSwap, RefusesMoreThanAllButOne) {
  const SwappedModel swapped(config_of(32, 40), at::kFloat, at::kCPU);
  radial::testing::expect_refused([&] { swapped.model(kLayers); },
                                  {"blocks to swap: expected 0 to 4, got 5"});
  radial::testing::expect_refused([&] { swapped.model(-1); }, {"expected 0 to 4, got -1"});
}

TEST(BlockSwap, NamesWhatIsMissingInSwappedBlocks) {
  SwappedModel swapped(config_of(32, 40), at::kFloat, at::kCPU);
  swapped.weights().erase("blocks.0.attn1.to_q.weight");
  swapped.weights()["blocks.3.ffn.net.2.bias"] = at::full({7}, 1.0);
  try {
    swapped.model(kLayers - 1);
    FAIL() << "nothing was thrown";
  } catch (const FormatError& error) {
    const std::string message = error.what();
    for (const char* name : {"blocks.0.attn1.to_q.weight", "blocks.3.ffn.net.2.bias"}) {
      EXPECT_NE(message.find(name), std::string::npos) << message;
    }
  }
}

TEST(BlockSwap, GivesTheSameBitsOnAGpu) {
  RADIAL_NEEDS_CUDA();
  const at::Device gpu(at::kCUDA, 0);
  expect_equal_bits(config_of(32, 40), at::kFloat, gpu);
  expect_equal_bits(config_of(512, 4096), at::kBFloat16, gpu);
}

// Gives tensors of the host on a device, as a checkpoint does.
class SendingSource : public TableSource {
 public:
  SendingSource(std::map<std::string, at::Tensor> tensors, at::Device device)
      : TableSource(std::move(tensors)), device_(device) {}

 protected:
  at::Tensor load(const std::string& name, at::IntArrayRef shape,
                  std::optional<at::ScalarType> dtype) override {
    return TableSource::load(name, shape, dtype).to(device_);
  }

 private:
  at::Device device_;
};

TEST(BlockSwap, TakesTheMemoryOfAsManyBlocksLessOnAGpu) {
  RADIAL_NEEDS_CUDA();
  const at::Device gpu(at::kCUDA, 0);
  const WanConfig config = config_of(512, 4096);
  SwappedModel swapped(config, at::kFloat, at::kCPU);
  const auto taken = [&](std::int64_t blocks_to_swap) {
    at::accelerator::resetPeakStats(0);
    const auto before = at::accelerator::getDeviceStats(0).allocated_bytes[0].current;
    SendingSource source(swapped.weights(), gpu);
    const WanTransformer model(config, source, blocks_to_swap);
    const at::Tensor latents = at::full({1, 4, 3, 8, 8}, 0.5, gpu);
    const auto text = model.prepare_text(at::full({1, 7, 24}, 0.5, gpu));
    const auto video = model.prepare_video(model.layout_of(latents), gpu);
    model.forward(latents, at::full({1}, 500.0, gpu), text, video);
    return static_cast<double>(at::accelerator::getDeviceStats(0).allocated_bytes[0].peak - before);
  };
  const auto block = static_cast<double>(transformer_block_bytes(config, at::kFloat));
  taken(0);  // what libraries take once
  const double whole = taken(0);
  EXPECT_NEAR(whole - taken(2), 2 * block, 0.3 * block);
  EXPECT_NEAR(whole - taken(4), 4 * block, 0.3 * block);
}

}  // namespace
}  // namespace radial::video
