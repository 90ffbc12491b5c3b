// bv_embedder OUT NAMESPACE VARIABLE BASE FILE…: writes a C++ source that holds the files as constants.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

namespace {

// String literals of at most 8 KiB each, so that no compiler limit is met; octal escapes never run into the next byte.
void write_literal(std::ostream& out, const std::string& text) {
    constexpr char digits[] = "01234567";
    std::size_t in_piece = 0;
    out << '"';
    for (const char ch : text) {
        const auto c = static_cast<unsigned char>(ch);
        if (in_piece++ == 8192) out << "\"\n\"", in_piece = 1;
        if (c == '\n') out << "\\n";
        else if (c == '"' || c == '\\') out << '\\' << ch;
        else if (c >= 32 && c < 127 && c != '?') out << ch;
        else out << '\\' << digits[c >> 6] << digits[c >> 3 & 7] << digits[c & 7];
    }
    out << '"';
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 5) {
        std::cerr << "usage: bv_embedder OUT NAMESPACE VARIABLE BASE FILE...\n";
        return 2;
    }
    std::ofstream out(argv[1]);
    const std::string ns = argv[2], variable = argv[3];
    const std::filesystem::path base = argv[4];
    out << "#include <array>\n#include <span>\n#include \"platform/core/embed.hpp\"\nnamespace " << ns << " {\nnamespace {\n"
        << "constexpr std::array<bv::embedded_file, " << argc - 5 << "> files_of_" << variable << "{{\n";
    for (int i = 5; i < argc; ++i) {
        std::ifstream in(argv[i], std::ios::binary);
        if (!in) {
            std::cerr << "bv_embedder: cannot read " << argv[i] << '\n';
            return 1;
        }
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        out << "{\"" << std::filesystem::path(argv[i]).lexically_relative(base).generic_string() << "\", std::string_view(";
        write_literal(out, text);
        out << ", " << text.size() << ")},\n";
    }
    out << "}};\n}  // namespace\nstd::span<const bv::embedded_file> " << variable << "();\nstd::span<const bv::embedded_file> "
        << variable << "() { return files_of_" << variable << "; }\n}  // namespace " << ns << '\n';
    return out.flush() ? 0 : 1;
}
