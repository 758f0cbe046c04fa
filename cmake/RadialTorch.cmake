# libtorch out of the torch wheel, as an imported target:
#   torch_wheel       torch, torch_cpu and c10: what host code links
#   torch_wheel_cuda  adds c10_cuda and torch_cuda with the wheel's own CUDA headers; absent where the
#                     wheel is a CPU build
# Torch's own CMake package wants a CUDA toolkit whenever the wheel is a CUDA build, even for code
# that never touches a GPU; linking the wheel's libraries by name needs none.
#
# Looked for in this order: RADIAL_TORCH_DIR (the folder `torch` of the wheel), the interpreter
# RADIAL_PYTHON, the interpreter of <project>/.venv. Sets RADIAL_TORCH_DIR, RADIAL_TORCH_VERSION and
# RADIAL_PYTHON (empty if only the folder was given).
function(radial_find_torch_python)
  foreach(candidate "${RADIAL_PYTHON}" "${PROJECT_SOURCE_DIR}/.venv/bin/python")
    if(candidate AND EXISTS "${candidate}")
      set(RADIAL_PYTHON "${candidate}" CACHE FILEPATH "Python interpreter that has torch" FORCE)
      return()
    endif()
  endforeach()
endfunction()

# Asks the interpreter where its torch is; importing torch itself would take seconds.
function(radial_find_torch_dir)
  execute_process(
    COMMAND "${RADIAL_PYTHON}" -c
            "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
    OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
  if(status EQUAL 0)
    set(RADIAL_TORCH_DIR "${found}" CACHE PATH "Folder of the torch wheel" FORCE)
  endif()
endfunction()

radial_find_torch_python()
if(NOT RADIAL_TORCH_DIR AND RADIAL_PYTHON)
  radial_find_torch_dir()
endif()
if(NOT RADIAL_TORCH_DIR)
  message(FATAL_ERROR "RADIAL_TORCH needs the torch wheel: run scripts/setup, or give "
                      "-DRADIAL_PYTHON=<python that has torch> or -DRADIAL_TORCH_DIR=<site-packages/torch>, "
                      "or build without it by -DRADIAL_TORCH=OFF")
endif()
foreach(needed include/ATen/core/Tensor.h lib/libtorch.so lib/libtorch_cpu.so lib/libc10.so version.py)
  if(NOT EXISTS "${RADIAL_TORCH_DIR}/${needed}")
    message(FATAL_ERROR "RADIAL_TORCH_DIR=${RADIAL_TORCH_DIR} is no torch wheel: ${needed} is missing")
  endif()
endforeach()

file(STRINGS "${RADIAL_TORCH_DIR}/version.py" version_line REGEX "^__version__ = ")
string(REGEX REPLACE ".*'([^']*)'.*" "\\1" RADIAL_TORCH_VERSION "${version_line}")
message(STATUS "torch ${RADIAL_TORCH_VERSION} in ${RADIAL_TORCH_DIR}")

# The wheel's libraries carry an RPATH to their siblings and to the nvidia wheels, so that naming
# these three is enough to link and to run; CMake puts the folder into the RPATH of what links them.
foreach(library c10 torch_cpu torch)
  add_library(torch_wheel_${library} SHARED IMPORTED)
  set_target_properties(torch_wheel_${library} PROPERTIES
    IMPORTED_LOCATION "${RADIAL_TORCH_DIR}/lib/lib${library}.so" IMPORTED_SONAME "lib${library}.so")
endforeach()
add_library(torch_wheel INTERFACE IMPORTED)
target_include_directories(torch_wheel INTERFACE
  "${RADIAL_TORCH_DIR}/include" "${RADIAL_TORCH_DIR}/include/torch/csrc/api/include")
target_compile_definitions(torch_wheel INTERFACE _GLIBCXX_USE_CXX11_ABI=1)
# libstdc++ first: the wheel's libraries export the std::filesystem functions of the older compiler
# that built them, and what of those a program of ours picks up crashes (remove_all, for one).
target_link_libraries(torch_wheel INTERFACE
  stdc++ torch_wheel_torch torch_wheel_torch_cpu torch_wheel_c10 Threads::Threads)

get_filename_component(radial_cuda_headers "${RADIAL_TORCH_DIR}/../nvidia/cu13/include" ABSOLUTE)
if(EXISTS "${RADIAL_TORCH_DIR}/lib/libc10_cuda.so" AND EXISTS "${radial_cuda_headers}/cuda_runtime_api.h")
  foreach(library c10_cuda torch_cuda)
    add_library(torch_wheel_${library} SHARED IMPORTED)
    set_target_properties(torch_wheel_${library} PROPERTIES
      IMPORTED_LOCATION "${RADIAL_TORCH_DIR}/lib/lib${library}.so" IMPORTED_SONAME "lib${library}.so")
  endforeach()
  add_library(torch_wheel_cuda INTERFACE IMPORTED)
  target_include_directories(torch_wheel_cuda INTERFACE "${radial_cuda_headers}")
  target_link_libraries(torch_wheel_cuda INTERFACE
    torch_wheel_torch_cuda torch_wheel_c10_cuda torch_wheel)
endif()
unset(radial_cuda_headers)
