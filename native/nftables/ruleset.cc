#include "nftables/ruleset.h"

#include "nftables/set_entries.h"

#include <algorithm>
#include <cerrno>

namespace nftables {
namespace {

constexpr int attempts = 10;

uint64_t readHandle(Bytes payload) {
  return payload.size() == sizeof(uint64_t) ? netlink::networkOrder(netlink::load<uint64_t>(payload.data())) : 0;
}

uint32_t number(Bytes attributes, uint16_t type) {
  uint32_t value = 0;
  (void)readU32(findAttribute(attributes, type), value);
  return value;
}

uint8_t familyOf(const Message& message) { return netlink::load<nfgenmsg>(message.payload.data()).nfgen_family; }

// One pass over the ruleset.
class Reader {
public:
  Reader(netlink::Channel& channel, const Control& control, Ruleset& ruleset)
      : channel_(channel), control_(control), ruleset_(ruleset) {}

  // True if the ruleset changed during the pass.
  [[nodiscard]] bool torn() const { return torn_; }

  Failure read() {
    ruleset_ = {};
    const struct {
      uint16_t request;
      uint16_t reply;
      void (Reader::*take)(uint8_t family, Bytes attributes);
    } dumps[] = {
        {NFT_MSG_GETTABLE, NFT_MSG_NEWTABLE, &Reader::takeTable},
        {NFT_MSG_GETCHAIN, NFT_MSG_NEWCHAIN, &Reader::takeChain},
        {NFT_MSG_GETRULE, NFT_MSG_NEWRULE, &Reader::takeRule},
        {NFT_MSG_GETSET, NFT_MSG_NEWSET, &Reader::takeSet},
    };
    for (const auto& dump : dumps) {
      Failure failure =
          read(dump.request, dump.reply, NFPROTO_UNSPEC, nullptr, nullptr,
               [this, &dump](uint8_t family, Bytes attributes) { (this->*dump.take)(family, attributes); });
      if (!failure.status.ok()) {
        return failure;
      }
    }
    return readSets();
  }

private:
  template <typename Take>
  Failure read(uint16_t request, uint16_t reply, uint8_t family, const char* table, const char* set, Take take) {
    Batch& batch = channel_.compose();
    Writer writer = beginMessage(batch, request, NLM_F_DUMP, family);
    if (table != nullptr) {
      writer.text(NFTA_SET_ELEM_LIST_TABLE, table);
      writer.text(NFTA_SET_ELEM_LIST_SET, set);
    }
    batch.end();
    netlink::Replies replies;
    const Status status = channel_.exchange(control_, replies, [&](size_t, const Message& message) {
      Bytes attributes;
      if (!messageAttributes(message, reply, attributes)) {
        return false;
      }
      take(familyOf(message), attributes);
      return true;
    });
    torn_ = torn_ || replies.interrupted;
    if (!status.ok()) {
      return failureOf(0, status);
    }
    const netlink::Acknowledgement* refusal = replies.refusal(0);
    const bool gone = refusal != nullptr && refusal->error == ENOENT && table != nullptr;
    torn_ = torn_ || gone;
    return failureOf(0, refusal == nullptr || gone ? netlink::done() : refusalStatus(refusal->error));
  }

  RulesetTable* find(uint8_t family, const std::string& name) {
    const auto found = std::ranges::find_if(
        ruleset_.tables, [&](const RulesetTable& table) { return table.family == family && table.name == name; });
    return found == ruleset_.tables.end() ? nullptr : &*found;
  }

  void takeTable(uint8_t family, Bytes attributes) {
    if (family != NFPROTO_IPV4 && family != NFPROTO_IPV6 && family != NFPROTO_INET) {
      return;
    }
    RulesetTable& table = ruleset_.tables.emplace_back();
    table.family = family;
    table.name = readText(findAttribute(attributes, NFTA_TABLE_NAME));
    table.flags = number(attributes, NFTA_TABLE_FLAGS);
    table.handle = readHandle(findAttribute(attributes, NFTA_TABLE_HANDLE));
  }

