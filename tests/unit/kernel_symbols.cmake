# Every object of one instruction set's kernels gives the linker one name, its table of functions.
# Any other, such as an inline function of the standard library, might be the copy that the linker
# keeps for the whole program, and would then run on processors without the instructions.
#
#   cmake -DNM=nm -DOBJECTS=a.o,b.o -P kernel_symbols.cmake

string(REPLACE "," ";" objects "${OBJECTS}")
list(FILTER objects INCLUDE REGEX "/attention/cpu/kernels_[a-z0-9_]+\\.cpp\\.o$")
list(LENGTH objects count)
if(count LESS 5)
  message(FATAL_ERROR "expected at least 5 objects of kernels, found ${count}")
endif()

foreach(object IN LISTS objects)
  string(REGEX REPLACE ".*/kernels_([a-z0-9_]+)\\.cpp\\.o$" "\\1" name "${object}")
  execute_process(COMMAND ${NM} --defined-only --extern-only --demangle ${object}
    OUTPUT_VARIABLE symbols OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  if(NOT symbols MATCHES "^[0-9a-f]+ T radial::cpu::${name}_kernels\\(\\)$")
    message(SEND_ERROR "${object}: expected radial::cpu::${name}_kernels() alone, got\n${symbols}")
  endif()
endforeach()
message(STATUS "${count} objects of kernels, one name each")
