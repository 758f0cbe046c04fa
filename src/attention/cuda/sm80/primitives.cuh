#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

// The instructions the kernels are made of, and tiles in shared memory: 64 rows of kHeadDim
// elements, in chunks of 16 bytes whose low three index bits are xored with the row's, so that
// eight rows of one chunk lie in different banks.

namespace radial::sm80 {

__device__ __forceinline__ std::uint32_t shared_address(const void* pointer) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(pointer));
}

/// 16 bytes from global to shared memory; zeros where not `valid`.
__device__ __forceinline__ void copy_async(std::uint32_t to, const void* from, bool valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from),
               "r"(valid ? 16 : 0)
               : "memory");
}
__device__ __forceinline__ void commit_copies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
template <int kPending>
__device__ __forceinline__ void wait_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

__device__ __forceinline__ void load_matrices(std::uint32_t (&r)[4], std::uint32_t address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}
__device__ __forceinline__ void load_matrices_transposed(std::uint32_t (&r)[4],
                                                         std::uint32_t address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(address)
               : "memory");
}

/// c[16 x 8] += a[16 x 16] b[16 x 8].
template <typename Element>
__device__ __forceinline__ void multiply(float (&c)[4], const std::uint32_t (&a)[4],
                                         std::uint32_t b0, std::uint32_t b1);
template <>
__device__ __forceinline__ void multiply<__nv_bfloat16>(float (&c)[4], const std::uint32_t (&a)[4],
                                                        std::uint32_t b0, std::uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
template <>
__device__ __forceinline__ void multiply<__half>(float (&c)[4], const std::uint32_t (&a)[4],
                                                 std::uint32_t b0, std::uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

template <typename Element>
__device__ __forceinline__ std::uint32_t pack(float low, float high);
template <>
__device__ __forceinline__ std::uint32_t pack<__nv_bfloat16>(float low, float high) {
  const __nv_bfloat162 both = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<const std::uint32_t*>(&both);
}
template <>
__device__ __forceinline__ std::uint32_t pack<__half>(float low, float high) {
  const __half2 both = __floats2half2_rn(low, high);
  return *reinterpret_cast<const std::uint32_t*>(&both);
}

__device__ __forceinline__ float exp2_approx(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

/// A tile in shared memory, by its address.
template <typename Config>
struct Tile {
  static constexpr int kChunks = Config::kHeadDim / 8;
  static constexpr int kRowBytes = Config::kHeadDim * 2;

  std::uint32_t address;

  __device__ __forceinline__ std::uint32_t chunk(int row, int index) const {
    return address + row * kRowBytes + (index ^ (row & 7)) * 16;
  }

  /// Rows [first_row, first_row + 16) x columns [16 step, +16) as an A operand.
  __device__ __forceinline__ void load_a(std::uint32_t (&a)[4], int first_row, int step) const {
    const int lane = threadIdx.x % 32;
    load_matrices(a, chunk(first_row + lane % 16, 2 * step + lane / 16));
  }
  /// Rows [first_row, +16) x columns [16 step, +16) as the B operands of two products over the
  /// columns (rows are the products' columns).
  __device__ __forceinline__ void load_b(std::uint32_t (&b)[4], int first_row, int step) const {
    const int lane = threadIdx.x % 32;
    load_matrices(b, chunk(first_row + lane / 16 * 8 + lane % 8, 2 * step + lane / 8 % 2));
  }
  /// Rows [16 step, +16) x columns [16 column, +16) as the B operands of two products over the
  /// rows.
  __device__ __forceinline__ void load_b_transposed(std::uint32_t (&b)[4], int step,
                                                    int column) const {
    const int lane = threadIdx.x % 32;
    load_matrices_transposed(b, chunk(16 * step + lane % 16, 2 * column + lane / 16));
  }
};

/// Copies rows [first, first + kRows) of one head to a tile; rows at or beyond `end` become zeros.
template <typename Config, int kRows = Config::kTile>
__device__ __forceinline__ void copy_rows(const Tile<Config>& tile,
                                          const typename Config::Element* head,
                                          std::int64_t token_stride, int first, int end) {
  constexpr int kChunks = Tile<Config>::kChunks;
#pragma unroll
  for (int i = threadIdx.x; i < kRows * kChunks; i += Config::kThreads) {
    const int row = i / kChunks, column = i % kChunks;
    const bool valid = first + row < end;
    copy_async(tile.chunk(row, column),
               head + (valid ? (first + row) * token_stride : 0) + column * 8, valid);
  }
}

/// Largest (sum) of the four lanes that share a row of a fragment.
__device__ __forceinline__ float row_max(float x) {
  x = fmaxf(x, __shfl_xor_sync(0xFFFFFFFF, x, 1));
  return fmaxf(x, __shfl_xor_sync(0xFFFFFFFF, x, 2));
}
__device__ __forceinline__ float row_sum(float x) {
  x += __shfl_xor_sync(0xFFFFFFFF, x, 1);
  return x + __shfl_xor_sync(0xFFFFFFFF, x, 2);
}

}  // namespace radial::sm80
