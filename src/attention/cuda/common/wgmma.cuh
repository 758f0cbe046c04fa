#pragma once

// Warpgroup matrix products (wgmma): operand descriptors, issue, wait.

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>
#include <type_traits>

namespace radial::sm90 {

/// How an operand lies in shared memory. Both are tiles of 128-byte rows, 128-byte swizzled.
enum class Major {
  kDepth,  ///< the summed index is contiguous
  kOuter,  ///< the row (A) or column (B) index is contiguous
};

/// Descriptor of an operand at `address` (1024-byte aligned up to steps inside the swizzle atom).
/// `outer_stride`: bytes between tiles of 64 along a contiguous outer index.
__device__ __forceinline__ std::uint64_t operand_descriptor(std::uint32_t address,
                                                            std::uint32_t outer_stride = 0) {
  constexpr std::uint64_t kSwizzle128 = std::uint64_t{1} << 62;
  constexpr std::uint64_t kEightRows = std::uint64_t{1024 >> 4} << 32;
  return kSwizzle128 | kEightRows | (std::uint64_t{outer_stride >> 4} << 16) |
         ((address & 0x3FFFF) >> 4);
}

/// An operand and its parts: only the low word of the descriptor changes from one to the next, so
/// that it takes one uniform addition.
struct Operand {
  std::uint32_t low, high;

  __device__ __forceinline__ Operand(std::uint32_t address, std::uint32_t outer_stride = 0) {
    const std::uint64_t descriptor = operand_descriptor(address, outer_stride);
    low = static_cast<std::uint32_t>(descriptor);
    high = static_cast<std::uint32_t>(descriptor >> 32);
  }

  /// Descriptor of the part `bytes` behind the beginning.
  __device__ __forceinline__ std::uint64_t at(std::uint32_t bytes) const {
    return std::uint64_t{high} << 32 | (low + (bytes >> 4));
  }
};

/// Starts a batch: registers written so far are seen by the products that follow.
__device__ __forceinline__ void wgmma_fence() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

__device__ __forceinline__ void wgmma_commit() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

template <int kPending>
__device__ __forceinline__ void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}

/// Keeps the compiler from moving uses of registers across a wait.
template <typename Register, int kCount>
__device__ __forceinline__ void pin_registers(Register (&registers)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; ++i) {
    if constexpr (std::is_same_v<Register, float>) {
      asm volatile("" : "+f"(registers[i])::"memory");
    } else {
      asm volatile("" : "+r"(registers[i])::"memory");
    }
  }
}

// clang-format off

#define RADIAL_WGMMA_SS_N32(TYPE) \
  asm volatile("{.reg .pred p; setp.ne.b32 p, %18, 0; " \
      "wgmma.mma_async.sync.aligned.m64n32k16.f32." TYPE "." TYPE " {" \
      "%0, %1, %2, %3, %4, %5, %6, %7, " \
      "%8, %9, %10, %11, %12, %13, %14, %15" \
      "}, %16, %17, p, 1, 1, %19, %20;}" \
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), \
        "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), \
        "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), \
        "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]) \
      : "l"(a), "l"(b), "r"(accumulate), "n"(kAMajor), "n"(kBMajor))
#define RADIAL_WGMMA_RS_N32(TYPE) \
  asm volatile("{.reg .pred p; setp.ne.b32 p, %21, 0; " \
      "wgmma.mma_async.sync.aligned.m64n32k16.f32." TYPE "." TYPE " {" \
      "%0, %1, %2, %3, %4, %5, %6, %7, " \
      "%8, %9, %10, %11, %12, %13, %14, %15" \
      "}, {%16, %17, %18, %19}, %20, p, 1, 1, %22;}" \
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), \
        "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), \
        "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), \
        "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]) \
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(accumulate), "n"(kBMajor))

#define RADIAL_WGMMA_SS_N64(TYPE) \
  asm volatile("{.reg .pred p; setp.ne.b32 p, %34, 0; " \
      "wgmma.mma_async.sync.aligned.m64n64k16.f32." TYPE "." TYPE " {" \
      "%0, %1, %2, %3, %4, %5, %6, %7, " \
      "%8, %9, %10, %11, %12, %13, %14, %15, " \
      "%16, %17, %18, %19, %20, %21, %22, %23, " \
      "%24, %25, %26, %27, %28, %29, %30, %31" \
      "}, %32, %33, p, 1, 1, %35, %36;}" \
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), \
        "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), \
        "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), \
        "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), \
        "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), \
        "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), \
        "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), \
        "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31]) \
      : "l"(a), "l"(b), "r"(accumulate), "n"(kAMajor), "n"(kBMajor))
#define RADIAL_WGMMA_RS_N64(TYPE) \
  asm volatile("{.reg .pred p; setp.ne.b32 p, %37, 0; " \
      "wgmma.mma_async.sync.aligned.m64n64k16.f32." TYPE "." TYPE " {" \
      "%0, %1, %2, %3, %4, %5, %6, %7, " \
      "%8, %9, %10, %11, %12, %13, %14, %15, " \
      "%16, %17, %18, %19, %20, %21, %22, %23, " \
      "%24, %25, %26, %27, %28, %29, %30, %31" \
      "}, {%32, %33, %34, %35}, %36, p, 1, 1, %38;}" \
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), \
        "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), \
        "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), \
        "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), \
        "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), \
        "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), \
        "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), \
        "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31]) \
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(accumulate), "n"(kBMajor))

