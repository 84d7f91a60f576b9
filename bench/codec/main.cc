// codec SUBJECT ITEMS: runs a subject once; valgrind counts the instructions. Without arguments: prints the names of
// the subjects.
#include "subject.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace bench {

std::vector<std::byte> golden(const std::string& name) {
  std::ifstream file("test/codec/golden/ipvs/" + name + ".txt");
  std::vector<std::byte> bytes;
  for (std::string line; std::getline(file, line);) {
    const std::string hex = line.substr(0, line.find('#'));
    char* end = nullptr;
    for (const char* at = hex.c_str();; at = end) {
      const unsigned long value = std::strtoul(at, &end, 16);
      if (end == at) {
        break;
      }
      bytes.push_back(static_cast<std::byte>(value));
    }
  }
  if (bytes.empty()) {
    std::fprintf(stderr, "codec: no golden file %s; run this at the root of the checkout\n", name.c_str());
    std::exit(1);
  }
  return bytes;
}

} // namespace bench

int main(int argc, char** argv) {
  for (const bench::Subject& subject : bench::subjects) {
    if (argc == 1) {
      std::printf("%s\n", subject.name);
    } else if (argc == 3 && std::string(argv[1]) == subject.name) {
      std::printf("%zu\n", subject.run(std::strtoul(argv[2], nullptr, 10)));
      return 0;
    }
  }
  return argc == 1 ? 0 : 2;
}
