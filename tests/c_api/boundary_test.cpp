#include "c_api/boundary.h"

#include <cstddef>
#include <new>
#include <stdexcept>
#include <thread>

#include "handles.h"

namespace radial::testing {
namespace {

using c_api::guarded;
using c_api::read_struct;
using c_api::write_struct;

/// A struct as two versions of a library know it: the newer one has `added`.
struct Older {
  std::size_t struct_size;
  std::int64_t value;
};
struct Newer {
  std::size_t struct_size;
  std::int64_t value;
  std::int64_t added;
};

TEST(CApiBoundary, LibraryAndHeaderAgreeOnTheVersion) {
  EXPECT_EQ(radial_abi_version(), static_cast<std::uint32_t>(RADIAL_ABI_VERSION));
  EXPECT_STRNE(radial_version(), "");
}

TEST(CApiBoundary, EveryExceptionBecomesItsStatus) {
  EXPECT_EQ(guarded([] {}), RADIAL_OK);
  EXPECT_EQ(guarded([] { throw InvalidArgument("a"); }), RADIAL_INVALID_ARGUMENT);
  EXPECT_EQ(guarded([] { throw Unsupported("b"); }), RADIAL_UNSUPPORTED);
  EXPECT_EQ(guarded([] { throw FormatError("c"); }), RADIAL_FORMAT_ERROR);
  EXPECT_EQ(guarded([] { throw CudaError("d"); }), RADIAL_CUDA_ERROR);
  EXPECT_EQ(guarded([] { throw std::bad_alloc(); }), RADIAL_OUT_OF_MEMORY);
  EXPECT_EQ(guarded([] { throw std::logic_error("e"); }), RADIAL_INTERNAL_ERROR);
  EXPECT_STREQ(radial_last_error(), "e");
  EXPECT_EQ(guarded([] { throw 7; }), RADIAL_INTERNAL_ERROR);
}

TEST(CApiBoundary, MessagesLongerThanTheBufferAreCut) {
  const std::string text(10000, 'x');
  EXPECT_EQ(guarded([&] { throw InvalidArgument(text); }), RADIAL_INVALID_ARGUMENT);
  const std::string kept = radial_last_error();
  EXPECT_GT(kept.size(), 1000u);
  EXPECT_EQ(text.compare(0, kept.size(), kept), 0);
}

TEST(CApiBoundary, ErrorsBelongToTheThread) {
  EXPECT_EQ(guarded([] { throw InvalidArgument("here"); }), RADIAL_INVALID_ARGUMENT);
  std::string seen = "nothing read";
  std::thread([&] { seen = radial_last_error(); }).join();
  EXPECT_EQ(seen, "");
  EXPECT_STREQ(radial_last_error(), "here");
}

/// The caller's memory: a struct of one version, handed to a library of the other.
template <typename Struct>
struct CallersMemory {
  alignas(Struct) unsigned char bytes[64] = {};
  explicit CallersMemory(const Struct& value) { std::memcpy(bytes, &value, sizeof(value)); }
  template <typename Other>
  Other* as() {
    return reinterpret_cast<Other*>(bytes);
  }
};

TEST(CApiBoundary, AnOlderCallersMissingFieldsKeepTheirDefaults) {
  CallersMemory<Older> given({sizeof(Older), 5});
  const Newer read =
      read_struct(given.as<const Newer>(), "given", Newer{sizeof(Newer), 1, 42}, sizeof(Older));
  EXPECT_EQ(read.value, 5);
  EXPECT_EQ(read.added, 42);
}

TEST(CApiBoundary, ANewerCallersFieldsMustBeUnset) {
  CallersMemory<Newer> given({sizeof(Newer), 5, 0});
  const auto read = [&] {
    return read_struct(given.as<const Older>(), "given", Older{}, sizeof(Older));
  };
  EXPECT_EQ(read().value, 5);
  given.as<Newer>()->added = 1;
  EXPECT_THROW(read(), InvalidArgument);
}

TEST(CApiBoundary, WritesAsMuchAsTheCallerHolds) {
  CallersMemory<Newer> shorter({sizeof(Older), 0, 77});
  write_struct(shorter.as<Newer>(), Newer{0, 5, 6});
  EXPECT_EQ(shorter.as<Newer>()->struct_size, sizeof(Older));
  EXPECT_EQ(shorter.as<Newer>()->value, 5);
  EXPECT_EQ(shorter.as<Newer>()->added, 77);

  CallersMemory<Newer> longer({sizeof(Newer), 0, 9});
  write_struct(longer.as<Older>(), Older{0, 5});
  EXPECT_EQ(longer.as<Newer>()->value, 5);
  EXPECT_EQ(longer.as<Newer>()->added, 0);
}

TEST(CApiBoundary, AStructWithoutItsSizeIsRefused) {
  radial_layout layout = layout_of(2, 4, 4);
  layout.struct_size = 0;
  radial_mask* mask = nullptr;
  expect_invalid(radial_mask_create(&layout, nullptr, &mask), {"layout.struct_size", "got 0"});
  EXPECT_EQ(mask, nullptr);
}

TEST(CApiBoundary, NullPointersAreNamed) {
  const radial_layout layout = layout_of(2, 4, 4);
  expect_invalid(radial_mask_create(nullptr, nullptr, nullptr), {"mask", "null"});
  radial_mask* mask = nullptr;
  expect_invalid(radial_mask_create(nullptr, nullptr, &mask), {"layout", "null"});
  radial_plan* plan = nullptr;
  expect_invalid(radial_plan_create(nullptr, &plan), {"mask", "null"});
  expect_invalid(radial_forward(nullptr, nullptr, nullptr), {"plan", "null"});
  const PlanHandle real = make_plan(layout, nullptr);
  expect_invalid(radial_forward(real.get(), nullptr, nullptr), {"args", "null"});
  expect_invalid(radial_backward(real.get(), nullptr, nullptr), {"args", "null"});
  expect_invalid(radial_merge(nullptr, nullptr), {"args", "null"});
}

TEST(CApiBoundary, DestroyTakesNull) {
  radial_mask_destroy(nullptr);
  radial_plan_destroy(nullptr);
  radial_pattern_destroy(nullptr);
  radial_device_plan_destroy(nullptr);
  EXPECT_STREQ(radial_plan_description(nullptr), "");
  EXPECT_STREQ(radial_mask_description(nullptr), "");
  EXPECT_STREQ(radial_plan_warning(nullptr, 0), "");
}

}  // namespace
}  // namespace radial::testing