#define RADIAL_WGMMA_SS_N128(TYPE) \
  asm volatile("{.reg .pred p; setp.ne.b32 p, %66, 0; " \
      "wgmma.mma_async.sync.aligned.m64n128k16.f32." TYPE "." TYPE " {" \
      "%0, %1, %2, %3, %4, %5, %6, %7, " \
      "%8, %9, %10, %11, %12, %13, %14, %15, " \
      "%16, %17, %18, %19, %20, %21, %22, %23, " \
      "%24, %25, %26, %27, %28, %29, %30, %31, " \
      "%32, %33, %34, %35, %36, %37, %38, %39, " \
      "%40, %41, %42, %43, %44, %45, %46, %47, " \
      "%48, %49, %50, %51, %52, %53, %54, %55, " \
      "%56, %57, %58, %59, %60, %61, %62, %63" \
      "}, %64, %65, p, 1, 1, %67, %68;}" \
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), \
        "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), \
        "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), \
        "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), \
        "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), \
        "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), \
        "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), \
        "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31]), \
        "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35]), \
        "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), \
        "+f"(d[40]), "+f"(d[41]), "+f"(d[42]), "+f"(d[43]), \
        "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]), \
        "+f"(d[48]), "+f"(d[49]), "+f"(d[50]), "+f"(d[51]), \
        "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55]), \
        "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), \
        "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63]) \
      : "l"(a), "l"(b), "r"(accumulate), "n"(kAMajor), "n"(kBMajor))
#define RADIAL_WGMMA_RS_N128(TYPE) \
  asm volatile("{.reg .pred p; setp.ne.b32 p, %69, 0; " \
      "wgmma.mma_async.sync.aligned.m64n128k16.f32." TYPE "." TYPE " {" \
      "%0, %1, %2, %3, %4, %5, %6, %7, " \
      "%8, %9, %10, %11, %12, %13, %14, %15, " \
      "%16, %17, %18, %19, %20, %21, %22, %23, " \
      "%24, %25, %26, %27, %28, %29, %30, %31, " \
      "%32, %33, %34, %35, %36, %37, %38, %39, " \
      "%40, %41, %42, %43, %44, %45, %46, %47, " \
      "%48, %49, %50, %51, %52, %53, %54, %55, " \
      "%56, %57, %58, %59, %60, %61, %62, %63" \
      "}, {%64, %65, %66, %67}, %68, p, 1, 1, %70;}" \
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), \
        "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), \
        "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), \
        "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), \
        "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), \
        "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), \
        "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), \
        "+f"(d[28]), "+f"(d[29]), "+f"(d[30]), "+f"(d[31]), \
        "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35]), \
        "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), \
        "+f"(d[40]), "+f"(d[41]), "+f"(d[42]), "+f"(d[43]), \
        "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]), \
        "+f"(d[48]), "+f"(d[49]), "+f"(d[50]), "+f"(d[51]), \
        "+f"(d[52]), "+f"(d[53]), "+f"(d[54]), "+f"(d[55]), \
        "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), \
        "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63]) \
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(accumulate), "n"(kBMajor))

// clang-format on

/// d[64 x N] (+)= A[64 x 16] B[16 x N], both operands in shared memory.
template <typename Element, int kN, Major kA, Major kB>
__device__ __forceinline__ void wgmma_shared(float (&d)[kN / 2], std::uint64_t a, std::uint64_t b,
                                             int accumulate) {
  constexpr int kAMajor = kA == Major::kOuter, kBMajor = kB == Major::kOuter;
  if constexpr (std::is_same_v<Element, __nv_bfloat16>) {
    if constexpr (kN == 32) RADIAL_WGMMA_SS_N32("bf16");
    if constexpr (kN == 64) RADIAL_WGMMA_SS_N64("bf16");
    if constexpr (kN == 128) RADIAL_WGMMA_SS_N128("bf16");
  } else {
    if constexpr (kN == 32) RADIAL_WGMMA_SS_N32("f16");
    if constexpr (kN == 64) RADIAL_WGMMA_SS_N64("f16");
    if constexpr (kN == 128) RADIAL_WGMMA_SS_N128("f16");
  }
}

/// The same with A in registers.
template <typename Element, int kN, Major kB>
__device__ __forceinline__ void wgmma_registers(float (&d)[kN / 2], const std::uint32_t (&a)[4],
                                                std::uint64_t b, int accumulate) {
  constexpr int kBMajor = kB == Major::kOuter;
  if constexpr (std::is_same_v<Element, __nv_bfloat16>) {
    if constexpr (kN == 32) RADIAL_WGMMA_RS_N32("bf16");
    if constexpr (kN == 64) RADIAL_WGMMA_RS_N64("bf16");
    if constexpr (kN == 128) RADIAL_WGMMA_RS_N128("bf16");
  } else {
    if constexpr (kN == 32) RADIAL_WGMMA_RS_N32("f16");
    if constexpr (kN == 64) RADIAL_WGMMA_RS_N64("f16");
    if constexpr (kN == 128) RADIAL_WGMMA_RS_N128("f16");
  }
}

#undef RADIAL_WGMMA_SS_N32
#undef RADIAL_WGMMA_SS_N64
#undef RADIAL_WGMMA_SS_N128
#undef RADIAL_WGMMA_RS_N32
#undef RADIAL_WGMMA_RS_N64
#undef RADIAL_WGMMA_RS_N128

}  // namespace radial::sm90
