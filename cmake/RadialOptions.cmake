# Every option of the build, in one place.
option(RADIAL_CUDA "Build the CUDA kernels (needs nvcc)" OFF)
option(RADIAL_TORCH "Build torch.ops.radial (needs the torch wheel)" OFF)
option(RADIAL_TOOLS "Build the radial command" ${PROJECT_IS_TOP_LEVEL})
option(RADIAL_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(RADIAL_BENCHMARKS "Build the benchmarks" OFF)
option(RADIAL_FUZZ "Build the libFuzzer targets (needs clang)" OFF)
option(RADIAL_WERROR "Treat warnings as errors" OFF)
set(RADIAL_SANITIZE "" CACHE STRING "Sanitizers to build with, as -fsanitize= takes them")
option(BUILD_SHARED_LIBS "Build libradial as a shared library" ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
