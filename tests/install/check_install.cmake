# Installs a build of libradial into a fresh prefix, then builds and runs the examples against it by
# find_package and, in C, by pkg-config.
#   cmake -DSOURCE=... -DBUILD=... -DWORK=... -DLIBDIR=... -DINCLUDEDIR=... -DGENERATOR=... -P check_install.cmake
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE status OUTPUT_VARIABLE output
                  ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "${command}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(run_example program)
  run(${CMAKE_COMMAND} -E env LD_LIBRARY_PATH=${prefix}/${LIBDIR} ${program})
  if(NOT output MATCHES "every output is 1")
    message(FATAL_ERROR "${program} printed: ${output}")
  endif()
  message(STATUS "${program}: every output is 1")
endfunction()

# A prefix that is moved after the installation: nothing may hold its first path.
file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/first)
file(RENAME ${WORK}/first ${WORK}/prefix)
set(prefix ${WORK}/prefix)
file(GLOB_RECURSE headers RELATIVE ${SOURCE}/include ${SOURCE}/include/radial/*.h)
foreach(header ${headers})
  if(NOT EXISTS ${prefix}/${INCLUDEDIR}/${header})
    message(FATAL_ERROR "${header} was not installed")
  endif()
endforeach()

run(${CMAKE_COMMAND} -G ${GENERATOR} -S ${SOURCE}/tests/install/consumer -B ${WORK}/consumer
    -DCMAKE_PREFIX_PATH=${prefix} -DEXAMPLES=${SOURCE}/examples -DCMAKE_BUILD_TYPE=Release)
run(${CMAKE_COMMAND} --build ${WORK}/consumer)
run_example(${WORK}/consumer/consumer_c)
run_example(${WORK}/consumer/consumer_cpp)

run(${CMAKE_COMMAND} -E env PKG_CONFIG_PATH=${prefix}/${LIBDIR}/pkgconfig
    sh -c "cc -std=c11 '${SOURCE}/examples/attention.c' -o '${WORK}/by_pkg_config' \
           $(pkg-config --cflags --libs radial) -lm")
run_example(${WORK}/by_pkg_config)
