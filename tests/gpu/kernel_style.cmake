# Reads every kernel source (*.cu, *.cuh), the headers that kernels are written in (*.h with __device__ or __global__) and the device's
# (tensor/gpu/*.h), and fails on what the emulated device cannot stand in for or cannot check (docs/gpu.md).
#   usage: cmake -DROOT=<folder of the project> -P kernel_style.cmake
cmake_minimum_required(VERSION 3.25)

# name ~ pattern ~ where it is looked for ~ files that may have it. In the patterns @< and @> stand for square brackets.
set(rules
  "<<< >>>: use launch(…)~<<<~.~^$"
  "__constant__: pass it by value~__constant__~.~^$"
  "__shared__: carve it from Shared~__shared__~.~^tensor/gpu/shared\\.h$"
  "__activemask: say which lanes come~__activemask~.~^$"
  "cooperative groups~cooperative_groups~.~^$"
  "CUB, Thrust or libcu++~include[ \t]*[<\"](cub|thrust|cuda|nv)/~.~^$"
  "a lambda for the device: write a struct with operator()~@>[^@]*__device__~.~^$"
  "a static local~(^|[^a-z_])(static|thread_local)[ \t][^(=,{]*(=|,|@<|{)~\\.cuh?$~^$"
  "a variable of the device: pass it by pointer~^(static |inline )?__(device|managed)__ [^(]*(=|,)[^(]*$~.~^$"
  "unroll by MR_UNROLL~#[ \t]*pragma[ \t]+unroll|_Pragma~.~^tensor/gpu/builtins\\.h$"
  "a macro outside tensor/gpu/builtins.h~^[ \t]*#[ \t]*define~.~^tensor/gpu/builtins\\.h$"
  "PTX outside tensor/gpu/ptx.h~(^|[^a-z_])(__)?asm(__)?[ \t(]~.~^tensor/gpu/ptx\\.h$"
  "printf in a kernel~printf~.~^$"
  "conditional compilation: one source serves both~^[ \t]*#[ \t]*(if|ifdef|ifndef)~\\.cuh?$~^$"
  "an instance by hand: dispatch_float (tensor/dtype.h) lists the types~^[ \t]*(extern )?template[ \t]+[^< \t]~\\.cuh?$~^ops/(elementwise/(map|transpose)|boxes/rows|loss/class_masks)\\.cu$"
  "volatile orders nothing: use a barrier or an atomic~(^|[^a-z_])volatile~.~^tensor/gpu/ptx\\.h$")

file(GLOB_RECURSE sources RELATIVE ${ROOT} ${ROOT}/*.cu ${ROOT}/*.cuh)
file(GLOB headers RELATIVE ${ROOT} ${ROOT}/tensor/gpu/*.h)
list(APPEND sources ${headers})
file(GLOB_RECURSE headers RELATIVE ${ROOT} ${ROOT}/ops/*.h ${ROOT}/data/*.h ${ROOT}/models/*.h ${ROOT}/tests/gpu/*.h)
foreach(header IN LISTS headers)
  file(STRINGS ${ROOT}/${header} device_code REGEX "__device__|__global__")
  if(device_code)
    list(APPEND sources ${header})
  endif()
endforeach()
list(FILTER sources EXCLUDE REGEX "^(build|tests/gpu/wrong)/")
set(offences 0)
set(files 0)
foreach(source IN LISTS sources)
  math(EXPR files "${files} + 1")
  file(READ ${ROOT}/${source} text)
  # What a CMake list would trip over is replaced, then each line is one item.
  string(REPLACE "\\" "/" text "${text}")
  string(REPLACE "[" "@<" text "${text}")
  string(REPLACE "]" "@>" text "${text}")
  string(REPLACE ";" "," text "${text}")
  string(REPLACE "\n" ";" lines "${text}")
  set(number 0)
  string(REGEX REPLACE "^(ops|data|models|tests)/(.*)\\.h$" "\\0.cu" kind "${source}")  # a kernel's header is as a kernel
  foreach(line IN LISTS lines)
    math(EXPR number "${number} + 1")
    string(REGEX REPLACE "//.*$" "" line "${line}")
    string(REGEX REPLACE "static constexpr|constexpr static" "constexpr" line "${line}")
    foreach(rule IN LISTS rules)
      string(REPLACE "~" ";" parts "${rule}")
      list(GET parts 0 name)
      list(GET parts 1 pattern)
      list(GET parts 2 where)
      list(GET parts 3 except)
      if(kind MATCHES "${where}" AND NOT source MATCHES "${except}" AND line MATCHES "${pattern}")
        math(EXPR offences "${offences} + 1")
        message(NOTICE "${source}:${number}: ${name}")
      endif()
    endforeach()
  endforeach()
endforeach()

if(files EQUAL 0)
  message(FATAL_ERROR "kernel style: no kernels under ${ROOT}")
elseif(offences GREATER 0)
  message(FATAL_ERROR "kernel style: ${offences} offences")
endif()
message(NOTICE "kernel style: ${files} files, no offence")
