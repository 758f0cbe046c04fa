#include "video/nn/recorded_call.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "engine/fake_recorder.h"
#include "parity/attention/torch_cuda.h"
#include "radial/base/error.h"
#include "video/pipeline/system_memory.h"

namespace radial::video {
namespace {

at::Tensor sum_of_products(const std::vector<at::Tensor>& in) {
  return at::matmul(in[0], in[1]).relu() + in[0];
}

void expect_equal_results(at::Device device, GraphRecorder& recorder) {
  RecordedCall call(sum_of_products, recorder);
  std::vector<at::Tensor> results, expected;
  for (int i = 0; i < 5; ++i) {
    const std::vector<at::Tensor> in{at::randn({64, 64}, device), at::randn({64, 64}, device)};
    expected.push_back(sum_of_products(in));
    results.push_back(call(in));
  }
  // After all calls: none wrote to an earlier result.
  for (std::size_t i = 0; i < results.size(); ++i) {
    EXPECT_TRUE(at::equal(results[i], expected[i])) << "call " << i;
  }
}

TEST(RecordedCall, RunsOnceRecordsOnceAndReplaysFromThenOn) {
  FakeRecorder recorder;
  expect_equal_results(at::kCPU, recorder);
  EXPECT_EQ(recorder.runs, 1);
  EXPECT_EQ(recorder.recordings, 1);
  EXPECT_EQ(recorder.replays, 4);
}

TEST(RecordedCall, RefusesInputsOfAnotherSize) {
  FakeRecorder recorder;
  RecordedCall call([](const std::vector<at::Tensor>& in) { return in[0] * 2; }, recorder);
  call({at::ones({2, 3})});
  EXPECT_THROW(call({at::ones({1, 3})}), InvalidArgument);
  EXPECT_THROW(call({at::ones({2, 3}, at::kDouble)}), InvalidArgument);
  EXPECT_THROW(call({at::ones({2, 3}), at::ones({2, 3})}), InvalidArgument);
  EXPECT_TRUE(at::equal(call({at::full({2, 3}, 4.0F)}), at::full({2, 3}, 8.0F)));
}

TEST(CudaGraphs, AreRefusedForTheCpu) { EXPECT_THROW(cuda_graph_recorder(at::kCPU), Unsupported); }

TEST(CudaGraphs, GiveTheSameResultsBitForBit) {
  RADIAL_NEEDS_CUDA();
  const auto recorder = cuda_graph_recorder({at::kCUDA, 0});
  expect_equal_results({at::kCUDA, 0}, *recorder);
  expect_equal_results({at::kCUDA, 0}, *recorder);  // a second call in the same memory
}

TEST(CudaGraphs, TakeNoMoreMemoryThanRunningDoes) {
  RADIAL_NEEDS_CUDA();
  constexpr std::int64_t kElements = 64 << 20;
  const auto recorder = cuda_graph_recorder({at::kCUDA, 0});
  const auto grow = [](const std::vector<at::Tensor>& in) {
    return (in[0].expand({kElements}) + 1).sum().reshape({1});
  };
  RecordedCall first(grow, *recorder), second(grow, *recorder);
  const at::Tensor one = at::ones({1}, at::kCUDA);
  first({one});
  const std::uint64_t free = *free_device_memory({at::kCUDA, 0});
  for (int i = 0; i < 3; ++i) {
    first({one});
    second({one});
  }
  EXPECT_EQ(first({one}).item<float>(), second({one}).item<float>());
  EXPECT_GE(*free_device_memory({at::kCUDA, 0}) + (64 << 20), free);  // not 256 MB more
}

TEST(CudaGraphs, SayWhatCannotBeRecordedAndLeaveTorchAsItWas) {
  RADIAL_NEEDS_CUDA();
  const auto recorder = cuda_graph_recorder({at::kCUDA, 0});
  RecordedCall waiting(
      [](const std::vector<at::Tensor>& in) { return in[0] * in[0].sum().item<float>(); },
      *recorder);
  const at::Tensor ones = at::ones({4}, at::kCUDA);
  EXPECT_TRUE(at::equal(waiting({ones}), ones * 4));
  try {
    waiting({ones});
    FAIL() << "expected Unsupported";
  } catch (const Unsupported& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("captur"), std::string::npos) << error.what();
  }
  EXPECT_TRUE(at::equal(ones * 4 + at::zeros({4}, at::kCUDA), ones * 4));
  EXPECT_NE(at::randn({4}, at::kCUDA).abs().sum().item<float>(), 0);
  expect_equal_results({at::kCUDA, 0}, *recorder);
}

}  // namespace
}  // namespace radial::video