  void takeChain(uint8_t family, Bytes attributes) {
    RulesetTable* table = find(family, readText(findAttribute(attributes, NFTA_CHAIN_TABLE)));
    if (table == nullptr) {
      return;
    }
    const std::string name = readText(findAttribute(attributes, NFTA_CHAIN_NAME));
    RulesetChain& chain = table->chains[name];
    chain.name = name;
    chain.handle = readHandle(findAttribute(attributes, NFTA_CHAIN_HANDLE));
    if (const Bytes hook = findAttribute(attributes, NFTA_CHAIN_HOOK); !hook.empty()) {
      chain.base = findAttribute(hook, NFTA_HOOK_DEV).empty() && findAttribute(hook, NFTA_HOOK_DEVS).empty();
      chain.hook = number(hook, NFTA_HOOK_HOOKNUM);
      chain.priority = static_cast<int32_t>(number(hook, NFTA_HOOK_PRIORITY));
      chain.policy = static_cast<int32_t>(number(attributes, NFTA_CHAIN_POLICY));
    }
  }

  void takeRule(uint8_t family, Bytes attributes) {
    RulesetTable* table = find(family, readText(findAttribute(attributes, NFTA_RULE_TABLE)));
    if (table == nullptr) {
      return;
    }
    const Bytes expressions = findAttribute(attributes, NFTA_RULE_EXPRESSIONS);
    table->chains[readText(findAttribute(attributes, NFTA_RULE_CHAIN))].rules.push_back(
        {readHandle(findAttribute(attributes, NFTA_RULE_HANDLE)), {expressions.begin(), expressions.end()}});
  }

  void takeSet(uint8_t family, Bytes attributes) {
    if (RulesetTable* table = find(family, readText(findAttribute(attributes, NFTA_SET_TABLE))); table != nullptr) {
      table->sets[readText(findAttribute(attributes, NFTA_SET_NAME))] = describeSet(attributes);
    }
  }

  Failure readSets() {
    for (RulesetTable& table : ruleset_.tables) {
      for (auto& [name, set] : table.sets) {
        Failure failure = read(NFT_MSG_GETSETELEM, NFT_MSG_NEWSETELEM, table.family, table.name.c_str(), name.c_str(),
                               [&set](uint8_t, Bytes attributes) { takeEntries(attributes, set); });
        if (!failure.status.ok() || torn_) {
          return failure;
        }
        finishEntries(set);
      }
    }
    return failureOf(0, netlink::done());
  }

  netlink::Channel& channel_;
  const Control& control_;
  Ruleset& ruleset_;
  bool torn_ = false;
};

} // namespace

std::vector<HookedChain> Ruleset::at(uint32_t hook, uint8_t family) const {
  std::vector<HookedChain> hooked;
  for (const RulesetTable& table : tables) {
    if ((table.family != NFPROTO_INET && table.family != family) || (table.flags & NFT_TABLE_F_DORMANT) != 0) {
      continue;
    }
    for (const auto& [name, chain] : table.chains) {
      if (chain.base && chain.hook == hook) {
        hooked.push_back({&table, &chain});
      }
    }
  }
  std::ranges::sort(hooked, [](const HookedChain& left, const HookedChain& right) {
    if (left.chain->priority != right.chain->priority) {
      return left.chain->priority < right.chain->priority;
    }
    return left.table->handle == right.table->handle ? left.chain->handle > right.chain->handle
                                                     : left.table->handle > right.table->handle;
  });
  return hooked;
}

Failure readRuleset(netlink::Channel& channel, const Control& control, Ruleset& ruleset) {
  for (int attempt = 0; attempt < attempts; ++attempt) {
    uint32_t before = 0;
    uint32_t after = 0;
    if (const Status status = readGeneration(channel, control, before); !status.ok()) {
      return failureOf(0, status);
    }
    Reader reader(channel, control, ruleset);
    if (Failure failure = reader.read(); !failure.status.ok()) {
      return failure;
    }
    if (const Status status = readGeneration(channel, control, after); !status.ok()) {
      return failureOf(0, status);
    }
    if (!reader.torn() && after == before) {
      return failureOf(0, netlink::done());
    }
  }
  return failureOf(0, {netlink::FailureKind::conflict, 0});
}

} // namespace nftables
