#pragma once

#include <string>

namespace radial::cpu {

/// "this processor lacks AVX2, FMA": what an instruction set of ours needs and is not there;
/// empty if all is.
std::string missing_for_avx2();
std::string missing_for_avx512();
std::string missing_for_avx512_bf16();
/// Also what the operating system refuses; the first call asks it for the tiles on behalf of the
/// process.
std::string missing_for_amx();

}  // namespace radial::cpu
