#include "nftables/status.h"

namespace nftables {
namespace {

class Lines {
public:
  void add(const char* problem, std::initializer_list<std::string> words) {
    text_ += problem;
    for (const std::string& word : words) {
      text_ += ' ' + word;
    }
    text_ += '\n';
  }
  void add(const char* problem, ChainNumber chain, uint64_t handle) {
    add(problem, {chains[chain].name, std::to_string(handle)});
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

private:
  std::string text_;
};

} // namespace

std::string statusText(const Objects& objects, std::span<const Element> rows) {
  Lines lines;
  const Objects missing = missingObjects(objects, needsOf(rows));
  if (missing.dormant) {
    lines.add("dormant", {});
  }
  for (size_t i = 0; i < chainCount; ++i) {
    if (missing.chain[i]) {
      lines.add("chain", {chains[i].name});
    }
  }
  for (size_t i = 0; i < jumpCount; ++i) {
    if (missing.jump[i]) {
      lines.add("jump", {chains[jumps[i].from].name, chains[jumps[i].to].name});
    }
  }
  for (size_t i = 0; i < mapCount; ++i) {
    if (missing.lookup[i]) {
      lines.add("lookup", {maps[i].name});
    }
  }
  for (const RuleAt& rule : rows.empty() ? std::vector<RuleAt>() : objects.obstacles) {
    lines.add("obstacle", rule.chain, rule.handle);
  }
  for (const RuleAt& rule : missing.surplus) {
    lines.add("surplus", rule.chain, rule.handle);
  }
  for (const uint64_t handle : objects.bridges) {
    lines.add("temporary", MARKS, handle);
  }
  return lines.take();
}

} // namespace nftables
