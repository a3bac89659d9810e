# Installs the build into a folder of its own, builds the examples against it as a stranger's projects would, and runs them.
#   cmake -DROOT=… -DBUILD=… -DGENERATOR=Ninja -P install.cmake
cmake_minimum_required(VERSION 3.25)
set(folder ${BUILD}/install_test)
file(REMOVE_RECURSE ${folder})

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${ARGN}\n${text}")
  endif()
  set(output "${text}" PARENT_SCOPE)
endfunction()
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${folder}/prefix)
file(GLOB installed RELATIVE ${folder}/prefix/include ${folder}/prefix/include/*)
if(NOT installed STREQUAL "maskrcnn")
  message(FATAL_ERROR "include: expected the folder maskrcnn alone, got ${installed}")
endif()
# Headers of the stranger's own have names that ours have, too, and are found before them.
foreach(header base/check.h data/image/image.h models/layers.h tensor/tensor.h train/detector.h)
  file(WRITE ${folder}/own/${header} "#error \"a header of another project was taken for ours\"\n")
endforeach()
# From another folder: nothing of the source tree may be needed.
foreach(example predict small_network)
  file(COPY ${ROOT}/examples/${example} DESTINATION ${folder})
  run(${CMAKE_COMMAND} -G ${GENERATOR} -S ${folder}/${example} -B ${folder}/build_${example} -DCMAKE_PREFIX_PATH=${folder}/prefix -DCMAKE_BUILD_TYPE=Debug
    -DCMAKE_CXX_FLAGS=-I${folder}/own)
  run(${CMAKE_COMMAND} --build ${folder}/build_${example})
endforeach()

set(predict ${folder}/build_predict/predict)
execute_process(COMMAND ${predict} RESULT_VARIABLE status ERROR_VARIABLE text)
if(NOT status EQUAL 2 OR NOT text MATCHES "usage: predict WEIGHTS IMAGE")
  message(FATAL_ERROR "predict without arguments: ${status} ${text}")
endif()
execute_process(COMMAND ${predict} ${folder}/none.safetensors ${folder}/none.png RESULT_VARIABLE status ERROR_VARIABLE text)
if(NOT status EQUAL 1 OR NOT text MATCHES "none.safetensors: there is no such file")
  message(FATAL_ERROR "predict without weights: ${status} ${text}")
endif()

run(${folder}/build_small_network/small_network)
if(NOT output MATCHES "([0-9]+) of 300 new drawings named rightly" OR CMAKE_MATCH_1 LESS 285)
  message(FATAL_ERROR "small_network: expected 285 of 300 or more, got\n${output}")
endif()
# Without a step of training it guesses.
run(${folder}/build_small_network/small_network 0)
if(NOT output MATCHES "([0-9]+) of 300 new drawings named rightly" OR CMAKE_MATCH_1 GREATER 200)
  message(FATAL_ERROR "small_network without training: expected a guess, got\n${output}")
endif()
