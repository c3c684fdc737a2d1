# core_portable, core_avx2, core_avx512: the same source for each instruction set, and core_isas, which
# says which of them the machine runs. CORE_OBJECTS lists their objects for a program to link.
#
# Functions of the standard library that two of them instantiate are one function after linking: the
# first in CORE_OBJECTS wins. The portable ones stand first, so that no wide instruction is met on a
# machine that lacks it.
find_package(Threads REQUIRED)
set(CORE_SOURCE ${CMAKE_CURRENT_LIST_DIR})

if(NOT DEFINED CORE_OPTIMIZATION)
  set(CORE_OPTIMIZATION -O3)
endif()
# Not -ffast-math: NaN must stay NaN, and sums keep their order.
set(CORE_FLAGS ${CORE_OPTIMIZATION} -fno-math-errno -fno-trapping-math -ffp-contract=fast)

function(core_isa name)
  add_library(core_${name} OBJECT ${CORE_SOURCE}/isa.cpp)
  target_compile_definitions(core_${name} PRIVATE CORE_ISA=${name})
  target_compile_options(core_${name} PRIVATE ${CORE_FLAGS} ${ARGN})
endfunction()

add_library(core_isas OBJECT ${CORE_SOURCE}/isas.cpp)
target_compile_definitions(core_isas PRIVATE CORE_ISA=portable)
core_isa(portable)
set(CORE_OBJECTS $<TARGET_OBJECTS:core_isas> $<TARGET_OBJECTS:core_portable>)

# What the compiler makes code for, which need not be what it runs on.
include(CheckCXXSourceCompiles)
check_cxx_source_compiles("
  #ifndef __x86_64__
  #error
  #endif
  int main() {}" CORE_X86)
if(CORE_X86)
  target_compile_definitions(core_isas PRIVATE CORE_X86)
  core_isa(avx2 -mavx2 -mfma)
  core_isa(avx512 -mavx512f -mavx512dq -mavx512vl -mavx512bw -mavx2 -mfma
           -mprefer-vector-width=512)
  list(APPEND CORE_OBJECTS $<TARGET_OBJECTS:core_avx2> $<TARGET_OBJECTS:core_avx512>)
endif()
