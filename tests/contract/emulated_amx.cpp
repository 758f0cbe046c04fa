// What the emulated AMX kernels need of the processor, in place of what the real ones need.

#include "attention/cpu/cpu_features.h"

namespace radial::cpu {

std::string missing_for_emulated_amx() asm("__wrap__ZN6radial3cpu15missing_for_amxB5cxx11Ev");
std::string missing_for_emulated_amx() { return missing_for_avx512_bf16(); }

}  // namespace radial::cpu
