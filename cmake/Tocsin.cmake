# Data that the program reads, laid out below the program's prefix: bin/tocsin, share/tocsin, lib/tocsin.
set(TOCSIN_SHARE ${CMAKE_BINARY_DIR}/share/tocsin)
set(TOCSIN_LIB ${CMAKE_BINARY_DIR}/lib/tocsin)
set(TOCSIN_PACKAGES ${CMAKE_SOURCE_DIR}/packages/node_modules)

# tocsin_library(folder [DEPENDS libraries...] [USES private libraries...])
# A library of one folder. Its headers are reached through a directory that holds that folder alone,
# so that an include of a folder which is not a declared dependency does not compile.
function(tocsin_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;USES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(view ${CMAKE_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${view})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${view}/${name} SYMBOLIC)
  if(sources)
    add_library(tocsin_${name} STATIC ${sources})
    target_include_directories(tocsin_${name} PUBLIC ${view})
    target_link_libraries(tocsin_${name} PUBLIC ${ARG_DEPENDS} PRIVATE ${ARG_USES})
  else()
    add_library(tocsin_${name} INTERFACE)
    target_include_directories(tocsin_${name} INTERFACE ${view})
    target_link_libraries(tocsin_${name} INTERFACE ${ARG_DEPENDS})
  endif()
endfunction()

# tocsin_page(source directory): the page's files, each with its compressed forms, in a directory. The stamp is beside
# it, since all that is in the directory is served.
function(tocsin_page source directory)
  find_program(NODE node REQUIRED)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${source}/src/* ${source}/public/* ${source}/build/*)
  set(tools ${source}/node_modules)
  add_custom_command(OUTPUT ${directory}.stamp
    COMMAND ${NODE} ${tools}/vite/bin/vite.js build --logLevel warn --outDir ${directory} --emptyOutDir
    COMMAND ${NODE} ${source}/build/compress.mjs ${directory}
    COMMAND ${CMAKE_COMMAND} -E touch ${directory}.stamp
    DEPENDS ${sources} ${source}/index.html ${source}/vite.config.ts ${source}/svelte.config.js ${source}/package-lock.json
    WORKING_DIRECTORY ${source} COMMENT "Building the page" VERBATIM)
  add_custom_target(page ALL DEPENDS ${directory}.stamp)
endfunction()

# tocsin_test(folder libraries...): every tests/folder/*_test.cc as one program.
function(tocsin_test name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${name}/*_test.cc)
  if(sources)
    add_executable(${name}_test ${sources})
    target_link_libraries(${name}_test PRIVATE ${ARGN} GTest::gtest GTest::gmock GTest::gtest_main)
    target_compile_definitions(${name}_test PRIVATE TOCSIN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES TIMEOUT 900)
  endif()
endfunction()
