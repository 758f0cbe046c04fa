# CUDA sources of libradial. They are compiled with the library's own objects; each names the machine
# code it is made for, since kernels for Hopper's own instructions run on nothing else.
#
# CUDA sources follow CMAKE_CXX_STANDARD; CMake 3.25 has to be told how nvcc 13 spells C++20.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES OFF)
endif()
enable_language(CUDA)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
endif()
# CUDA 13 has no nvToolsExt any more, and FindCUDAToolkit of CMake 3.25.1 stops where it is missing.
if(NOT TARGET CUDA::nvToolsExt)
  add_library(CUDA::nvToolsExt INTERFACE IMPORTED)
endif()
find_package(CUDAToolkit 12.8 REQUIRED)

# Options, headers and runtime that the CUDA sources of libradial need.
function(radial_cuda_defaults)
  set_target_properties(radial_objects PROPERTIES
    CUDA_ARCHITECTURES OFF CUDA_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)
  target_compile_options(radial_objects PRIVATE
    $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr -Xcompiler=-Wall,-Wextra>
    $<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${RADIAL_WERROR}>>:-Werror=all-warnings>)
  target_include_directories(radial_objects PRIVATE ${CUDAToolkit_INCLUDE_DIRS})
  target_link_libraries(radial_objects PRIVATE CUDA::cudart_static)
endfunction()

# radial_cuda_sources(ARCHITECTURES 90a-real|80-virtual... SOURCES file...)
# Adds kernels compiled to machine code (real) or to PTX that newer GPUs translate (virtual).
function(radial_cuda_sources)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "ARCHITECTURES;SOURCES")
  set(flags)
  foreach(architecture ${arg_ARCHITECTURES})
    string(REGEX MATCH "^([0-9]+a?)-(real|virtual)$" known "${architecture}")
    if(NOT known)
      message(FATAL_ERROR "radial_cuda_sources: expected an architecture such as 90a-real or "
                          "80-virtual, got '${architecture}'")
    endif()
    if(CMAKE_MATCH_2 STREQUAL "real")
      list(APPEND flags "-gencode=arch=compute_${CMAKE_MATCH_1},code=sm_${CMAKE_MATCH_1}")
    else()
      list(APPEND flags "-gencode=arch=compute_${CMAKE_MATCH_1},code=compute_${CMAKE_MATCH_1}")
    endif()
  endforeach()
  foreach(source ${arg_SOURCES})
    set(source ${CMAKE_CURRENT_SOURCE_DIR}/${source})
    set_source_files_properties(${source} TARGET_DIRECTORY radial_objects
                                PROPERTIES COMPILE_OPTIONS "${flags}")
    target_sources(radial_objects PRIVATE ${source})
  endforeach()
endfunction()
