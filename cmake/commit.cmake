# Writes the commit that is built to OUT, as C++: cmake -DGIT_DIR=… -DOUT=… -P commit.cmake
execute_process(COMMAND git --git-dir ${GIT_DIR} rev-parse --short=12 HEAD OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT commit)
    set(commit unknown)
endif()
file(WRITE ${OUT} "#include \"app/cli/commit.hpp\"\nnamespace bv::cli {\nstd::string_view commit() noexcept { return \"${commit}\"; }\n}  // namespace bv::cli\n")
