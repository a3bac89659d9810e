# The device of the build, MR_GPU: off, emulated (the CPU plays it; docs/gpu.md), or cuda.
#   mr_gpu_sources(list folder)    leaves the other devices' sources out of a list of *.cpp, and adds the folder's kernels, *.cu
#   mr_gpu_link()                  links the libraries of the device
set(MR_GPU off CACHE STRING "the device: off, emulated or cuda")
set_property(CACHE MR_GPU PROPERTY STRINGS off emulated cuda)
if(NOT MR_GPU MATCHES "^(off|emulated|cuda)$")
  message(FATAL_ERROR "MR_GPU: expected off, emulated or cuda, got ${MR_GPU}")
endif()

set(MR_GPU_EXCLUDED "")
if(MR_GPU STREQUAL off)
  list(APPEND MR_GPU_EXCLUDED "_gpu\\.cpp$")
else()
  list(APPEND MR_GPU_EXCLUDED "/gpu/[a-z_]+_off\\.cpp$")
endif()
if(MR_GPU STREQUAL emulated)
  list(APPEND MR_GPU_EXCLUDED "/gpu/not_emulated\\.cpp$")
else()
  list(APPEND MR_GPU_EXCLUDED "/gpu/emulated/")
endif()
if(NOT MR_GPU STREQUAL cuda)
  list(APPEND MR_GPU_EXCLUDED "/gpu/[a-z_]+_cuda\\.cpp$")
endif()

function(mr_gpu_sources list folder)
  set(sources ${${list}})
  foreach(pattern IN LISTS MR_GPU_EXCLUDED)
    list(FILTER sources EXCLUDE REGEX "${pattern}")
  endforeach()
  if(NOT MR_GPU STREQUAL off)
    file(GLOB_RECURSE kernels CONFIGURE_DEPENDS ${folder}/*.cu)
    list(FILTER kernels EXCLUDE REGEX "/wrong/")                               # planted for the tests of the style
    list(APPEND sources ${kernels})
    if(MR_GPU STREQUAL emulated)
      set_source_files_properties(${kernels} PROPERTIES LANGUAGE CXX)
    endif()
  endif()
  set(${list} ${sources} PARENT_SCOPE)
endfunction()

if(MR_GPU STREQUAL emulated)
  find_package(Boost REQUIRED COMPONENTS context)
  target_compile_definitions(mr_flags INTERFACE MR_GPU_EMULATED)
elseif(MR_GPU STREQUAL cuda)
  if(NOT CMAKE_CUDA_COMPILER)
    find_program(MR_NVCC nvcc HINTS ENV CUDA_PATH /usr/local/cuda PATH_SUFFIXES bin REQUIRED)
    set(CMAKE_CUDA_COMPILER ${MR_NVCC})
  endif()
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CMAKE_SOURCE_DIR}/cmake/nvcc_report ${MR_CCACHE})
  # CMake 3.25 does not know 90a.
  set(CMAKE_CUDA_ARCHITECTURES OFF)
  set(MR_CUDA_ARCHITECTURES "80;90a;80-virtual" CACHE STRING
    "machine code for A100 and H100, and PTX (-virtual), from which a driver makes it for later ones")
  enable_language(CUDA)
  find_package(CUDAToolkit REQUIRED)
  target_compile_definitions(mr_flags INTERFACE MR_GPU_CUDA)
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)                                 # CMake 3.25 knows CUDA's standards up to 17
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
    list(APPEND CMAKE_CUDA_COMPILE_FEATURES cuda_std_20)
  endif()
  foreach(architecture IN LISTS MR_CUDA_ARCHITECTURES)
    string(REPLACE "-virtual" "" number ${architecture})
    string(REGEX REPLACE "^(.*)-virtual$" "compute_\\1" code ${architecture})
    string(REGEX REPLACE "^([0-9]+a?)$" "sm_\\1" code ${code})
    target_compile_options(mr_flags INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-gencode arch=compute_${number},code=${code}>")
  endforeach()
  # --fmad=false: as -ffp-contract=off.
  target_compile_options(mr_flags INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr;--fmad=false;-lineinfo>"
    "$<$<COMPILE_LANGUAGE:CUDA>:$<BUILD_INTERFACE:-Xptxas=-v>>"                # for cmake/nvcc_report
    "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-Werror=cross-execution-space-call>"
    "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra$<$<BOOL:${MR_WERROR}>:,-Werror>>")
endif()

# The libraries of the device belong to the tensor folder.
function(mr_gpu_link)
  if(MR_GPU STREQUAL emulated)
    target_link_libraries(mr_tensor PUBLIC Boost::context)
  elseif(MR_GPU STREQUAL cuda)
    target_link_libraries(mr_tensor PUBLIC CUDA::cudart CUDA::cublasLt)
  endif()
endfunction()
