# Installs the build into a folder of its own, builds examples/predict against it as a stranger's project would, and runs that.
#   cmake -DROOT=… -DBUILD=… -P install.cmake
cmake_minimum_required(VERSION 3.25)
set(folder ${BUILD}/install_test)
file(REMOVE_RECURSE ${folder})

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${ARGN}\n${text}")
  endif()
endfunction()
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${folder}/prefix)
# From another folder: nothing of the source tree may be needed.
file(COPY ${ROOT}/examples/predict DESTINATION ${folder})
run(${CMAKE_COMMAND} -S ${folder}/predict -B ${folder}/build -DCMAKE_PREFIX_PATH=${folder}/prefix -DCMAKE_BUILD_TYPE=Debug)
run(${CMAKE_COMMAND} --build ${folder}/build)

execute_process(COMMAND ${folder}/build/predict RESULT_VARIABLE status ERROR_VARIABLE text)
if(NOT status EQUAL 2 OR NOT text MATCHES "usage: predict WEIGHTS IMAGE")
  message(FATAL_ERROR "predict without arguments: ${status} ${text}")
endif()
execute_process(COMMAND ${folder}/build/predict ${folder}/none.safetensors ${folder}/none.png RESULT_VARIABLE status ERROR_VARIABLE text)
if(NOT status EQUAL 1 OR NOT text MATCHES "none.safetensors: there is no such file")
  message(FATAL_ERROR "predict without weights: ${status} ${text}")
endif()
